//! Runs that are interrupted take everything back and can be resumed.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Traces, lab, results, traces};

/// Waits until something is there.
#[track_caller]
pub(crate) fn wait_for<T>(look: impl FnMut() -> Option<T>) -> T {
    seen_in_time(look).expect("what was waited for did not happen")
}

/// Waits until everything on the host is as it was; what is not is said.
#[track_caller]
pub(crate) fn wait_until_as(before: &Traces) {
    if seen_in_time(|| (traces() == *before).then_some(())).is_none() {
        assert_eq!(traces(), *before);
    }
}

/// Looks for something, as long as a slow machine may take.
fn seen_in_time<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let found = look();
        if found.is_some() || Instant::now() >= deadline {
            return found;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

#[test]
fn an_interrupt_takes_everything_back_and_resume_goes_on() {
    let Some(lab) = lab() else { return };
    let before = traces();
    lab.experiment("container", "1s", "");
    let child = lab.tailbed().args(["run", "experiment.toml"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let folder = wait_for(|| std::fs::read_dir(lab.path("results")).ok()?.flatten().next()).path();
    wait_for(|| folder.join("runs/0001-r1/steps.txt").exists().then_some(()));
    signal(&child, Signal::INT);
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("--resume goes on"), "{said}");
    assert_eq!(traces(), before);
    let resumed = results(&lab.run(&["run", "experiment.toml", "--resume", "--json"]));
    assert_eq!(resumed["results"].as_str().map(|path| lab.path(path)), Some(folder.clone()));
    assert_eq!(resumed["summary"]["runs"].as_array().unwrap().len(), 2);
    assert!(folder.join("runs/0001-r1.broken1").exists(), "the half-full attempt is kept aside");
    assert_eq!(traces(), before);
}
