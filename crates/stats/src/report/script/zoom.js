// Zooms into plots by dragging, by buttons and by keys. All panels of a plot with the same axis move together, so that they stay comparable.
{
  const LEAST = 1e-4;
  const clamp = ([from, to]) => {
    const width = Math.min(1, Math.max(LEAST, to - from));
    const start = Math.min(1 - width, Math.max(0, from));
    return [start, start + width];
  };
  const isWhole = axis => axis.window[0] === 0 && axis.window[1] === 1;

  // What of a drawing belongs to its axes, and which of them: these give way to new ones while it is zoomed.
  function ticksOf(plot) {
    const [ofX, ofY] = [[], []];
    for (const line of plot.svg.querySelectorAll('line.grid, line.fine, line.axis')) {
      const [x1, x2, y1, y2] = ['x1', 'x2', 'y1', 'y2'].map(name => Number(line.getAttribute(name)));
      if (x1 === x2) ofX.push(line);
      else if (y1 === y2 && !line.classList.contains('axis')) ofY.push(line);
    }
    for (const text of plot.svg.querySelectorAll('text:not(.soft):not(.strong)')) {
      const [x, y] = ['x', 'y'].map(name => Number(text.getAttribute(name)));
      const end = text.getAttribute('text-anchor') === 'end';
      if (plot.panels.some(panel => x >= panel.left - 2 && x <= panel.right + 2 && y > panel.bottom + 6 && y < panel.bottom + 24)) ofX.push(text);
      else if (end && plot.panels.some(panel => x < panel.left && x > panel.left - 20 && y > panel.top - 9 && y < panel.bottom + 9)) ofY.push(text);
    }
    return { ofX, ofY };
  }

  // Puts the contents of a panel behind a window that can be moved over them.
  function glaze(panel) {
    const { left, right, top, bottom } = panel;
    const contents = [...panel.element.children].filter(child => {
      if (child.matches('text, .grid, .fine, .axis, title, style, .ground, .zoom-axis, .selection, .cursor, [data-panel]')) return false;
      if (child.matches('[data-series]')) return true;
      const box = child.getBBox();
      return panel.holds(box.x + box.width / 2, box.y + box.height / 2);
    });
    const view = make('svg', { class: 'window', x: left, y: top, width: right - left, height: bottom - top, preserveAspectRatio: 'none' }, null, panel.svg);
    if (contents.length) contents[0].before(view); else panel.element.append(view);
    panel.holes = contents.map(child => {
      const hole = document.createComment('');
      child.replaceWith(hole);
      view.append(child);
      return [hole, child];
    });
    for (const mark of view.querySelectorAll('.mark, [data-at], text')) {
      const box = mark.getBBox();
      mark.centre = [box.x + box.width / 2, box.y + box.height / 2];
    }
    panel.view = view;
  }

  function unglaze(panel) {
    for (const mark of panel.view.querySelectorAll('.mark, [data-at], text')) mark.removeAttribute('transform');
    for (const [hole, child] of panel.holes) hole.replaceWith(child);
    panel.view.remove();
    panel.view = null;
  }

  function aim(panel) {
    const [width, height] = [panel.right - panel.left, panel.bottom - panel.top];
    const [x, y] = [panel.x.window, panel.y.window];
    const [across, down] = [x[1] - x[0], y[1] - y[0]];
    panel.view.setAttribute('viewBox', [panel.left + x[0] * width, panel.top + (1 - y[1]) * height, across * width, down * height].join(' '));
    // marks keep their shape
    for (const mark of panel.view.querySelectorAll('.mark, [data-at], text')) {
      const [cx, cy] = mark.centre;
      mark.setAttribute('transform', `matrix(${across} 0 0 ${down} ${cx * (1 - across)} ${cy * (1 - down)})`);
    }
  }

  function drawAxes(plot) {
    plot.axes?.remove();
    const group = make('g', { class: 'zoom-axis' }, null, plot.svg);
    const under = (a, b) => b.left === a.left && b.top > a.top;
    const beside = (a, b) => b.top === a.top && b.left < a.left;
    for (const panel of plot.panels) {
      const { left, right, top, bottom } = panel;
      if (panel.x.zoomable) {
        const last = !plot.panels.some(other => under(panel, other)) || plot.panels.some(other => other.x.text !== panel.x.text);
        const ticks = panel.x.ticks(Math.max(2, (right - left) / 110));
        for (const tick of ticks) {
          const x = panel.across(tick);
          group.append(make('line', { class: 'grid', x1: x, x2: x, y1: top, y2: bottom }, null, plot.svg));
          if (last) group.append(make('text', { 'text-anchor': 'middle', x, y: bottom + 18 }, valueOf(tick, panel.x.unit, 6), plot.svg));
        }
      }
      if (panel.y.zoomable) {
        const first = !plot.panels.some(other => beside(panel, other));
        for (const tick of panel.y.ticks(Math.max(2, (bottom - top) / 40))) {
          const y = panel.down(tick);
          group.append(make('line', { class: 'grid', x1: left, x2: right, y1: y, y2: y }, null, plot.svg));
          if (first) group.append(make('text', { 'text-anchor': 'end', x: left - 8, y: y + 4.5 }, valueOf(tick, panel.y.unit, 6), plot.svg));
        }
      }
    }
    plot.svg.prepend(group);
    plot.axes = group;
  }

  function draw(plot) {
    const zoomed = plot.panels.some(panel => !isWhole(panel.x) || !isWhole(panel.y));
    if (!zoomed) {
      if (plot.ticks) {
        plot.panels.forEach(unglaze);
        plot.axes.remove();
        for (const part of [...plot.ticks.ofX, ...plot.ticks.ofY]) part.classList.remove('away');
        plot.ticks = null;
      }
    } else {
      if (!plot.ticks) {
        plot.ticks = ticksOf(plot);
        const away = [...(plot.panels.some(panel => panel.x.zoomable) ? plot.ticks.ofX : []), ...(plot.panels.some(panel => panel.y.zoomable) ? plot.ticks.ofY : [])];
        for (const part of away) part.classList.add('away');
        plot.panels.forEach(glaze);
      }
      plot.panels.forEach(aim);
      drawAxes(plot);
    }
    plot.reset.setAttribute('aria-disabled', String(!zoomed));
    plot.stage.toggleAttribute('data-zoomed', zoomed);
    plot.stage.dispatchEvent(new Event('zoomed'));
  }

  // Gives an axis of a panel, and all like it, another window.
  function set(plot, axis, like, window) {
    if (!axis.zoomable) return;
    for (const panel of plot.panels) if (panel[like].text === axis.text) panel[like].window = clamp(window);
  }

  const of = (window, from, to) => [window[0] + from * (window[1] - window[0]), window[0] + to * (window[1] - window[0])];

  // Shows a part of what is shown now: shares of the present window, upwards and to the right.
  function part(plot, [x0, x1], [y0, y1], panel = null) {
    const [ofX, ofY] = [new Set(), new Set()];
    for (const each of panel ? [panel] : plot.panels) {
      if (!ofX.has(each.x.text)) set(plot, each.x, 'x', of(each.x.window, x0, x1));
      if (!ofY.has(each.y.text)) set(plot, each.y, 'y', of(each.y.window, y0, y1));
      ofX.add(each.x.text);
      ofY.add(each.y.text);
    }
    draw(plot);
  }

  function reset(plot) {
    for (const panel of plot.panels) panel.x.window = panel.y.window = [0, 1];
    draw(plot);
  }

  // Drags a rectangle; a flat one is of one axis alone.
  function dragging(plot) {
    let begin = null;
    const stop = () => { begin?.box.remove(); begin = null; };
    plot.svg.addEventListener('pointerdown', event => {
      if (event.button !== 0 || event.pointerType === 'touch') return;
      const [x, y] = placeIn(plot.svg, event);
      const panel = plot.panels.find(panel => !panel.hidden && panel.holds(x, y));
      if (!panel) return;
      plot.svg.setPointerCapture(event.pointerId);
      begin = { x, y, panel, box: make('rect', { class: 'selection' }, null, plot.svg), id: event.pointerId };
      plot.svg.append(begin.box);
      event.preventDefault();
      plot.stage.focus({ preventScroll: true });
    });
    const corners = event => {
      const { panel } = begin;
      const [x, y] = placeIn(plot.svg, event);
      const [x1, y1] = [Math.min(panel.right, Math.max(panel.left, x)), Math.min(panel.bottom, Math.max(panel.top, y))];
      const [wide, high] = [Math.abs(x1 - begin.x), Math.abs(y1 - begin.y)];
      const flat = high < 8 || !panel.y.zoomable;
      const thin = !flat && (wide < 8 || !panel.x.zoomable);
      return {
        left: thin ? panel.left : Math.min(x1, begin.x), right: thin ? panel.right : Math.max(x1, begin.x),
        top: flat ? panel.top : Math.min(y1, begin.y), bottom: flat ? panel.bottom : Math.max(y1, begin.y), far: wide > 6 || high > 6,
      };
    };
    plot.svg.addEventListener('pointermove', event => {
      if (!begin) return;
      const { left, right, top, bottom } = corners(event);
      for (const [name, value] of Object.entries({ x: left, y: top, width: right - left, height: bottom - top })) begin.box.setAttribute(name, value);
    });
    plot.svg.addEventListener('pointerup', event => {
      if (!begin) return;
      const { panel } = begin;
      const { left, right, top, bottom, far } = corners(event);
      stop();
      const [width, height] = [panel.right - panel.left, panel.bottom - panel.top];
      if (far) part(plot, [(left - panel.left) / width, (right - panel.left) / width], [(panel.bottom - bottom) / height, (panel.bottom - top) / height], panel);
    });
    plot.svg.addEventListener('pointercancel', stop);
    plot.svg.addEventListener('dblclick', () => reset(plot));
    plot.stage.addEventListener('keydown', event => {
      if (event.key === 'Escape' && begin) { stop(); event.stopImmediatePropagation(); }
    });
  }

  const closer = plot => part(plot, [0.25, 0.75], [0.25, 0.75]);
  const farther = plot => part(plot, [-0.5, 1.5], [-0.5, 1.5]);
  const PANS = { ArrowLeft: [[-0.25, 0.75], [0, 1]], ArrowRight: [[0.25, 1.25], [0, 1]], ArrowDown: [[0, 1], [-0.25, 0.75]], ArrowUp: [[0, 1], [0.25, 1.25]] };

  function keys(plot) {
    plot.stage.addEventListener('keydown', event => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target !== plot.stage) return;
      if (event.key === '+' || event.key === '=') closer(plot);
      else if (event.key === '-') farther(plot);
      else if (event.key === '0' || (event.key === 'Escape' && !event.defaultPrevented)) reset(plot);
      else if (event.shiftKey && PANS[event.key] && plot.stage.hasAttribute('data-zoomed')) part(plot, ...PANS[event.key]);
      else return;
      event.preventDefault();
    });
  }

  // One stop for the tabulator key, arrows between the buttons (WAI-ARIA Authoring Practices, toolbar pattern).
  function toolbar(plot) {
    const bar = make('div', { class: 'tools', role: 'toolbar', 'aria-label': `${plot.stage.getAttribute('aria-label')}: zoom` });
    const actions = [['+', 'Zoom in', closer], ['−', 'Zoom out', farther], ['Reset', 'Reset the zoom', reset]];
    const buttons = actions.map(([text, label, action], n) => {
      const button = make('button', { type: 'button', 'aria-label': label, tabindex: n === 0 ? 0 : -1 }, text);
      button.addEventListener('click', () => action(plot));
      return button;
    });
    bar.append(...buttons);
    bar.addEventListener('keydown', event => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const now = buttons.indexOf(document.activeElement);
      const next = buttons[(now + step + buttons.length) % buttons.length];
      buttons.forEach(button => { button.tabIndex = button === next ? 0 : -1; });
      next.focus();
      event.preventDefault();
    });
    plot.reset = buttons[2];
    plot.reset.setAttribute('aria-disabled', 'true');
    plot.stage.before(bar);
  }

  // Rows beneath the packets have no axes of their own to zoom by.
  for (const plot of plots.filter(plot => plot.kind !== 'host' && plot.panels.some(panel => panel.x.zoomable || panel.y.zoomable))) {
    toolbar(plot);
    dragging(plot);
    keys(plot);
    plot.stage.classList.add('zoomable');
  }
}
