// Two configurations side by side.
{
  const place = document.getElementById('compare');
  if (place && embedded) {
    const [base, other] = ['pair-base', 'pair-other'].map(id => document.getElementById(id));
    const only = document.getElementById('pair-only');
    const percent = share => `${(share * 100).toFixed(2)}${GAP}%`;
    const cellText = ([value, low, high]) => {
      const cell = make('td', {}, time(value));
      const bounds = interval(low, high);
      if (bounds) cell.append(make('span', { class: 'under' }, bounds));
      return cell;
    };
    const missing = () => {
      const cell = make('td');
      cell.append(make('span', { class: 'missing' }, 'not enough packets'));
      return cell;
    };

    // What the repeats say of this percentile of this pair.
    function verdict(a, b, ppm) {
      const found = embedded.contrasts.find(one => one.ppm === ppm && ((one.base === a.cell && one.other === b.cell) || (one.base === b.cell && one.other === a.cell)));
      return found ? (found.base === a.cell ? found.words : found.reversed) : null;
    }

    function rowOf(name, a, b, words) {
      const row = make('tr');
      row.append(make('th', { scope: 'row' }, name), a ? cellText(a) : missing(), b ? cellText(b) : missing());
      const both = a && b;
      row.append(make('td', {}, both ? difference(b[0] - a[0]) : '–'), make('td', {}, both && a[0] > 0 ? `× ${(b[0] / a[0]).toFixed(3)}` : '–'));
      if (words !== undefined) row.append(make('td', { class: 'word phrase' }, words ?? '–'));
      return row;
    }

    function show() {
      const [a, b] = [base, other].map(select => cellBy.get(Number(select.value)));
      const judged = embedded.percentiles.some(([ppm]) => verdict(a, b, ppm) !== null);
      const head = ['Percentile', a.label, b.label, 'Difference', 'Ratio'].map(text => make('th', { scope: 'col' }, text));
      if (judged) head.push(make('th', { scope: 'col', class: 'word' }, 'What the repeats say'));
      document.getElementById('pair-head').replaceChildren(...head);
      const words = ppm => (judged ? verdict(a, b, ppm) : undefined);
      const rows = embedded.percentiles.map(([ppm, name], n) => rowOf(name, a.percentiles[n], b.percentiles[n], words(ppm)));
      const end = value => (value === null ? null : [value, null, null]);
      rows.unshift(rowOf('min', end(a.minimum), end(b.minimum), judged ? null : undefined));
      rows.push(rowOf('max', end(a.maximum), end(b.maximum), judged ? null : undefined));
      document.getElementById('pair-rows').replaceChildren(...rows);
      const answer = document.getElementById('pair-answer');
      const bounds = slower(b, a);
      if (a === b) answer.textContent = 'Choose two different configurations.';
      else if (!bounds) answer.textContent = 'One of them has no packets.';
      else {
        const [low, high] = bounds;
        const middle = (low + high) / 2;
        answer.textContent = `A packet of ${b.label} is slower than a packet of ${a.label} with a probability of ${percent(middle)}.`;
        answer.dataset.probability = middle;
      }
      document.getElementById('pair-hint').textContent = bounds
        ? `The probability lies between ${percent(bounds[0])} and ${percent(bounds[1])} whatever lies within the buckets of the page, which are up to ${Number((200 / 2 ** embedded.bits).toPrecision(2))}${GAP}% wide; all else in this table is exact.`
        : '';
      if (filtered.isOnly()) filtered.only([a.cell, b.cell]);
    }

    for (const select of [base, other]) select.addEventListener('change', show);
    document.getElementById('pair-swap').addEventListener('click', () => {
      [base.value, other.value] = [other.value, base.value];
      show();
    });
    only.addEventListener('click', () => filtered.only(filtered.isOnly() ? null : [Number(base.value), Number(other.value)]));
    filtered.addEventListener('change', () => only.setAttribute('aria-pressed', String(filtered.isOnly())));
    place.querySelector('form').addEventListener('submit', event => event.preventDefault());
    show();
    place.hidden = false;
    for (const entry of document.querySelectorAll('li[data-script]')) entry.hidden = false;
  }
}
