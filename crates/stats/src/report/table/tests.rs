use super::tidy::{self, csv};
use super::*;
use crate::imported::tests::imported;
use crate::report::example::campaign;

#[test]
fn a_campaign_of_packets_in_every_format() {
    let example = campaign();
    let tables = of_packets(&example.summary);
    let faults = ["runs/0001-a|b-r1: it is missing; the run is left out".to_owned()];
    let headline = Headline {
        title: "What does a *container* cost?",
        source: "first-look · bench",
        answer: &example.summary.answer,
        faults: &faults,
        level: 1,
    };
    insta::assert_snapshot!("packets.md", markdown(&headline, &tables));
    insta::assert_snapshot!("packets.tex", latex(&tables));
    insta::assert_snapshot!("packets.csv", csv(&tidy::of_packets("first-look", &example.summary)));
}

/// As a reader of Markdown or CSV does it, every line of a table has as many fields as its head.
#[test]
fn no_field_breaks_a_line() {
    let mut example = campaign();
    example.summary.cells[1].parameters[0].value = "a, \"b\"|c\nd & e".to_owned();
    let tables = of_packets(&example.summary);
    let headline = Headline { title: "t", source: "s", answer: "", faults: &[], level: 2 };
    let text = markdown(&headline, &tables);
    for block in text.split("\n\n").filter(|block| block.starts_with("| ")) {
        let fields = |line: &str| line.replace("\\|", "").matches('|').count();
        assert!(block.lines().all(|line| fields(line) == fields(block.lines().next().unwrap())), "{block}");
    }
    let set = latex(&tables);
    let rows: Vec<&str> = set.lines().filter(|line| line.ends_with("\\\\")).collect();
    assert!(rows.iter().any(|row| row.contains("\\textquotedbl{}b\\textquotedbl{}\\textbar{}c d \\& e")), "{set}");
    let tidy = csv(&tidy::of_packets("x", &example.summary));
    assert!(tidy.contains("\"a, \"\"b\"\"|c\nd & e\""));
}

#[test]
fn results_of_others_say_that_they_are() {
    let imported = imported();
    let tables = of_imported(&imported);
    assert!(tables[0].caption.starts_with("Not measured here"));
    assert_eq!(tables[0].rows[0][..3], ["rt", "2", "200\u{202f}000"].map(str::to_owned));
    let figures = tidy::of_imported("published", &imported);
    assert!(figures.iter().all(|figure| figure.origin == "imported" && !figure.run.is_empty()));
    let text = csv(&figures);
    assert!(text.starts_with("campaign,origin,kind,kernel,run,quantity,percentile,value,low,high,n,unit\n"));
    assert!(text.contains("published,imported,measurement,rt,a.hgrm,latency,p99.9,8000,,,100000,ns\n"), "{text}");
}

#[test]
fn searches_lives_and_noise_have_tables_too() {
    let searches = crate::search::summary::tests::example();
    let lives = crate::life::tests::example();
    let (noise, _) = crate::noise::tests::example();
    for tables in [of_searches(&searches), of_lives(&lives), of_noise(&noise)] {
        assert!(!tables.is_empty());
        for table in tables {
            assert!(!table.rows.is_empty() && table.rows.iter().all(|row| row.len() == table.columns.len()), "{table:?}");
        }
    }
    let figures = [tidy::of_searches("s", &searches), tidy::of_lives("l", &lives), tidy::of_noise("n", &noise)].concat();
    let text = csv(&figures);
    let fields = text.lines().next().unwrap().matches(',').count();
    assert!(text.lines().count() > 6 && text.lines().all(|line| line.matches(',').count() == fields), "{text}");
}
