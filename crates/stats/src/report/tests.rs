use proptest::prelude::*;

use super::example::{campaign, nothing_valid};
use super::*;
use tailbed_format::summary::Parameter;

#[test]
fn the_whole_page() {
    let example = campaign();
    insta::assert_snapshot!("report.html", html(&example.input()));
}

#[test]
fn the_page_asks_nothing_of_the_network() {
    let example = campaign();
    let page = html(&example.input());
    for sign in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!page.contains(sign), "{sign}");
    }
}

#[test]
fn a_campaign_without_a_valid_run_is_explained() {
    let example = nothing_valid();
    let page = html(&example.input());
    assert!(page.contains("0 of 6 runs valid"));
    assert!(page.contains("the agent of dut did not start"));
    assert!(page.contains("No packets to show"));
}

#[test]
fn a_campaign_of_nothing_at_all_is_a_page() {
    let mut example = campaign();
    example.summary.cells.clear();
    example.summary.runs.clear();
    example.summary.contrasts.clear();
    example.data.clear();
    let page = html(&example.input());
    assert!(page.contains("0 of 0 runs valid"));
    assert!(page.contains("No run was made."));
}

#[test]
fn a_simulated_campaign_says_so_at_the_top() {
    let mut example = campaign();
    example.summary.simulated = true;
    let page = html(&example.input());
    let warning = page.find("none of it is a measurement").unwrap();
    assert!(warning < page.find("id=\"compared\"").unwrap());
}

#[test]
fn markup_in_the_question_is_text() {
    let mut example = campaign();
    example.summary.question = Some("Is <script>alert(1)</script> slow & \"late\"?".to_owned());
    let page = html(&example.input());
    assert!(!page.contains("<script>alert"));
    assert_eq!(
        page.matches("Is &lt;script&gt;alert(1)&lt;/script&gt; slow &amp; &quot;late&quot;?").count(),
        2,
        "title and heading"
    );
}

#[test]
fn what_scripts_read_is_whole_whatever_a_name_holds() {
    let name = "</script><script>alert(1)</script>";
    let mut example = campaign();
    example.summary.cells[1].parameters[0].value = name.to_owned();
    let page = html(&example.input());
    assert!(!page.contains("<script>alert"));
    let text = page.split_once("<script id=\"embedded\" type=\"application/json\">").unwrap().1;
    let data: serde_json::Value = serde_json::from_str(text.split_once("</script>").unwrap().0).unwrap();
    assert_eq!(data["cells"][1]["label"], name);
    assert_eq!(data["cells"][1]["runs"][1]["packets"][0], serde_json::json!([900_000_000, 60_000, 0, 45, 40, 60_900]));
    assert_eq!(data["contrasts"][0]["reversed"], "faster");
}

#[test]
fn each_kind_of_traffic_has_its_own_diagram() {
    let mut example = campaign();
    let cells = &mut example.summary.cells;
    for number in 0..3 {
        let mut cell = cells[number].clone();
        cell.cell = 3 + number;
        cell.floor = cell.floor.map(|_| 3);
        cells.push(cell);
    }
    let names: Vec<_> = plots(&example.input()).into_iter().map(|plot| plot.name).collect();
    // the copied cells have no runs: neither a spread between repeats nor anything over time
    let first = ["percentiles", "ccdf", "boxes", "worst", "density", "gaps", "traffic", "repeats", "lateness"];
    let second = ["percentiles-2", "ccdf-2", "boxes-2", "worst-2", "lateness-2"];
    assert_eq!(names, [&first[..], &second[..]].concat());
}

#[test]
fn where_only_traffic_varies_all_cells_share_a_diagram() {
    let mut example = campaign();
    example.summary.cells.truncate(2);
    assert_eq!(plots(&example.input()).len(), 9);
    // of one repeat there is no spread
    example.summary.runs.retain(|run| run.repeat == 0);
    assert!(plots(&example.input()).iter().all(|plot| plot.name != "repeats"));
}

/// Two environments at five rates each: maps and multiples of all, and what each rate has by itself kept to what it needs.
#[test]
fn a_sweep_of_two_factors_has_maps_and_small_multiples() {
    let mut example = campaign();
    let (floor, host) = (example.summary.cells[0].clone(), example.summary.cells[1].clone());
    example.summary.cells.clear();
    let mut data = Vec::new();
    for (number, rate) in ["1kpps", "10kpps", "20kpps", "50kpps", "100kpps"].into_iter().enumerate() {
        let rate = Parameter { key: "traffic.rate".to_owned(), value: rate.to_owned() };
        for (place, environment) in [None, Some("host"), Some("container")].into_iter().enumerate() {
            let mut cell = if place == 0 { floor.clone() } else { host.clone() };
            cell.cell = number * 3 + place;
            cell.floor = environment.map(|_| number * 3);
            let environment =
                environment.map(|value| Parameter { key: "nodes.dut.environment".to_owned(), value: value.to_owned() });
            cell.parameters = environment.into_iter().chain([rate.clone()]).collect();
            data.push(CellData { cell: cell.cell, ..example.data[place].clone() });
            example.summary.cells.push(cell);
        }
    }
    example.data = data;
    let plots = plots(&example.input());
    let names: Vec<_> = plots.iter().map(|plot| plot.name.as_str()).collect();
    assert_eq!(names[..2], ["heat", "multiples"]);
    assert_eq!(names[names.len() - 5..], ["ccdf", "boxes", "density", "gaps", "traffic"]);
    assert_eq!(names.iter().filter(|name| name.starts_with("percentiles")).count(), 5);
    // the first group alone has runs
    assert_eq!(names.len(), 2 + 5 * 3 + 1 + 5);
    let (heat, multiples) = (plots[0].figure.csv(), plots[1].figure.csv());
    assert!(heat.contains("p50 of one-way latency,container,1kpps,1640,1200\n"), "{heat}");
    assert_eq!(heat.lines().count(), 1 + 2 * 10);
    assert!(multiples.contains("\n20kpps,\"container, 20kpps\","), "{multiples}");
    for plot in &plots {
        crate::plot::examined::examine(&plot.figure);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever stands in a text of the user, the page is the same but for that text, escaped; and every plot is XML.
    #[test]
    fn user_text_never_becomes_markup(text in any::<String>()) {
        const MARK: &str = "XzQmarkQzX";
        let with = |text: &str| {
            let mut example = campaign();
            example.summary.question = Some(format!("? {text}"));
            example.summary.answer = text.to_owned();
            example.summary.runs[0].downgrades = vec![text.to_owned()];
            example.topology = format!("o {text}");
            example.summary.notes = vec![text.to_owned()];
            example.experiment = text.to_owned();
            html(&example.input())
        };
        let escaped = html! { (text) }.into_string();
        prop_assert_eq!(with(&text), with(MARK).replace(MARK, &escaped));
        let mut example = campaign();
        example.summary.cells[1].parameters[0].value = text;
        for plot in plots(&example.input()) {
            prop_assert!(roxmltree::Document::parse(&plot.figure.standalone()).is_ok());
            prop_assert!(roxmltree::Document::parse(&plot.figure.inline()).is_ok());
        }
    }
}

#[test]
fn the_report_of_lives_is_whole_and_says_what_it_is() {
    let summary = crate::life::tests::example();
    let facts = example::facts();
    let again = super::Repeat {
        facts: &facts,
        experiment_name: "lifecycle.toml",
        experiment: "name = \"x\"",
        command: "tailbed run lifecycle.toml",
        seed: Some(7),
    };
    let page = super::life::life_html(&super::life::LifeInput { summary: &summary, again, faults: &[] });
    insta::assert_snapshot!(
        "lives.html",
        page.replace(['\u{a0}', '\u{202f}'], " ").split("<main id=\"main\" tabindex=\"-1\">").nth(1).unwrap()
    );
    assert!(page.contains("virtual machines are emulated (TCG)"));
    assert!(page.contains("published elsewhere"));
}

#[test]
fn the_report_of_noise_is_whole_and_escapes_what_agents_say() {
    let (summary, runs) = crate::noise::tests::example();
    let facts = example::facts();
    let again = super::Repeat {
        facts: &facts,
        experiment_name: "noise.toml",
        experiment: "name = \"x\"",
        command: "tailbed run noise.toml",
        seed: Some(7),
    };
    let input = super::noise::NoiseInput { summary: &summary, runs: &runs, again, faults: &[] };
    let page = super::noise::noise_html(&input);
    insta::assert_snapshot!(
        "noise.html",
        page.replace(['\u{a0}', '\u{202f}'], " ").split("<main id=\"main\" tabindex=\"-1\">").nth(1).unwrap()
    );
    assert!(page.contains("virtual machines are emulated (TCG)"));
    assert!(page.contains("&lt;by signal&gt;") && !page.contains("<by signal>"));
    let plots = super::noise::noise_plots(&input);
    let names: Vec<_> = plots.iter().map(|plot| plot.name.as_str()).collect();
    assert_eq!(names, ["timer", "timer-histogram", "timer-over-time", "gaps", "gaps-histogram", "gaps-over-time"]);
    for plot in plots {
        assert!(roxmltree::Document::parse(&plot.figure.standalone()).is_ok());
    }
}

/// Twenty thousand latencies of an exponential tail, the quantiles themselves spread by a stride.
fn exponential(cell: usize) -> tailbed_format::extremes::Extremes {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive latency")]
    let value = |rank: u64| 2_000 + (-300.0 * (1.0 - (rank as f64 + 0.5) / 20_000.0).ln()) as u64;
    let spread = (0..20_000_u64).map(|place| Some(value(place * 7_919 % 20_000)));
    crate::extremes::analyse(cell, &[crate::extremes::Peaks::of_latencies(spread)], Some(1_000_000_000))
}

#[test]
fn deadlines_and_what_lies_beyond_the_data_are_told() {
    use tailbed_format::slo::{Slo, SloCount, SloRepeat, SloResult, SloVerdict, Subject};
    let mut example = campaign();
    let count = SloCount { sent: 2_000, late: 1, lost: 3, bursts: 4, low: 0.000_5, high: 0.005 };
    let slo = Slo {
        subject: Subject::All,
        percentile: tailbed_format::percentile::Percentile::from_ppm(990_000).unwrap(),
        below: 500_000,
    };
    let result = |cell, verdict| SloResult {
        slo: slo.clone(),
        cell,
        verdict,
        why: "4 of 2000 packets <came> too late".to_owned(),
        pooled: count,
        repeats: vec![SloRepeat { run: "1-r1".to_owned(), repeat: 0, verdict, count }],
        more: None,
        remark: None,
    };
    example.summary.slos = vec![result(1, SloVerdict::Held), result(2, SloVerdict::Undecided)];
    let few = crate::extremes::analyse(1, &[crate::extremes::Peaks::of_latencies((1..20).map(Some))], None);
    example.summary.extremes = vec![few, exponential(2)];
    let page = html(&example.input());
    let told = page.replace(['\u{a0}', '\u{202f}'], " ");
    let section = |id: &str| told.split(&format!("<section id=\"{id}\"")).nth(1).unwrap().split("</section>").next().unwrap();
    let deadlines = section("deadlines");
    for word in ["below 500µs at 99%", ">held<", "cannot be decided", "&lt;came&gt;", "0.0500 %–0.500 %", "1-r1"] {
        assert!(deadlines.contains(word), "{word}: {deadlines}");
    }
    let beyond = section("extremes");
    for word in
        ["host: no extrapolation.", "Too few latencies", "once in a million packets", "once an hour", "chosen", "times the data"]
    {
        assert!(beyond.contains(word), "{word}: {beyond}");
    }
    let names: Vec<_> = plots(&example.input()).into_iter().map(|plot| plot.name).collect();
    assert!(names.contains(&"tail".to_owned()) && names.contains(&"thresholds".to_owned()), "{names:?}");
    insta::assert_snapshot!("deadlines.html", deadlines);
}

/// Folders that were written before there were deadlines are read as they are.
#[test]
fn a_summary_without_deadlines_has_no_word_of_them() {
    let example = campaign();
    let text = serde_json::to_string(&example.summary).unwrap();
    assert!(!text.contains("slos") && !text.contains("extremes"));
    let back: CampaignSummary = serde_json::from_str(&text).unwrap();
    assert_eq!(back, example.summary);
    assert!(!html(&example.input()).contains("id=\"deadlines\""));
}
