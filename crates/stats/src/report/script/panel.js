// The panels of a plot: an area of pixels between two axes, as the drawing says of itself. A window is what of an axis is shown: two shares
// of its length, 0 to 1.
const SCALES = {
  linear: { share: (value, lo, hi) => (value - lo) / (hi - lo), value: (share, lo, hi) => lo + share * (hi - lo) },
  log: { share: (value, lo, hi) => Math.log(Math.max(value, 1e-300) / lo) / Math.log(hi / lo), value: (share, lo, hi) => lo * (hi / lo) ** share },
};
SCALES.tail = SCALES.log;

class Axis {
  constructor(text) {
    const [scale, lo, hi, unit] = text.split(' ');
    Object.assign(this, { text, scale, lo: Number(lo), hi: Number(hi), unit, window: [0, 1] });
  }
  share(value) { return SCALES[this.scale].share(value, this.lo, this.hi); }
  value(share) { return SCALES[this.scale].value(share, this.lo, this.hi); }
  // where a value lies within the window, 0 to 1
  seen(value) { return (this.share(value) - this.window[0]) / (this.window[1] - this.window[0]); }
  unseen(place) { return this.value(this.window[0] + place * (this.window[1] - this.window[0])); }
  get zoomable() { return this.unit !== 'none'; }

  // Round values within the window, about so many.
  ticks(wanted) {
    const [from, to] = [this.unseen(0), this.unseen(1)];
    const within = value => this.seen(value) >= -1e-9 && this.seen(value) <= 1 + 1e-9;
    if (this.scale === 'tail') {
      const all = [1, 2];
      for (let decade = 10; decade <= to * 1.001; decade *= 10) for (const digit of [1, 2, 5]) all.push(decade * digit);
      const fine = all.filter(within);
      const decades = fine.filter(value => Number.isInteger(Math.log10(value)));
      return fine.length <= wanted ? fine : decades.length > 1 ? decades : fine;
    }
    if (this.scale === 'log' && to / from > 4) {
      const all = [];
      for (let decade = 10 ** Math.floor(Math.log10(from)); decade <= to; decade *= 10) for (const digit of [1, 2, 5]) all.push(decade * digit);
      const fine = all.filter(within);
      const decades = fine.filter(value => Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-9);
      return fine.length <= wanted + 1 || decades.length < 2 ? fine : decades;
    }
    const rough = (to - from) / wanted;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].find(digit => digit * power >= rough) * power;
    const all = [];
    for (let n = Math.ceil(from / step - 1e-9); n * step <= to * (1 + 1e-12); n += 1) all.push(n * step);
    return all.filter(within);
  }
}

class Panel {
  constructor(element, svg) {
    this.element = element;
    this.svg = svg;
    this.name = element.dataset.panel ?? '';
    [this.left, this.right, this.top, this.bottom] = element.dataset.area.split(' ').map(Number);
    this.x = new Axis(element.dataset.x);
    this.y = new Axis(element.dataset.y);
  }
  across(value) { return this.left + this.x.seen(value) * (this.right - this.left); }
  down(value) { return this.bottom - this.y.seen(value) * (this.bottom - this.top); }
  holds(x, y, margin = 0) {
    return x >= this.left - margin && x <= this.right + margin && y >= this.top - margin && y <= this.bottom + margin;
  }
  // The groups of its series; those of a drawing without panels lie below the drawing itself.
  get series() { return [...this.element.querySelectorAll('[data-series]')]; }
  get hidden() { return this.element.classList.contains('filtered'); }
}

// The plots of the page that have axes.
const plots = [...document.querySelectorAll('.stage svg[data-plot]')].map(svg => {
  const several = [...svg.querySelectorAll('[data-panel][data-area]')];
  const panels = (several.length ? several : svg.dataset.area ? [svg] : []).map(element => new Panel(element, svg));
  return { svg, stage: svg.closest('.stage'), kind: svg.dataset.plot, panels };
}).filter(plot => plot.panels.length);

// From a place on the screen to one in the drawing.
function placeIn(svg, event) {
  const box = svg.getBoundingClientRect();
  const scale = svg.viewBox.baseVal.width / box.width;
  return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
}

// From a place in the drawing to one on the screen.
function placeOn(svg, x, y) {
  const box = svg.getBoundingClientRect();
  const scale = box.width / svg.viewBox.baseVal.width;
  return [box.left + x * scale, box.top + y * scale];
}
