//! What happens to a campaign after something went wrong: resumed, refused, recovered.

use std::fs;
use std::process::Stdio;

use rustix::process::Signal;

use crate::container::{children, container_agent};
use crate::interrupted::{signal, wait_for, wait_until_as};
use crate::support::{lab, results, system, traces};

#[test]
fn a_control_group_of_our_name_made_after_the_kill_survives() {
    let Some(lab) = lab() else { return };
    let before = traces();
    lab.experiment("container", "20s", "");
    let arguments = ["run", "experiment.toml", "--set", "traffic.duration=1s"];
    let mut child = lab.tailbed().args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // the container's run comes after the floor, which has no group; once the agent inside is there, nobody makes groups any more
    wait_for(|| container_agent(child.id()));
    let ours = wait_for(|| traces().groups.into_iter().find(|group| !before.groups.contains(group)));
    signal(&child, Signal::KILL);
    child.wait().unwrap();
    let leaf = format!("{ours}/dut");
    // the kernel lets go of a group some time after its last task has ended
    wait_for(|| fs::remove_dir(&leaf).ok());
    fs::create_dir(&leaf).unwrap();
    let said = String::from_utf8_lossy(&lab.run(&["clean"]).stdout).into_owned();
    assert!(said.contains("is not the one we made"), "{said}");
    assert!(fs::exists(&leaf).unwrap());
    system(&format!("rmdir {leaf} {ours}"));
    wait_until_as(&before);
}

#[test]
fn a_killed_campaign_is_resumed_and_keeps_what_it_had() {
    let Some(lab) = lab() else { return };
    let before = traces();
    lab.experiment("host", "300ms", "");
    let mut child = lab.tailbed().args(["run", "experiment.toml"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let folder = wait_for(|| fs::read_dir(lab.path("results")).ok()?.flatten().next()).path();
    let floor = folder.join("runs/0000-floor/summary.json");
    wait_for(|| floor.exists().then_some(()));
    signal(&child, Signal::KILL);
    child.wait().unwrap();
    let first = fs::read(&floor).unwrap();
    // as if it had been killed while the report was written
    fs::create_dir_all(folder.join("plots")).unwrap();
    fs::write(folder.join("report.html"), "half a rep").unwrap();
    let resumed = results(&lab.reported(&["run", "experiment.toml", "--resume", "--json"]));
    assert_eq!(resumed["summary"]["runs"].as_array().unwrap().len(), 2);
    assert_eq!(fs::read(&floor).unwrap(), first, "the floor is not measured again");
    assert!(fs::read_to_string(folder.join("report.html")).unwrap().trim_end().ends_with("</html>"));
    wait_until_as(&before);
    let nothing = lab.run(&["run", "experiment.toml", "--resume"]);
    assert_eq!(nothing.status.code(), Some(2), "{}", String::from_utf8_lossy(&nothing.stderr));
}

#[test]
fn journals_that_cannot_be_read_stop_neither_clean_nor_each_other() {
    let Some(lab) = lab() else { return };
    fs::create_dir_all(lab.path("state")).unwrap();
    fs::write(lab.path("state/0-junk.jsonl"), [0xff, 0x00, 0xfe, b'\n', b'{']).unwrap();
    let other_boot = concat!(
        r#"{"opened":{"token":"t","run":"r","pid":1,"boot":"another"}}"#,
        "\n",
        r#"{"begin":{"number":0,"step":{"make_namespace":{"name":"tb-t-dut"}},"before":"nothing"}}"#,
        "\n"
    );
    fs::write(lab.path("state/1-boot.jsonl"), other_boot).unwrap();
    let cleaned = lab.run(&["clean"]);
    assert!(cleaned.status.success(), "{}", String::from_utf8_lossy(&cleaned.stderr));
    assert_eq!(fs::read_dir(lab.path("state")).unwrap().count(), 0);
}

#[test]
fn two_campaigns_at_a_time_are_refused() {
    let Some(lab) = lab() else { return };
    lab.experiment("host", "20s", "");
    let mut first = lab.tailbed().args(["run", "experiment.toml"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    wait_for(|| lab.journal_says("\"agent\"").then_some(()));
    let second = lab.run(&["run", "experiment.toml"]);
    let said = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(3), "{said}");
    assert!(said.contains("another campaign is under way"), "{said}");
    signal(&first, Signal::TERM);
    assert_eq!(first.wait().unwrap().code(), Some(130));
}

#[test]
fn an_agent_that_is_killed_ends_the_campaign_with_everything_taken_back() {
    let Some(lab) = lab() else { return };
    let before = traces();
    lab.experiment("host", "20s", "");
    let child = lab.tailbed().args(["run", "experiment.toml"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for(|| lab.journal_says("\"made\":{\"agent\"").then_some(()));
    let agent = wait_for(|| children(&child.id().to_string()).pop());
    system(&format!("kill -9 {agent}"));
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("the agent of generator is gone"), "{said}");
    wait_until_as(&before);
}
