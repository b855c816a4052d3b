//! The page can be used by everybody: names, order, contrast, keys (WCAG 2.2, level AA, as far as a program can tell).

use serde_json::{Value, json};

use super::shown;

const FAULTS: &str = include_str!("accessibility.js");

#[test]
fn no_fault_is_found_in_light_dark_and_narrow() {
    let Some(mut shown) = shown() else { return };
    let browser = &mut shown.browser;
    for (scheme, width) in [("light", 1280), ("dark", 1280), ("light", 320)] {
        browser.prefer(scheme);
        browser.resize(width, 900);
        browser.value("document.querySelectorAll('main details').forEach(part => { part.open = true; })");
        browser.settle();
        assert_eq!(browser.value(FAULTS), json!([]), "{scheme}, {width} pixels wide");
        // nothing but tables and plots scrolls sideways (1.4.10)
        let wide = browser.value("document.documentElement.scrollWidth - document.documentElement.clientWidth");
        assert_eq!(wide, json!(0), "{scheme}, {width} pixels wide");
    }
}

/// The browser's own tree for assistive technology: whatever can be operated or is a picture has a name.
#[test]
fn whatever_can_be_operated_has_a_name() {
    let Some(mut shown) = shown() else { return };
    let browser = &mut shown.browser;
    browser.value("document.querySelectorAll('details').forEach(part => { part.open = true; })");
    browser.ask("Accessibility.enable", json!({}));
    let tree = browser.ask("Accessibility.getFullAXTree", json!({}));
    let named = [
        "button",
        "link",
        "combobox",
        "checkbox",
        "textbox",
        "region",
        "toolbar",
        "image",
        "navigation",
        "form",
        "table",
        "DisclosureTriangle",
    ];
    let mut found = 0;
    for node in tree["nodes"].as_array().unwrap().iter().filter(|node| node["ignored"] != true) {
        let role = node["role"]["value"].as_str().unwrap_or_default();
        if named.contains(&role) {
            let name = node["name"]["value"].as_str().unwrap_or_default();
            assert!(!name.trim().is_empty(), "a {role} without a name: {node}");
            found += 1;
        }
    }
    assert!(found > 40, "{found}");
    // a group that is a folded part is named by its summary; any other by itself
    assert!(
        browser.is("[...document.querySelectorAll('[role=group]')].every(group => group.getAttribute('aria-label').length > 5)")
    );
}

/// From the first stop to the last by the tabulator key: every stop is seen to be one, and they come in the order of the page.
#[test]
fn each_stop_of_the_tabulator_is_seen_and_in_order() {
    let Some(mut shown) = shown() else { return };
    let browser = &mut shown.browser;
    browser.value("window.stops = []");
    let look = "(() => { const at = document.activeElement; if (at === document.body) return null; const style = getComputedStyle(at); \
         const before = window.stops.at(-1); const inOrder = !before || Boolean(before.compareDocumentPosition(at) & 4); window.stops.push(at); \
         const box = at.getBoundingClientRect(); \
         return [at.outerHTML.slice(0, 90), style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2, inOrder, box.bottom > 0 && box.top < innerHeight]; })()";
    let mut stops = 0;
    loop {
        browser.press("Tab", false);
        let stop = browser.value(look);
        if stop == Value::Null {
            break;
        }
        assert_eq!(
            (&stop[1], &stop[2], &stop[3]),
            (&json!(true), &json!(true), &json!(true)),
            "seen, in order, on the screen: {stop}"
        );
        stops += 1;
        assert!(stops < 400, "the focus goes round in circles");
    }
    assert!(stops > 20, "{stops}");
    // the first stop leads past the bar
    browser.value("document.activeElement.blur(); document.querySelector('.skip').focus()");
    browser.press("Enter", false);
    assert!(browser.is("document.activeElement.id === 'main'"));
}
