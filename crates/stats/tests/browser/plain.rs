//! Without scripts everything is there to be read.

use super::shown;

/// All text but what scripts add, spaces aside.
const TEXT: &str = "[...document.querySelectorAll('main > header, main > section')].map(part => part.textContent).join(' ').replace(/\\s+/g, ' ')";

#[test]
fn without_scripts_all_text_is_there_and_nothing_that_needs_them() {
    let Some(mut shown) = shown() else { return };
    shown.browser.click("#theme");
    let with = shown.browser.text("[...document.querySelectorAll('main > section')].map(part => part.id).join(' ')");
    shown.browser.without_scripts();
    shown.open();
    let browser = &mut shown.browser;
    let without = browser.text("[...document.querySelectorAll('main > section')].map(part => part.id).join(' ')");
    assert_eq!(with, without);
    let text = browser.text(TEXT);
    for expected in [
        shown.campaign.summary.answer.as_str(),
        "What was compared",
        "Differences",
        "the sink had no room for 12 packets",
        "tailbed run made-up.toml",
        "nearest rank",
    ] {
        assert!(text.contains(expected), "{expected}");
    }
    for cell in &shown.campaign.summary.cells {
        let p99 = cell.latency.percentiles[2].estimate.value().unwrap();
        assert!(text.contains(&tailbed_stats::plot::number::time(p99).replace('\u{a0}', " ")), "p99 of cell {}", cell.cell);
    }
    // plots are drawn, with a text for those who do not see them
    assert!(browser.is("[...document.querySelectorAll('.stage svg')].every(plot => plot.getBoundingClientRect().height > 50 && plot.getAttribute('aria-label').length > 40)"));
    // what does nothing is not shown
    let useless = browser.text("[...document.querySelectorAll('button, select, input, form')].filter(part => part.checkVisibility()).map(part => part.outerHTML).join()");
    assert_eq!(useless, "");
    assert!(!browser.is("[...document.querySelectorAll('nav a')].some(link => link.checkVisibility() && document.querySelector(link.getAttribute('href')).checkVisibility() === false)"));
    // folded parts open without scripts
    browser.click("#runs details > summary");
    assert!(browser.is("document.querySelector('#runs details').open"));
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
