// Looks for what keeps people from using the page. Gives a list of faults, empty when there are none.
(() => {
  const faults = [];
  const visible = element => element.checkVisibility({ checkOpacity: false, checkVisibilityCSS: true });
  const name = element => `${element.tagName.toLowerCase()}${element.id ? `#${element.id}` : ''} "${(element.textContent ?? '').trim().slice(0, 40)}"`;

  // WCAG 2.2, 3.1.1 and 2.4.2
  if (document.documentElement.lang !== 'en') faults.push('the language of the page is not said');
  if (!document.title.trim()) faults.push('the page has no title');

  // each identifier once, and every reference to one leads somewhere
  const ids = [...document.querySelectorAll('[id]')].map(element => element.id);
  for (const id of new Set(ids.filter((id, n) => ids.indexOf(id) !== n))) faults.push(`the identifier ${id} is there more than once`);
  for (const attribute of ['aria-labelledby', 'aria-describedby', 'for']) {
    for (const element of document.querySelectorAll(`[${attribute}]`)) {
      for (const id of element.getAttribute(attribute).split(' ')) if (!ids.includes(id)) faults.push(`${attribute} of ${name(element)} names ${id}, which is not there`);
    }
  }
  for (const link of document.querySelectorAll('a[href^="#"]')) if (!ids.includes(link.getAttribute('href').slice(1))) faults.push(`${name(link)} leads nowhere`);

  // one heading of the first level, none left out on the way down (1.3.1)
  const levels = [...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].filter(visible).map(heading => Number(heading.tagName[1]));
  if (levels.filter(level => level === 1).length !== 1 || levels[0] !== 1) faults.push(`headings of levels ${levels}`);
  levels.forEach((level, n) => { if (n && level > levels[n - 1] + 1) faults.push(`heading ${n} goes from level ${levels[n - 1]} to ${level}`); });

  // landmarks, and nothing to be read outside of them
  for (const landmark of ['main', 'body > header', 'nav']) if (document.querySelectorAll(landmark).length !== 1) faults.push(`not one ${landmark}`);
  for (const child of document.body.children) {
    if (visible(child) && child.textContent.trim() && !child.matches('main, header, script, .skip')) faults.push(`${name(child)} is outside of all landmarks`);
  }

  // tables say what they are and what their cells belong to (1.3.1)
  for (const table of document.querySelectorAll('table')) {
    if (!table.caption?.textContent.trim()) faults.push(`a table without a caption: ${name(table)}`);
    for (const head of table.querySelectorAll('th')) if (!head.scope) faults.push(`a heading of a table without its scope: ${name(head)}`);
    const rows = [...table.querySelectorAll('tbody tr')].filter(row => row.querySelector('td'));
    if (!table.querySelector('thead th')) faults.push(`no headings of columns: ${name(table)}`);
    if (rows.some(row => row.cells.length > 1 && !row.querySelector('th'))) {
      if (rows.length > 1) faults.push(`rows without a heading: ${name(table)}`);
    }
  }

  // whatever is focused first by keys stays in the order of the page (2.4.3)
  for (const element of document.querySelectorAll('[tabindex]')) if (element.tabIndex > 0) faults.push(`${name(element)} jumps the queue`);
  // what can be pressed is large enough (2.5.8)
  for (const element of document.querySelectorAll('button, select, summary, input')) {
    if (!visible(element)) continue;
    const target = element.matches('input') ? element.closest('label') ?? element : element;
    const box = target.getBoundingClientRect();
    if (box.width && (box.width < 24 || box.height < 24)) faults.push(`${name(element)} is ${box.width} by ${box.height}`);
  }

  // contrast of all text with what lies behind it (1.4.3)
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const rgba = colour => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
  const ground = element => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] > 0) layers.push(colour);
      if (colour[3] === 1) break;
    }
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255, 1]);
  };
  // a figure in a field of a heat map lies on the field
  const field = text => {
    const box = text.getBoundingClientRect();
    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
    const around = [...text.ownerSVGElement.querySelectorAll('path.fill')].map(path => [path, path.getBoundingClientRect()]);
    const found = around.find(([, { left, right, top, bottom }]) => left <= x && x <= right && top <= y && y <= bottom);
    return found && rgba(getComputedStyle(found[0]).fill);
  };
  const light = ([r, g, b]) => {
    const [R, G, B] = [r, g, b].map(value => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * R + 0.7152 * G + 0.0722 * B;
  };
  const seen = new Set();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || seen.has(element) || element.closest('script, style, title') || !visible(element)) continue;
    seen.add(element);
    if (element.closest('.off, [aria-disabled=true]')) continue; // what is out of use is exempt
    const style = getComputedStyle(element);
    const drawn = element instanceof SVGElement;
    const behind = (drawn && element.matches('.on-light, .on-dark') && field(element)) || ground(element);
    const ink = over(rgba(drawn ? style.fill : style.color), behind);
    const [a, b] = [light(ink), light(behind)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) faults.push(`contrast ${ratio.toFixed(2)} of ${name(element)}`);
  }
  return faults;
})()
