use super::*;
use crate::imported::tests::imported;
use crate::report::example::{Example, campaign};

fn packets<'a>(name: &'a str, example: &'a Example) -> SideInput<'a> {
    SideInput { name, found: Found::Packets { summary: &example.summary, data: &example.data, facts: &example.facts } }
}

#[test]
fn every_campaign_is_there_and_each_later_one_is_compared_with_the_first() {
    let (base, later, mut moved) = (campaign(), campaign(), campaign());
    moved.facts.hostname = "elsewhere".to_owned();
    let published = imported();
    let sides = [
        packets("monday", &base),
        packets("tuesday", &later),
        SideInput { name: "paper", found: Found::Imported(&published) },
        packets("moved", &moved),
    ];
    let faults = ["tuesday/facts.json: it is missing".to_owned()];
    let page = several_html(&sides, &faults);
    for told in [
        "monday: container",
        "tuesday: container",
        "paper: rt (not measured here)",
        "not measured here · A paper, 2020",
        "tuesday against monday",
        "moved against monday (different machines)",
        "elsewhere here, bench in monday",
        "tuesday/facts.json: it is missing",
    ] {
        assert!(page.contains(told), "{told}");
    }
    let all = verdicts(&sides);
    assert_eq!(all.len(), 2);
    assert_eq!(all.iter().map(Verdicts::mark).collect::<Vec<_>>(), ["", " (different machines)"]);
    // every row of the table says of which machines it is
    let moved = &page[page.find("id=\"against-moved\"").unwrap()..];
    let rows = moved.matches("<tr><th scope=\"row\">").count();
    assert!(rows >= 2 && moved.matches("(different machines)</td></tr>").count() == rows, "{rows}");
    assert_eq!(several_plots(&sides).len(), 1);
}

#[test]
fn a_machine_of_which_nothing_is_known_may_be_another() {
    let (base, mut later) = (campaign(), campaign());
    later.facts = Facts::unknown();
    let all = verdicts(&[packets("a", &base), packets("b", &later)]);
    assert_eq!(all[0].mark(), " (different machines)");
    let both = verdicts(&[packets("a", &later), packets("b", &later)]);
    assert_eq!(both[0].mark(), " (different machines)");
}

#[test]
fn many_curves_are_divided_by_what_was_varied() {
    let example = campaign();
    let names: Vec<String> = (0..8).map(|number| format!("day {number}")).collect();
    let sides: Vec<_> = names.iter().map(|name| packets(name, &example)).collect();
    let plots = several_plots(&sides);
    // host and container
    assert_eq!(plots.iter().map(|plot| plot.name.as_str()).collect::<Vec<_>>(), ["percentiles", "percentiles-2"]);
    assert!(several_html(&sides, &[]).contains("<h3>container</h3>"));
}

#[test]
fn other_kinds_stand_beside_and_are_not_compared() {
    let example = campaign();
    let tables = table::of_lives(&crate::life::tests::example());
    let sides = [
        SideInput {
            name: "lives",
            found: Found::Other { answer: "Containers boot in 30 ms.", tables: &tables, facts: &example.facts },
        },
        packets("monday", &example),
    ];
    assert!(verdicts(&sides).is_empty());
    let page = several_html(&sides, &[]);
    assert!(page.contains("Containers boot in 30 ms.") && page.contains("Phases of a life"));
}
