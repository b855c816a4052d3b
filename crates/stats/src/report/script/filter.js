// Hides configurations in tables and plots alike.
const hiddenCells = new Set();
const filtered = new EventTarget();
{
  const menu = document.getElementById('filter');
  const boxes = [...(menu?.querySelectorAll('input[data-key]') ?? [])];
  const form = menu?.querySelector('form');
  const counter = document.getElementById('filter-count');
  let only = null;

  const passes = cell => cell.values.every(([key, value]) => {
    const box = boxes.find(box => box.dataset.key === key && box.dataset.value === value);
    return !box || box.checked;
  });

  // A panel is named after a configuration, alone or with the repeat it shows.
  const owner = (name, among) => among.find(cell => name === cell.label || (name.startsWith(`${cell.label}, repeat `) && /^\d+$/.test(name.slice(cell.label.length + 9))));

  function apply() {
    hiddenCells.clear();
    for (const cell of cells) if (only ? !only.includes(cell.cell) : !passes(cell)) hiddenCells.add(cell.cell);
    const hidden = cells.filter(cell => hiddenCells.has(cell.cell));
    for (const row of document.querySelectorAll('[data-cell]')) row.hidden = hiddenCells.has(Number(row.dataset.cell));
    for (const rows of document.querySelectorAll('[data-cells]')) rows.hidden = rows.dataset.cells.split(' ').some(cell => hiddenCells.has(Number(cell)));
    for (const part of document.querySelectorAll('svg [data-series]')) part.classList.toggle('filtered', hidden.some(cell => cell.label === part.dataset.series));
    for (const part of document.querySelectorAll('svg [data-panel]')) part.classList.toggle('filtered', Boolean(owner(part.dataset.panel, hidden)));
    // names in legends and above panels stay, faint: what is missing is seen to be
    const names = new Set(hidden.map(cell => cell.label));
    for (const text of document.querySelectorAll('.stage svg > text')) {
      const shortened = text.textContent.endsWith('…') ? text.textContent.slice(0, -1) : null;
      const off = names.has(text.textContent) || (shortened !== null && [...names].some(name => name.startsWith(shortened)));
      text.classList.toggle('off', off);
      // the sample beside it: a line, a marker, or both
      let sample = text.previousElementSibling;
      for (let n = 0; n < 2 && sample?.matches('path, line:not(.grid, .fine, .axis)'); n += 1) {
        sample.classList.toggle('off', off);
        sample = sample.previousElementSibling;
      }
    }
    const shown = cells.length - hidden.length;
    document.documentElement.toggleAttribute('data-filtered', hidden.length > 0);
    if (counter) counter.textContent = hidden.length ? ` · ${shown} of ${cells.length} shown` : '';
    const note = document.getElementById('filter-note');
    note.hidden = hidden.length === 0;
    note.textContent = hidden.length ? `${shown} of ${cells.length} configurations are shown; ${hidden.map(cell => cell.label).join('; ')} ${hidden.length > 1 ? 'are' : 'is'} hidden.` : '';
    filtered.dispatchEvent(new Event('change'));
  }

  filtered.only = numbers => { only = numbers; apply(); };
  filtered.isOnly = () => only !== null;
  if (cells.length) {
    const note = make('p', { id: 'filter-note', role: 'status', class: 'filter-note', hidden: '' });
    document.querySelector('main').prepend(note);
  }
  if (menu && cells.length) {
    menu.hidden = false;
    form.addEventListener('change', () => { only = null; apply(); });
    form.addEventListener('submit', event => event.preventDefault());
    form.addEventListener('reset', () => { only = null; setTimeout(apply); });
  }
}
