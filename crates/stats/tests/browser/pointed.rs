//! A packet of the worst plots that is pointed at, by mouse or by keys, shows its record.

use serde_json::json;
use tailbed_format::summary::Estimate;

use super::shown;

#[test]
fn hovering_over_a_packet_shows_its_record() {
    let Some(mut shown) = shown() else { return };
    let cell = shown.campaign.cell("container, 100kpps");
    let (repeat, records) = &cell.records[1];
    let worst = records.iter().max_by_key(|record| record.latency()).unwrap();
    let panel = format!("container, 100kpps, repeat {}", repeat + 1);
    let browser = &mut shown.browser;
    let selector = format!("#worst [data-panel=\"{panel}\"] [data-at=\"{} {}\"]", worst.departure.sent, worst.latency().unwrap());
    let at = browser.middle(&selector);
    browser.mouse("mouseMoved", at, false);
    let text = browser.text("document.querySelector('.readout').innerText");
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], panel);
    let number = tailbed_stats::plot::number::count(worst.departure.sequence);
    assert_eq!(lines[1], format!("packet {number}"));
    let time = |ns: i64| tailbed_stats::plot::number::time(ns.unsigned_abs());
    assert_eq!(
        lines[2],
        format!("latency {}, to user space {}", time(worst.latency().unwrap()), time(worst.latency_to_user().unwrap()))
    );
    assert!(lines[3].contains(&format!("{:.6}", worst.departure.sent as f64 / 1e9)), "{text}");
    assert!(lines[3].ends_with(&format!("{} late", time(worst.departure.sent - worst.departure.due))), "{text}");
    assert!(lines[4].starts_with("run 0011-dut-r2"), "{text}");
    browser.mouse("mouseMoved", (2.0, 2.0), false);
    assert!(browser.is("document.querySelector('.readout').hidden"));
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn arrow_keys_go_from_packet_to_packet_and_say_each() {
    let Some(mut shown) = shown() else { return };
    let browser = &mut shown.browser;
    browser.value("document.querySelector('#plot-worst .stage').focus()");
    browser.press("ArrowRight", false);
    let spoken = "document.querySelector('.spoken').textContent";
    let first = browser.text(spoken);
    assert!(first.starts_with("floor, 10kpps, repeat 1. packet "), "{first}");
    browser.press("ArrowRight", false);
    let second = browser.text(spoken);
    assert!(second != first && second.starts_with("floor, 10kpps, repeat 1. packet "), "{second}");
    browser.press("ArrowDown", false);
    let below = browser.text(spoken);
    assert!(below.starts_with("floor, 10kpps, repeat 2. packet "), "{below}");
    browser.press("Escape", false);
    assert!(browser.is("document.querySelector('.readout').hidden"));
}

#[test]
fn the_percentile_diagram_says_all_curves_at_the_pointer() {
    let Some(mut shown) = shown() else { return };
    let browser = &mut shown.browser;
    browser.middle("#plot-percentiles .stage");
    let place = browser.value(
        "(() => { const { svg, panels: [panel] } = plots.find(plot => plot.kind === 'percentiles'); return placeOn(svg, panel.across(1000) + 0.01, panel.top + 3); })()",
    );
    browser.mouse("mouseMoved", (place[0].as_f64().unwrap(), place[1].as_f64().unwrap()), false);
    let text = browser.text("document.querySelector('.readout').innerText");
    assert!(text.starts_with("99.9") && text.lines().count() == 4, "{text}");
    let p999 = shown.campaign.summary.cells[4].latency.at(tailbed_format::percentile::Percentile::REPORTED[3]);
    let exact = p999.and_then(Estimate::value).unwrap() as f64;
    let line = shown.browser.value(&format!("quantile(cells[4], 1000) / {exact}"));
    assert!((line.as_f64().unwrap() - 1.0).abs() < 0.002, "{line}");
    assert_eq!(shown.browser.value("cells.length"), json!(6));
}
