//! The page is whole, asks for nothing, and hides what is filtered out in tables and plots alike.

use super::shown;

/// How many rows and drawn series of a configuration can be seen.
fn seen(label: &str) -> String {
    format!(
        "(() => {{ const rows = [...document.querySelectorAll('#latency tbody tr')].filter(row => row.checkVisibility() && row.querySelector('th').textContent.startsWith('{label}')).length; \
         const series = [...document.querySelectorAll('#tail [data-series=\"{label}\"]')].filter(part => part.getClientRects().length > 0).length; \
         const panels = [...document.querySelectorAll('#worst [data-panel^=\"{label}, repeat\"]')].filter(part => part.getClientRects().length > 0).length; \
         return `${{rows > 0}} ${{series > 0}} ${{panels > 0}}`; }})()"
    )
}

#[test]
fn nothing_is_wrong_and_nothing_is_asked_for() {
    let Some(mut shown) = shown() else { return };
    assert_eq!(shown.browser.complaints(), Vec::<String>::new());
    assert_eq!(shown.browser.text("document.querySelector('h1').textContent"), "What does a container cost a forwarder’s tail?");
    // what stands first is the answer
    let first = shown.browser.text("document.querySelector('main > header .answer').textContent");
    assert_eq!(first, shown.campaign.summary.answer);
}

#[test]
fn the_filter_hides_a_configuration_everywhere_and_shows_it_again() {
    let Some(mut shown) = shown() else { return };
    let browser = &mut shown.browser;
    assert_eq!(browser.text(&seen("container, 10kpps")), "true true true");
    browser.click("#filter > summary");
    browser.click("input[data-value=container]");
    for (label, expected) in [
        ("container, 10kpps", "false false false"),
        ("container, 100kpps", "false false false"),
        ("host, 10kpps", "true true true"),
    ] {
        assert_eq!(browser.text(&seen(label)), expected, "{label}");
    }
    let left = browser.text(
        "[...document.querySelectorAll('[data-cell]')].filter(row => row.checkVisibility()).map(row => row.textContent).join()",
    );
    assert!(!left.contains("container"), "{left}");
    assert!(browser.text("document.getElementById('filter-count').textContent").contains("4 of 6 shown"));
    assert!(browser.text("document.getElementById('filter-note').textContent").contains("container, 10kpps"));
    // by keys alone: Escape closes the menu and gives the focus back, Enter opens it, the last stop shows all again
    browser.press("Escape", false);
    assert!(browser.is("!document.getElementById('filter').open && document.activeElement.parentElement.id === 'filter'"));
    browser.press("Enter", false);
    assert!(browser.is("document.getElementById('filter').open"));
    for _ in 0..5 {
        browser.press("Tab", false);
    }
    assert_eq!(browser.text("document.activeElement.textContent"), "Show all");
    browser.press("Enter", false);
    assert_eq!(browser.text(&seen("container, 10kpps")), "true true true");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
