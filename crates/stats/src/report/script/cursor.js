// Says what lies under the pointer, or at the place that the arrow keys have come to: a mark, a packet's record, or what the axes say there.
{
  const NEAR = 12;
  const readout = make('div', { class: 'readout', hidden: '', 'aria-hidden': 'true' });
  const spoken = make('div', { class: 'spoken', role: 'status', 'aria-live': 'polite' });
  document.querySelector('main').append(readout, spoken);
  let ring = null;

  function say(lines, x, y, svg, aloud) {
    readout.textContent = lines.join('\n');
    readout.hidden = false;
    const [left, top] = placeOn(svg, x, y);
    const box = readout.getBoundingClientRect();
    const right = left + 16 + box.width > document.documentElement.clientWidth - 6;
    readout.style.left = `${Math.max(6, right ? left - 16 - box.width : left + 16)}px`;
    readout.style.top = `${Math.max(6, Math.min(top + 14, innerHeight - box.height - 6))}px`;
    if (aloud) spoken.textContent = lines.join('. ');
  }

  function hush() {
    readout.hidden = true;
    ring?.remove();
    ring = null;
  }

  function mark(svg, x, y) {
    ring?.remove();
    ring = make('circle', { class: 'cursor', cx: x, cy: y, r: 7 }, null, svg);
    svg.append(ring);
  }

  // The records of the packets of a panel: its name says of which configuration and repeat.
  function recordsOf(panel) {
    for (const cell of cells) {
      const run = cell.runs.find(run => panel.name === `${cell.label}, ${run.repeat}`) ?? (panel.name === cell.label ? cell.runs[0] : null);
      if (run) return run.packets.map(packet => ({ x: packet[0], y: packet[1], lines: recordLines(cell, run, packet) }));
    }
    return [];
  }

  function recordLines(cell, run, [sent, latency, flow, number, lateness, toUser]) {
    return [
      `${cell.label}, ${run.repeat}`,
      `packet ${count(number)}${cell.runs.some(run => run.packets.some(packet => packet[2] > 0)) ? ` of flow ${flow}` : ''}`,
      `latency ${time(latency)}, to user space ${time(toUser)}`,
      `sent at ${(sent / 1e9).toFixed(6)}${GAP}s, ${lateness < 0 ? `${time(-lateness)} early` : `${time(lateness)} late`}`,
      `run ${run.run}`,
    ];
  }

  // What can be pointed at: marks with their titles, in groups that the arrow keys go through.
  function pointsOf(plot) {
    const points = [];
    plot.panels.forEach((panel, number) => {
      const records = plot.kind === 'worst' || plot.kind === 'host' ? recordsOf(panel) : [];
      const known = new Set(records.map(record => `${record.x} ${record.y}`));
      for (const record of records) points.push({ ...record, panel, group: number });
      for (const element of panel.element.querySelectorAll('[data-at]')) {
        const [x, y] = element.dataset.at.split(' ').map(Number);
        const title = element.querySelector('title');
        // the browser would show it a second time
        if (title) { element.dataset.title = title.textContent; title.remove(); }
        const series = element.closest('[data-series]');
        const group = plot.panels.length > 1 ? number : `${series?.dataset.series}`;
        if (!known.has(`${x} ${y}`)) points.push({ x, y, lines: [element.dataset.title ?? ''], panel, group, element, series });
      }
    });
    return points;
  }

  const isShown = point => !point.panel.hidden && !point.series?.classList.contains('filtered');
  const isSeen = point => isShown(point) && [point.panel.x.seen(point.x), point.panel.y.seen(point.y)].every(place => place >= -0.001 && place <= 1.001);
  // Marks that stand beside their value, so as not to hide each other, are where they are drawn.
  function placeOf(point) {
    const { panel } = point;
    if (point.element && panel.x.window[1] - panel.x.window[0] === 1 && panel.y.window[1] - panel.y.window[0] === 1) {
      const box = point.element.getBBox();
      return [box.x + box.width / 2, box.y + box.height / 2];
    }
    return [panel.across(point.x), panel.down(point.y)];
  }

  function readingOf(plot, panel, x, y) {
    const values = [panel.x.unseen((x - panel.left) / (panel.right - panel.left)), panel.y.unseen((panel.bottom - y) / (panel.bottom - panel.top))];
    const said = [panel.x, panel.y].map((axis, n) => (axis.zoomable ? valueOf(values[n], axis.unit) : null)).filter(Boolean);
    if (plot.kind !== 'percentiles' || !cells.length) return [said.join(' · ')];
    const lines = [valueOf(values[0], 'one-in', 5)];
    const names = new Set(panel.series.map(series => series.dataset.series));
    for (const cell of cells) {
      if (!names.has(cell.label) || hiddenCells.has(cell.cell) || cell.count < values[0]) continue;
      lines.push(`${cell.label}: ${time(Math.round(quantile(cell, values[0])))}`);
    }
    return lines;
  }

  for (const plot of plots) {
    const points = pointsOf(plot);
    let at = null;

    plot.svg.addEventListener('pointermove', event => {
      const [x, y] = placeIn(plot.svg, event);
      const panel = plot.panels.find(panel => !panel.hidden && panel.holds(x, y, 4));
      if (!panel || event.buttons) { hush(); return; }
      let [best, least] = [null, NEAR];
      for (const point of points) {
        if (point.panel !== panel || !isSeen(point)) continue;
        const [px, py] = placeOf(point);
        const distance = Math.hypot(px - x, py - y);
        if (distance < least) [best, least] = [point, distance];
      }
      if (best) {
        const place = placeOf(best);
        mark(plot.svg, ...place);
        say(best.lines, ...place, plot.svg, false);
      } else {
        hush();
        const lines = readingOf(plot, panel, x, y);
        if (lines[0]) say(lines, x, y, plot.svg, false);
      }
    });
    plot.svg.addEventListener('pointerleave', hush);
    plot.stage.addEventListener('zoomed', hush);
    plot.stage.addEventListener('blur', () => { at = null; hush(); });

    const show = point => {
      at = point;
      const place = placeOf(point);
      mark(plot.svg, ...place);
      const [left, top] = placeOn(plot.svg, ...place);
      if (top < 60 || top > innerHeight - 40 || left < 0 || left > innerWidth) ring.scrollIntoView({ block: 'center', inline: 'nearest' });
      say(point.lines, ...place, plot.svg, true);
    };
    plot.stage.addEventListener('keydown', event => {
      if (event.shiftKey || event.ctrlKey || event.metaKey || event.altKey || event.target !== plot.stage) return;
      if (event.key === 'Escape' && at) { at = null; hush(); event.preventDefault(); event.stopImmediatePropagation(); return; }
      const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1 }[event.key];
      if (!step) return;
      const seen = points.filter(isSeen);
      if (!seen.length) return;
      event.preventDefault();
      const groups = [...new Set(seen.map(point => point.group))];
      const sideways = event.key === 'ArrowLeft' || event.key === 'ArrowRight';
      const group = at && groups.includes(at.group) ? at.group : groups[0];
      const turned = sideways ? group : groups[(groups.indexOf(group) + (at ? step : 0) + groups.length) % groups.length];
      const row = seen.filter(point => point.group === turned).sort((a, b) => a.x - b.x || a.y - b.y);
      const now = row.indexOf(at);
      if (sideways) show(row[now < 0 ? (step > 0 ? 0 : row.length - 1) : Math.min(row.length - 1, Math.max(0, now + step))]);
      else show(at ? row.reduce((best, point) => (Math.abs(point.x - at.x) < Math.abs(best.x - at.x) ? point : best)) : row[0]);
    });
  }
}
