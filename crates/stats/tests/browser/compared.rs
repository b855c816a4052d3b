//! Two configurations that the reader chooses: the page's figures are those that Rust computes.

use serde_json::{Value, json};
use tailbed_format::percentile::Percentile;
use tailbed_stats::plot::number;
use tailbed_stats::report::embedded::buckets::Buckets;

use super::shown;

/// Each value with how often it occurred, as a sorted list of all: what the definitions speak of.
fn naive(values: &[(u64, u64)]) -> Vec<u64> {
    values.iter().flat_map(|(value, times)| std::iter::repeat_n(*value, usize::try_from(*times).unwrap())).collect()
}

#[test]
fn two_configurations_compare_as_rust_compares_them() {
    let Some(mut shown) = shown() else { return };
    let browser = &mut shown.browser;
    let choose = |id: &str, label: &str| {
        let (id, label) = (json!(id), json!(label));
        format!(
            "(() => {{ const select = document.getElementById({id}); \
             select.value = [...select.options].find(option => option.textContent === {label}).value; \
             select.dispatchEvent(new Event('change', {{ bubbles: true }})); }})()"
        )
    };
    for (base, other) in [("host, 10kpps", "container, 10kpps"), ("container, 100kpps", "host, 100kpps")] {
        browser.value(&choose("pair-base", base));
        browser.value(&choose("pair-other", other));
        let (a, b) = (&shown.campaign.cell(base).latency, &shown.campaign.cell(other).latency);
        let (all_a, all_b) = (naive(a), naive(b));
        for percentile in Percentile::REPORTED {
            let cells = browser.value(&format!(
                "[...[...document.querySelectorAll('#pair-rows tr')].find(row => row.firstChild.textContent === '{percentile}').cells] \
                 .map(cell => cell.firstChild.textContent)"
            ));
            let rank = |all: &[u64]| all[usize::try_from(percentile.rank(all.len() as u64)).unwrap() - 1];
            let (low, high) = (rank(&all_a), rank(&all_b));
            let text = |at: usize| cells[at].as_str().unwrap().to_owned();
            // fewer than ten of 60 000 lie beyond it
            if percentile.ppm() > 999_833 {
                assert_eq!(text(1), "not enough packets", "{percentile}");
                continue;
            }
            assert_eq!((text(1), text(2)), (number::time(low), number::time(high)), "{percentile}");
            let difference = i64::try_from(high).unwrap() - i64::try_from(low).unwrap();
            assert_eq!(text(3), number::difference(difference), "{percentile}");
            assert_eq!(text(4), format!("× {:.3}", high as f64 / low as f64), "{percentile}");
        }
        let bits = browser.value("embedded.bits").as_u64().unwrap();
        let buckets = |values| Buckets::of(values, u32::try_from(bits).unwrap());
        let expected = buckets(b).greater_than(&buckets(a)).unwrap();
        let said = browser.value("document.getElementById('pair-answer').dataset.probability");
        assert_eq!(said, Value::String(expected.middle().to_string()), "to the last digit");
        // and the bounds hold the truth
        let slower: u64 = all_b.iter().map(|value| 2 * all_a.partition_point(|other| other < value) as u64).sum();
        let equal: u64 = all_b
            .iter()
            .map(|value| (all_a.partition_point(|other| other <= value) - all_a.partition_point(|other| other < value)) as u64)
            .sum();
        let exact = (slower + equal) as f64 / (2.0 * all_a.len() as f64 * all_b.len() as f64);
        assert!(expected.low <= exact && exact <= expected.high, "{expected:?} {exact}");
        let sentence = browser.text("document.getElementById('pair-answer').textContent");
        assert!(sentence.contains(&format!("{:.2}\u{a0}%", expected.middle() * 100.0)), "{sentence}");
    }
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn what_the_repeats_say_turns_round_with_the_pair() {
    let Some(mut shown) = shown() else { return };
    let browser = &mut shown.browser;
    // the third and the fifth: host and container at the same rate
    browser.value("document.getElementById('pair-other').selectedIndex = 4; document.getElementById('pair-other').dispatchEvent(new Event('change'))");
    let column = "[...document.querySelectorAll('#pair-rows tr')].map(row => row.lastChild.textContent).join('|')";
    let before = browser.text(column);
    assert!(before.contains("slower") || before.contains("not enough data"), "{before}");
    let names = "[...document.querySelectorAll('.pair select')].map(select => select.selectedOptions[0].textContent).join(' / ')";
    assert_eq!(browser.text(names), "host, 10kpps / container, 10kpps");
    browser.click("#pair-swap");
    assert_eq!(browser.text(names), "container, 10kpps / host, 10kpps");
    let after = browser.text(column);
    assert_eq!(after.replace("faster", "slower"), before.replace("faster", "slower"));
    // the button beside hides all others, and pressed again shows them
    browser.click("#pair-only");
    let rows = "[...document.querySelectorAll('#latency tbody tr')].filter(row => row.checkVisibility()).length";
    assert_eq!(browser.value(rows), json!(2));
    browser.click("#pair-only");
    assert_eq!(browser.value(rows), json!(6));
}
