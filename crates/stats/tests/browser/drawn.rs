//! Zooming into a plot, by keys alone and by dragging, and back.

use serde_json::json;

use super::shown;

const STAGE: &str = "#plot-percentiles .stage";
/// What of the axes can be read, from left to right.
const LABELS: &str = "[...document.querySelectorAll('#plot-percentiles svg.plot > text, #plot-percentiles .zoom-axis text')] \
     .filter(text => text.checkVisibility() && text.textContent.includes('%') && text.getAttribute('text-anchor') === 'middle') \
     .map(text => text.textContent.replace('\\u00a0', ' ')).join(' ')";
const ZOOMED: &str = "document.querySelector('#plot-percentiles .stage').hasAttribute('data-zoomed')";

#[test]
fn keys_alone_zoom_move_and_reset() {
    let Some(mut shown) = shown() else { return };
    let browser = &mut shown.browser;
    let whole = browser.text(LABELS);
    assert!(whole.starts_with("0 % 50 % 90 % 99 %"), "{whole}");
    let drawing = "document.querySelector('#plot-percentiles svg').outerHTML";
    let before = browser.text(drawing);
    // from the drawing above on, as a reader without a mouse would come there
    browser.value(&format!(
        "(() => {{ const stages = [...document.querySelectorAll('.stage')]; stages[stages.indexOf(document.querySelector('{STAGE}')) - 1].focus(); }})()"
    ));
    browser.press("Tab", false);
    assert_eq!(browser.text("document.activeElement.getAttribute('aria-label')"), "Zoom in");
    browser.press("ArrowRight", false);
    assert_eq!(browser.text("document.activeElement.getAttribute('aria-label')"), "Zoom out");
    browser.press("Tab", false);
    assert!(browser.is(&format!("document.activeElement === document.querySelector('{STAGE}')")));
    browser.press("+", false);
    assert!(browser.is(ZOOMED));
    let closer = browser.text(LABELS);
    assert_ne!(closer, whole);
    browser.press("ArrowRight", true);
    let moved = browser.text(LABELS);
    assert_ne!(moved, closer);
    browser.press("0", false);
    assert!(!browser.is(ZOOMED));
    assert_eq!(browser.text(drawing), before, "the drawing is as it was");
    browser.press("+", false);
    browser.press("Escape", false);
    assert!(!browser.is(ZOOMED));
    assert_eq!(browser.text(drawing), before);
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn dragging_shows_what_was_marked() {
    let Some(mut shown) = shown() else { return };
    let browser = &mut shown.browser;
    browser.middle(STAGE);
    // from 90 % to 99.9 %: one decade to three of one in so many, in a drawing of known area
    let at = |share: f64| {
        format!(
            "(() => {{ const svg = document.querySelector('{STAGE} svg'); const box = svg.getBoundingClientRect(); const scale = box.width / 960; \
             const [left, right, top, bottom] = svg.dataset.area.split(' ').map(Number); \
             return [box.left + (left + (right - left) * {share}) * scale, box.top + (top + bottom) / 2 * scale]; }})()"
        )
    };
    let decades = browser
        .value(&format!("Math.log10(Number(document.querySelector('{STAGE} svg').dataset.x.split(' ')[2]))"))
        .as_f64()
        .unwrap();
    let mut place = |share: f64| {
        let found = browser.value(&at(share));
        (found[0].as_f64().unwrap(), found[1].as_f64().unwrap())
    };
    let (from, to) = (place(1.0 / decades), place(3.0 / decades));
    browser.mouse("mouseMoved", from, false);
    browser.mouse("mousePressed", from, false);
    browser.mouse("mouseMoved", to, true);
    browser.mouse("mouseReleased", to, false);
    assert!(browser.is(ZOOMED));
    let window = browser.value(&format!(
        "(() => {{ const plot = plots.find(plot => plot.stage === document.querySelector('{STAGE}')); const axis = plot.panels[0].x; return [axis.unseen(0), axis.unseen(1), plot.panels[0].y.window[0], plot.panels[0].y.window[1]]; }})()"
    ));
    let value = |n: usize| window[n].as_f64().unwrap();
    assert!((value(0) / 10.0 - 1.0).abs() < 0.03 && (value(1) / 1000.0 - 1.0).abs() < 0.03, "{window}");
    assert_eq!((value(2), value(3)), (0.0, 1.0), "a flat mark is of one axis");
    // marks keep their shape; that of the floor alone is flat
    let mark = browser.value(&format!(
        "(() => {{ const box = document.querySelector('{STAGE} .window .mark:not(.floor)').getBoundingClientRect(); return box.width / box.height; }})()"
    ));
    assert!((0.6..1.7).contains(&mark.as_f64().unwrap()), "{mark}");
    browser.click("#plot-percentiles .tools button:last-child");
    assert!(!browser.is(ZOOMED));
}

#[test]
fn panels_with_the_same_axis_move_together() {
    let Some(mut shown) = shown() else { return };
    let browser = &mut shown.browser;
    browser.click("#plot-worst .tools button");
    let windows = browser.value(
        "(() => { const plot = plots.find(plot => plot.kind === 'worst'); return [plot.panels.length, new Set(plot.panels.map(panel => panel.x.window.join())).size, plot.panels[0].x.window]; })()",
    );
    assert_eq!(windows[1], json!(1));
    assert!(windows[0].as_u64().unwrap() > 1, "{windows}");
    assert_eq!(windows[2], json!([0.25, 0.75]));
}
