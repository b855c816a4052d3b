use proptest::prelude::*;

use super::example::{campaign, nothing_valid};
use super::*;

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
    assert!(warning < page.find("What was compared").unwrap());
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
    let expected = ["percentiles", "worst", "repeats", "lateness", "percentiles-2", "worst-2", "repeats-2", "lateness-2"];
    assert_eq!(names, expected);
}

#[test]
fn where_only_traffic_varies_all_cells_share_a_diagram() {
    let mut example = campaign();
    example.summary.cells.truncate(2);
    assert_eq!(plots(&example.input()).len(), 4);
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
        seed: 7,
    };
    let page = super::life::life_html(&super::life::LifeInput { summary: &summary, again });
    insta::assert_snapshot!("lives.html", page.replace(['\u{a0}', '\u{202f}'], " ").split("<main>").nth(1).unwrap());
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
        seed: 7,
    };
    let input = super::noise::NoiseInput { summary: &summary, runs: &runs, again };
    let page = super::noise::noise_html(&input);
    insta::assert_snapshot!("noise.html", page.replace(['\u{a0}', '\u{202f}'], " ").split("<main>").nth(1).unwrap());
    assert!(page.contains("virtual machines are emulated (TCG)"));
    assert!(page.contains("&lt;by signal&gt;") && !page.contains("<by signal>"));
    let plots = super::noise::noise_plots(&input);
    let names: Vec<_> = plots.iter().map(|plot| plot.name.as_str()).collect();
    assert_eq!(names, ["timer", "timer-histogram", "timer-over-time", "gaps", "gaps-histogram", "gaps-over-time"]);
    for plot in plots {
        assert!(roxmltree::Document::parse(&plot.figure.standalone()).is_ok());
    }
}
