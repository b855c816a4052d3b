//! Containers of Docker that die, mistakes in what they are made of, and engines that are not there: a clear error, and nothing left.

use std::fs;
use std::process::Child;

use super::Engine;
use crate::deaths::eater;
use crate::interrupted::wait_for;
use crate::support::{Traces, lab, system, traces};

impl Engine {
    /// Waits for a run that fails on the way with these words, and leaves nothing.
    fn fails(&self, child: Child, before: &Traces, words: &[&str]) {
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(words.iter().all(|words| said.contains(words)), "{words:?}: {said}");
        self.wait_until_as(before);
    }

    /// Starts a run and waits until its container has traffic to forward; the agent's process.
    fn forwarding(&self, duration: &str) -> (Child, String) {
        let child = self.begin(duration, "");
        let inside = self.inside();
        wait_for(|| self.lab.journal_says("\"agent\"").then_some(()));
        (child, inside)
    }
}

#[test]
fn mistakes_are_told_in_the_engines_words() {
    let Some(engine) = Engine::start() else { return };
    let before = traces();
    fs::write(engine.lab.path("cut.tar"), "this is no archive").unwrap();
    let mistakes = [
        ("image = \"no-such-image:1\"", "the Docker engine has no image no-such-image:1"),
        ("image = \"cut.tar\"", "cut.tar"),
        ("capabilities = [\"CAP_FLY\"]", "CAP_FLY"),
    ];
    for (settings, told) in mistakes {
        engine.fails(engine.begin("100ms", settings), &before, &["dut", told]);
    }
}

#[test]
fn an_agent_that_is_killed_and_a_container_that_is_removed_are_told() {
    let Some(engine) = Engine::start() else { return };
    let before = traces();
    let (child, inside) = engine.forwarding("2s");
    system(&format!("kill -9 {inside}"));
    engine.fails(child, &before, &["the agent of dut is gone", "ended with status 137"]);

    let (child, _) = engine.forwarding("2s");
    engine.docker(&["rm", "--force", &engine.docker(&["ps", "--quiet"])]);
    engine.fails(child, &before, &["the agent of dut is gone", "somebody has removed it"]);
}

#[test]
fn out_of_memory_is_told_as_such() {
    let Some(engine) = Engine::start() else { return };
    let before = traces();
    // too little even for the agent
    engine.fails(engine.begin("100ms", "memory = \"6MiB\""), &before, &["dut", "out of memory: limit 6MiB; a larger `memory`"]);

    // something else in the container, while its agent lives
    let folder = engine.lab.folder.path().display();
    system(&format!(
        "mkdir -p {folder}/root/bin && cd {folder}/root && cp /bin/busybox bin && ln -s busybox bin/sh && ln -s busybox bin/tail && tar -cf ../root.tar ."
    ));
    engine.docker(&["import", &format!("{folder}/root.tar"), "tailbed-test:2"]);
    let setup = format!("nodes.dut.setup={}", eater(&engine.lab));
    let settings = "image = \"tailbed-test:2\"\nmemory = \"64MiB\"";
    let expected = "the setup of dut was ended by signal 9 (out of memory: limit 64MiB; a larger `memory` is the way out)";
    engine.fails(engine.begin_with("100ms", settings, &["--set", &setup]), &before, &[expected]);
}

#[test]
fn without_an_engine_nothing_is_touched_and_the_way_to_one_is_told() {
    let Some(lab) = lab() else { return };
    let before = traces();
    lab.experiment("docker", "100ms", "");
    let nowhere = format!("unix://{}", lab.path("nowhere").display());
    let output = lab.tailbed().args(["run", "experiment.toml"]).env("DOCKER_HOST", nowhere).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("the Docker engine is not") && (said.contains("start it") || said.contains("install it")), "{said}");
    assert_eq!(traces(), before);
    assert!(!lab.path("results").exists());
}

#[test]
fn an_engine_that_dies_leaves_what_clean_takes_back_once_there_is_one_again() {
    let Some(mut engine) = Engine::start() else { return };
    let before = traces();
    let (child, _) = engine.forwarding("1s");
    engine.kill();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("not everything could be taken back") && said.contains("`tailbed clean` tries again"), "{said}");
    assert!(said.contains("the Docker engine is not running"), "{said}");
    engine.start_again();
    let cleaned = engine.tailbed().arg("clean").output().unwrap();
    assert!(cleaned.status.success(), "{}", String::from_utf8_lossy(&cleaned.stderr));
    engine.wait_until_as(&before);
}
