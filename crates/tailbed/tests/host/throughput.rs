//! A search through a real forwarder.

use std::fs;

use tailbed_format::port::{Ports, ReceivePort, SendPort};
use tailbed_format::summary::RunKind;
use tailbed_format::throughput::{End, SearchCampaign, Status};

use crate::support::{lab, results, traces};
use crate::vm::can_emulate;

const SEARCH: &str = "name = \"search\"\nrepeats = 1\n\n[nodes.dut]\nenvironment = \"host\"\n\n\
                      [throughput]\nmin = \"500pps\"\nmax = \"2kpps\"\nwarm_up = \"50ms\"\nattempts = 50\nlatency_trial = \"200ms\"\n\n\
                      [[throughput.goals]]\nname = \"PDR\"\nloss = \"20%\"\nwidth = \"10%\"\ntrial = \"200ms\"\nsum = \"600ms\"\n\n\
                      # shared machines stand still for long; this test is about something else\n\
                      [validity]\nlateness = \"1s\"\ngap = \"10s\"\n";

/// One environment for all trials: each agent is started once, and the forwarder has seen the packets of every trial.
#[test]
fn all_trials_pass_one_forwarder_and_nothing_is_left() {
    let Some(lab) = lab() else { return };
    let before = traces();
    fs::write(lab.path("search.toml"), SEARCH).unwrap();
    let mut results = results(&lab.run(&["run", "search.toml", "--json"]));
    let campaign: SearchCampaign = serde_json::from_value(results["summary"].take()).unwrap();
    let [floor, run] = campaign.runs.as_slice() else { panic!("{:?}", campaign.runs) };
    assert_eq!((floor.kind, floor.end.clone(), floor.forwarders.len()), (RunKind::Floor, End::Reached, 0), "{:?}", floor.log);
    assert_eq!(run.end, End::Reached, "{:?}", run.log);
    assert_eq!((run.goals[0].status, run.goals[0].bounds.lower), (Status::AtMaximum, Some(2_000)));
    assert_eq!(run.latency.iter().map(|found| found.rate).collect::<Vec<_>>(), [200, 1_000, 1_800]);
    assert!(run.latency.iter().all(|found| found.latency.is_some() && found.counts.received > 0));

    // left to itself, a search uses what carries most, which is found out where the generator runs
    let ports: Vec<_> = run.ports.iter().map(|opened| (opened.node.as_str(), opened.ports)).collect();
    let most = Ports { send: SendPort::XdpCopy, receive: ReceivePort::PacketBlocks };
    assert_eq!(ports, [("dut", Ports::FORWARDER), ("generator", most)]);

    let counted: u64 = run.log.iter().map(|trial| trial.counts.sent).sum();
    let with_warm_up: u64 = run.log.iter().map(|trial| trial.counts.sent + trial.rate / 20).sum();
    let rule = &run.forwarders[0].rules[0];
    let seen = rule.received + rule.receive_drops;
    assert!((counted..=with_warm_up).contains(&seen), "{seen} of {counted} and the warm-up, {with_warm_up}");

    // the host was watched over all trials; the generator has a thread for each of them, and all are known to be its own
    let proof = run.proof.as_ref().unwrap();
    assert!(proof.span > run.log.iter().map(|trial| trial.duration).sum::<u64>(), "{proof:?}");
    assert_eq!(proof.loops.iter().map(|one| one.node.as_str()).collect::<Vec<_>>(), ["dut"]);
    // (before each keeps to its core, it may have been on another)
    let generator = proof.cores.iter().find(|core| core.core.nodes.iter().any(|node| node == "generator")).unwrap();
    let packet_threads = || generator.tasks.iter().filter(|task| task.name == "packets");
    assert!(packet_threads().count() > 0 && packet_threads().all(|task| task.expected), "{generator:?}");
    let folder = lab.path(results["results"].as_str().unwrap()).join("runs").join(&run.run);
    let journal = fs::read_to_string(folder.join("journal.jsonl")).unwrap();
    assert_eq!(journal.matches("\"made\":{\"agent\"").count(), 2, "{journal}");
    assert_eq!(traces(), before);
}

/// A tap, unlike a veth pair, refuses what the guest behind it does not take. That is lost to the guest, and no fault of the generator's.
#[test]
fn a_machine_that_takes_no_more_is_overloaded_and_the_trial_counts() {
    if !can_emulate() {
        return;
    }
    let Some(lab) = lab() else { return };
    let before = traces();
    let search = SEARCH.replace("environment = \"host\"", "environment = \"vm\"\nvm.accel = \"tcg\"");
    // far more than an emulated guest forwards, and a rough answer is enough
    let search = search.replace("2kpps", "100kpps").replace("\"10%\"", "\"50%\"").replace("\"600ms\"", "\"200ms\"");
    fs::write(lab.path("search.toml"), search).unwrap();
    let mut results = results(&lab.run(&["run", "search.toml", "--json"]));
    let campaign: SearchCampaign = serde_json::from_value(results["summary"].take()).unwrap();
    let [_, run] = campaign.runs.as_slice() else { panic!("{:?}", campaign.runs) };
    let first = &run.log[0];
    assert_eq!((first.rate, &first.invalid), (100_000, &Vec::new()));
    assert_eq!((first.counts.sent, first.counts.received + first.counts.lost), (20_000, 20_000), "{first:?}");
    assert!(first.no_room <= first.counts.lost && first.counts.lost > 4_000, "{first:?}");
    assert_ne!(run.goals[0].status, Status::AtMaximum, "{:?}", run.log);
    assert_eq!(traces(), before);
}

/// Subscribers with two tags, a flow each: what comes out is tunnelled, and every packet is known again.
#[test]
fn the_rate_of_a_gateway_is_sought_with_tagged_flows() {
    let Some(lab) = lab() else { return };
    let before = traces();
    let flows = "frame = 72\nflows = { count = 10, outer_vlan = 1, vlan = { first = 1, count = 10 } }\n";
    let search = SEARCH.replace("[throughput]\n", &format!("[throughput]\n{flows}"));
    fs::write(lab.path("search.toml"), search.replace("= \"host\"", "= \"host\"\nforward.bng = { subscribers = 10 }")).unwrap();
    let mut results = results(&lab.run(&["run", "search.toml", "--json"]));
    let campaign: SearchCampaign = serde_json::from_value(results["summary"].take()).unwrap();
    let [_, run] = campaign.runs.as_slice() else { panic!("{:?}", campaign.runs) };
    assert_eq!((run.goals[0].status, run.goals[0].bounds.lower), (Status::AtMaximum, Some(2_000)), "{:?}", run.log);
    let rule = &run.forwarders[0].rules[0];
    assert!(rule.received > 0 && rule.received == rule.sent, "{rule:?}");
    let latency = &campaign.cells[1].latency[1];
    assert!(latency.mean.unwrap().median <= latency.maximum.unwrap().median, "{latency:?}");
    assert_eq!(traces(), before);
}

/// What fails after the last trial takes nothing away from what the trials have shown.
#[test]
fn a_search_that_fails_late_keeps_what_it_has_found() {
    let Some(lab) = lab() else { return };
    let before = traces();
    let search = SEARCH.replace("= \"host\"\n", "= \"host\"\nteardown = \"#!/bin/sh\\nexit 3\"\n");
    fs::write(lab.path("search.toml"), search).unwrap();
    let mut results = results(&lab.run(&["run", "search.toml", "--json"]));
    let campaign: SearchCampaign = serde_json::from_value(results["summary"].take()).unwrap();
    let [_, run] = campaign.runs.as_slice() else { panic!("{:?}", campaign.runs) };
    assert!(matches!(&run.end, End::Failed(why) if why.contains("teardown")), "{:?}", run.end);
    assert_eq!((run.goals[0].status, run.goals[0].bounds.lower), (Status::AtMaximum, Some(2_000)), "{:?}", run.log);
    assert_eq!((run.latency.len(), run.log.len() as u64 > 3, run.took > 0), (3, true, true));
    assert_eq!(traces(), before);
}

/// The same rate goes both ways at once, and each direction is told by itself.
#[test]
fn a_search_in_both_directions_tells_what_each_lost() {
    let Some(lab) = lab() else { return };
    let before = traces();
    fs::write(lab.path("search.toml"), SEARCH.replace("[throughput]", "[throughput]\nbidirectional = true")).unwrap();
    let mut results = results(&lab.reported(&["run", "search.toml", "--json"]));
    let campaign: SearchCampaign = serde_json::from_value(results["summary"].take()).unwrap();
    let [floor, run] = campaign.runs.as_slice() else { panic!("{:?}", campaign.runs) };
    for search in [floor, run] {
        assert_eq!((&search.end, search.directions.as_slice()), (&End::Reached, &["forth".to_owned(), "back".to_owned()][..]));
        assert_eq!((search.goals[0].status, search.goals[0].bounds.lower), (Status::AtMaximum, Some(2_000)), "{:?}", search.log);
        for trial in &search.log {
            let [forth, back] = trial.streams.as_slice() else { panic!("{trial:?}") };
            // packets of a rate and a time, whichever way they go
            assert_eq!((forth.name.as_str(), back.name.as_str(), forth.sent), ("forth", "back", back.sent), "{trial:?}");
            assert_eq!(forth.sent, trial.rate * trial.duration / 1_000_000_000, "{trial:?}");
            assert_eq!((forth.sent + back.sent, forth.lost + back.lost), (trial.counts.sent, trial.counts.lost));
            assert_eq!((forth.received + forth.lost, back.received + back.lost), (forth.sent, back.sent), "{trial:?}");
        }
        let of_both = |found: &tailbed_format::throughput::LatencyFound| found.streams.iter().all(|one| one.latency.count > 0);
        assert!(search.latency.iter().all(|found| found.streams.len() == 2 && of_both(found)), "{:?}", search.latency);
    }
    // the forwarder has seen packets come in by both of its ports
    let rules = &run.forwarders[0].rules;
    assert!(rules.len() == 2 && rules.iter().all(|rule| rule.received > 0 && rule.sent > 0), "{rules:?}");
    assert!(campaign.answer.contains("each direction") || campaign.answer.contains("is carried"), "{}", campaign.answer);
    let report = fs::read_to_string(lab.path(results["results"].as_str().unwrap()).join("report.html")).unwrap();
    assert!(report.contains("Both directions") && report.contains("Lost back"), "the report shows them");
    assert_eq!(traces(), before);
}
