// Reads the percentile diagrams under the pointer. The page says everything without it.
for (const plot of document.querySelectorAll('svg[data-area]')) {
  const [left, right, top, bottom] = plot.dataset.area.split(' ').map(Number);
  const [least, greatest] = plot.dataset.ns.split(' ').map(Number);
  const width = plot.viewBox.baseVal.width;
  const readout = document.createElement('div');
  readout.className = 'readout';
  readout.hidden = true;
  document.body.append(readout);
  const time = ns => {
    const [scale, unit] = [[1e9, 's'], [1e6, 'ms'], [1e3, 'µs']].find(([scale]) => ns >= scale) ?? [1, 'ns'];
    return `${Number((ns / scale).toPrecision(3))} ${unit}`;
  };
  plot.addEventListener('pointermove', event => {
    const box = plot.getBoundingClientRect();
    const zoom = width / box.width;
    const x = ((event.clientX - box.left) * zoom - left) / (right - left);
    const y = (bottom - (event.clientY - box.top) * zoom) / (bottom - top);
    readout.hidden = x < 0 || x > 1 || y < 0 || y > 1;
    const oneIn = Number(plot.dataset.oneIn) ** x;
    const nines = Math.max(0, Math.ceil(Math.log10(oneIn)));
    readout.textContent = `${(100 - 100 / oneIn).toFixed(nines)} % · ${time(least * (greatest / least) ** y)}`;
    readout.style.left = `${Math.min(event.clientX + 14, innerWidth - 150)}px`;
    readout.style.top = `${event.clientY + 14}px`;
  });
  plot.addEventListener('pointerleave', () => { readout.hidden = true; });
}
