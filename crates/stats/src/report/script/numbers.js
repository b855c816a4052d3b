// Numbers as the page prints them, digit for digit: times with a fitting unit and three significant digits, counts in groups of three.
const GAP = '\u00a0';
const UNITS = [[1e9, 's'], [1e6, 'ms'], [1e3, 'µs'], [1, 'ns']];

function time(ns) {
  if (ns < 0) return `−${time(-ns)}`;
  const step = 10 ** Math.max(0, String(Math.floor(ns)).length - 3);
  const rounded = Math.floor((Math.floor(ns) + Math.floor(step / 2)) / step) * step;
  const [scale, unit] = UNITS.find(([scale]) => rounded >= scale) ?? UNITS[3];
  const whole = Math.floor(rounded / scale);
  const rest = rounded % scale;
  const digits = scale === 1 || whole >= 100 ? 0 : whole >= 10 ? 1 : 2;
  const fraction = digits ? `.${String(Math.floor(rest * 10 ** digits / scale)).padStart(digits, '0')}` : '';
  return `${whole}${fraction}${GAP}${unit}`;
}

const difference = ns => (ns > 0 ? `+${time(ns)}` : time(ns));
const count = n => String(n).replace(/\B(?=(\d{3})+$)/g, '\u202f');

// All digits down to the nanosecond.
function exactly(ns) {
  const [scale, unit] = UNITS.find(([scale]) => ns >= scale) ?? UNITS[3];
  const digits = Math.round(Math.log10(scale));
  return `${Math.floor(ns / scale)}${digits ? `.${String(ns % scale).padStart(digits, '0')}` : ''}${GAP}${unit}`;
}

// The bounds of an interval, the unit once where both share it; those too close to differ in three digits are given exactly.
function interval(low, high) {
  if (low === null && high === null) return '';
  if (high === null) return `from ${time(low)}`;
  if (low === null) return `up to ${time(high)}`;
  const [left, right] = (time(low) === time(high) ? [exactly(low), exactly(high)] : [time(low), time(high)]).map(text => text.split(GAP));
  return `${left[1] === right[1] ? left[0] : left.join(GAP)}–${right.join(GAP)}`;
}

// A value of an axis, exact enough to tell neighbouring ticks apart.
function valueOf(value, unit, digits = 4) {
  const short = number => String(Number(number.toPrecision(digits)));
  const grouped = number => short(number).replace(/^\d+/, count);
  if (unit === 'ns' || unit === 's') {
    const ns = unit === 's' ? value * 1e9 : value;
    if (ns === 0) return '0';
    const [scale, name] = UNITS.find(([scale]) => Math.abs(ns) >= scale * 0.999999) ?? UNITS[3];
    return `${short(ns / scale)}${GAP}${name}`;
  }
  if (unit === 'one-in') {
    const nines = Math.max(0, Math.ceil(Math.log10(value) - 1e-9) + (digits > 4 ? 1 : 0));
    return `${String(Number((100 - 100 / value).toFixed(nines)))}${GAP}%`;
  }
  if (unit === 'share') return `${short(value * 100)}${GAP}%`;
  return unit === 'pps' ? `${grouped(value)}${GAP}pps` : grouped(value);
}

// An element with attributes, text and children; of the kind of its parent where that is a drawing.
function make(name, attributes = {}, text = null, within = null) {
  const element = within ? document.createElementNS(within.namespaceURI, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== null) element.textContent = text;
  return element;
}
