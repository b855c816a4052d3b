//! Made again, a report is the one that the run wrote.

use std::fs;

use crate::support::{PACKETS, SEARCH, campaign, copy, files, tailbed, text};

#[test]
fn the_page_is_the_one_that_the_run_wrote_byte_for_byte() {
    let streams = PACKETS.replace("[sweep]\n\"traffic.rate\" = [\"50kpps\", \"100kpps\"]", "[traffic.flows]\ncount = 3");
    for (experiment, set) in [(PACKETS, ["seed=18446744073709551615"].as_slice()), (SEARCH, &[]), (&streams, &["question=why?"])]
    {
        let folder = tempfile::tempdir().unwrap();
        let made = campaign(folder.path(), experiment, set);
        let derived = |name: &String| name == "report.html" || name.starts_with("plots/");
        let wrote: Vec<_> =
            files(&made).into_iter().filter(derived).map(|name| (fs::read(made.join(&name)).unwrap(), name)).collect();
        assert!(wrote.len() > 2);
        // elsewhere, under the same name, with nothing that could be copied from
        let moved = folder.path().join("elsewhere").join(made.file_name().unwrap());
        copy(&made, &moved);
        fs::remove_file(moved.join("report.html")).unwrap();
        fs::remove_dir_all(moved.join("plots")).unwrap();
        let output = tailbed(folder.path(), &["report", moved.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        for (bytes, name) in wrote {
            assert!(fs::read(moved.join(&name)).unwrap() == bytes, "{name} differs");
        }
        assert_eq!(files(&made), files(&moved));
    }
}

#[test]
fn a_report_that_was_left_out_is_made_later() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("experiment.toml"), PACKETS).unwrap();
    let output = tailbed(folder.path(), &["run", "experiment.toml", "--json", "--no-report"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let results: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(results["report"].is_null() && results["summary"]["answer"].is_string(), "{results}");
    let made = folder.path().join(results["results"].as_str().unwrap());
    let left_out = |name: &String| name == "report.html" || name.starts_with("plots/");
    assert!(!files(&made).iter().any(left_out), "{:?}", files(&made));
    let output = tailbed(folder.path(), &["report", made.to_str().unwrap()]);
    assert_eq!((output.status.code(), text(&output.stderr).contains("warning")), (Some(0), false), "{}", text(&output.stderr));
    assert!(files(&made).iter().filter(|name| left_out(name)).count() > 2);
}

/// The summary is made of the runs' own files: without it the tables are the same.
#[test]
fn a_campaign_that_was_killed_is_reported_as_far_as_it_came() {
    let folder = tempfile::tempdir().unwrap();
    let made = campaign(folder.path(), PACKETS, &[]);
    for file in ["summary.json", "SHA256SUMS", "report.html"] {
        fs::remove_file(made.join(file)).unwrap();
    }
    let runs: Vec<String> =
        fs::read_dir(made.join("runs")).unwrap().map(|run| run.unwrap().file_name().into_string().unwrap()).collect();
    let last = runs.iter().max().unwrap();
    let half = made.join("runs").join(last);
    for file in ["summary.json", "SHA256SUMS"] {
        fs::remove_file(half.join(file)).unwrap();
    }
    let packets = fs::read(half.join("packets.parquet")).unwrap();
    fs::write(half.join("packets.partial"), &packets[..packets.len() / 2]).unwrap();
    fs::remove_file(half.join("packets.parquet")).unwrap();
    // of the one before nothing was begun
    let before = runs.iter().filter(|run| *run != last).max().unwrap();
    fs::remove_dir_all(made.join("runs").join(before)).unwrap();
    let output = tailbed(folder.path(), &["report", made.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let told = text(&output.stderr);
    assert!(
        told.contains("summary.json: it is missing: the campaign did not come to its end; 3 of its 4 runs were begun"),
        "{told}"
    );
    assert!(
        told.contains(&format!("runs/{last}/summary.json: it is missing: the run was not finished; the run is left out")),
        "{told}"
    );
    let page = fs::read_to_string(made.join("report.html")).unwrap();
    assert!(page.contains("What could not be read") && page.contains("2 of 2 runs valid"));
    assert!(!made.join("summary.json").exists(), "a report does not end a campaign");
    // resumed, it is whole
    let output = tailbed(folder.path(), &["run", "x.toml", "--resume"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let output = tailbed(folder.path(), &["report", made.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn a_folder_handed_on_without_packets_keeps_its_tables() {
    let folder = tempfile::tempdir().unwrap();
    let made = campaign(folder.path(), PACKETS, &[]);
    let table = |page: &str| page.split("<section id=\"latency\"").nth(1).unwrap().split("</section>").next().unwrap().to_owned();
    let wrote = fs::read_to_string(made.join("report.html")).unwrap();
    for file in files(&made).iter().filter(|file| file.ends_with("packets.parquet")) {
        fs::remove_file(made.join(file)).unwrap();
    }
    let output = tailbed(folder.path(), &["report", made.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("runs: no run has its packets"), "{}", text(&output.stderr));
    assert_eq!(table(&fs::read_to_string(made.join("report.html")).unwrap()), table(&wrote));
}

/// As folders lay there before there were outlines and sums.
#[test]
fn a_folder_of_an_earlier_version_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let made = campaign(folder.path(), PACKETS, &[]);
    let wrote = fs::read_to_string(made.join("report.html")).unwrap();
    for file in files(&made).iter().filter(|file| file.ends_with("SHA256SUMS")) {
        fs::remove_file(made.join(file)).unwrap();
    }
    let begun: serde_json::Value = serde_json::from_slice(&fs::read(made.join("campaign.json")).unwrap()).unwrap();
    let earlier =
        serde_json::json!({ "name": begun["name"], "set": begun["set"], "sweep": begun["sweep"], "runs": begun["runs"] });
    fs::write(made.join("campaign.json"), earlier.to_string()).unwrap();
    let output = tailbed(folder.path(), &["report", made.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let page = fs::read_to_string(made.join("report.html")).unwrap();
    // all but the name of the file and the seed
    let expected = wrote
        .replace("tailbed run x.toml", "tailbed run experiment.toml")
        .replace("<code>x.toml</code>", "<code>experiment.toml</code>");
    let seed = expected.find("<dt>Seed</dt>").unwrap();
    let end = seed + expected[seed..].find("<dt>Version</dt>").unwrap();
    assert!(page == format!("{}{}", &expected[..seed], &expected[end..]), "more differs than what was not written down");
}
