//! Pictures of the page, to be looked at: light, dark, narrow, zoomed, and on paper.

use serde_json::json;

use super::{shown, target};

#[test]
fn pictures_of_light_dark_and_narrow() {
    let Some(mut shown) = shown() else { return };
    let browser = &mut shown.browser;
    let folder = target();
    let ground = "getComputedStyle(document.body).backgroundColor";
    for (name, scheme, width) in [("light", "light", 1280), ("dark", "dark", 1280), ("narrow", "light", 390)] {
        browser.prefer(scheme);
        browser.resize(width, 900);
        browser.settle();
        let expected = if scheme == "dark" { "rgb(21, 24, 28)" } else { "rgb(255, 255, 255)" };
        assert_eq!(browser.text(ground), expected, "{name}");
        let height = browser.value("document.documentElement.scrollHeight").as_f64().unwrap();
        let mut part = 0;
        while f64::from(part) * 2_000.0 < height {
            let from = f64::from(part) * 2_000.0;
            let file = folder.join(format!("{name}-{part}.png"));
            browser.screenshot(&file, from, (height - from).min(2_000.0));
            assert!(std::fs::metadata(&file).unwrap().len() > 2_000, "{} is empty", file.display());
            part += 1;
        }
    }
    println!("pictures: {}", folder.display());
}

#[test]
fn the_reader_may_choose_dark_and_paper_stays_light() {
    let Some(mut shown) = shown() else { return };
    let browser = &mut shown.browser;
    let ground = "getComputedStyle(document.body).backgroundColor";
    assert_eq!(browser.text("document.getElementById('theme').textContent"), "Dark");
    browser.click("#theme");
    assert_eq!(browser.text(ground), "rgb(21, 24, 28)");
    assert_eq!(browser.text("document.getElementById('theme').textContent"), "Light");
    let folder = target();
    browser.click("#plot-percentiles .tools button");
    browser.value("document.querySelector('#tail').scrollIntoView({ behavior: 'instant' })");
    let top = browser.value("scrollY").as_f64().unwrap();
    browser.screenshot(&folder.join("chosen-dark-zoomed.png"), top, 900.0);
    browser.ask("Emulation.setEmulatedMedia", json!({ "media": "print" }));
    assert_eq!(browser.text(ground), "rgb(255, 255, 255)");
    let paper = browser.ask("Page.printToPDF", json!({ "printBackground": false }));
    assert!(paper["data"].as_str().unwrap().len() > 20_000);
    browser.ask("Emulation.setEmulatedMedia", json!({ "media": "screen" }));
    browser.click("#theme");
    assert_eq!(browser.text(ground), "rgb(255, 255, 255)");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
