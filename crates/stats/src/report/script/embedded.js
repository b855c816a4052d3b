// What the page holds of the campaign; null on pages of other kinds.
const embedded = JSON.parse(document.getElementById('embedded')?.textContent ?? 'null');
const cells = embedded?.cells ?? [];
const cellBy = new Map(cells.map(cell => [cell.cell, cell]));

// The buckets of a cell: number and count of each, ascending.
function bucketsOf(cell) {
  if (!cell.decoded) {
    let number = 0;
    cell.decoded = cell.buckets === '' ? [] : cell.buckets.split(' ').map(entry => {
      const [gap, times] = entry.split(':');
      number += parseInt(gap, 36);
      return [number, times === undefined ? 1 : parseInt(times, 36)];
    });
    cell.total = cell.decoded.reduce((sum, [, times]) => sum + times, 0);
  }
  return cell.decoded;
}

// The least and the greatest value of a bucket, ns.
function boundsOf(number) {
  const half = 2 ** (embedded.bits - 1);
  const dropped = Math.max(0, Math.floor(number / half) - 1);
  const least = (number - dropped * half) * 2 ** dropped;
  return [least, least + 2 ** dropped - 1];
}

// The bounds between which the percentile's nearest rank lies, ns; null without values.
function percentileOf(cell, ppm) {
  const buckets = bucketsOf(cell);
  const rank = Number((BigInt(cell.total) * BigInt(ppm) + 999999n) / 1000000n);
  let below = 0;
  for (const [number, times] of buckets) {
    below += times;
    if (below >= rank) return boundsOf(number);
  }
  return null;
}

// Bounds of the probability that a packet of one is slower than one of the base, equal ones counted half; null without values.
function slower(other, base) {
  const [ours, theirs] = [bucketsOf(other), bucketsOf(base)];
  if (ours.length === 0 || theirs.length === 0) return null;
  let [at, below, greater, undecided] = [0, 0, 0, 0];
  for (const [number, times] of ours) {
    for (; at < theirs.length && theirs[at][0] < number; at += 1) below += theirs[at][1];
    const same = at < theirs.length && theirs[at][0] === number ? theirs[at][1] : 0;
    const share = times / other.total;
    greater += share * (below / base.total);
    undecided += share * (same / base.total);
  }
  return [greater, greater + undecided];
}

// The least value that so large a share of the packets does not exceed, from the buckets of the page.
function quantile(cell, oneIn) {
  const buckets = bucketsOf(cell);
  const rank = Math.max(1, Math.ceil(cell.total - cell.total / oneIn - 1e-9));
  let below = 0;
  for (const [number, times] of buckets) {
    below += times;
    if (below >= rank) { const [low, high] = boundsOf(number); return (low + high) / 2; }
  }
  return null;
}
