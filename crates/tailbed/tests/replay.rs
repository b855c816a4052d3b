//! A capture replayed over a simulated wire, from the file to the summary; captures that cannot be are refused with the packet.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tailbed_format::mac::MacAddress;
use tailbed_traffic::packet::template::{Head, Template};

/// A capture with nanosecond stamps (pcap-savefile(5)), each packet with its time in ns and how much of it is missing.
fn pcap(packets: &[(u64, Vec<u8>, u32)]) -> Vec<u8> {
    let mut file: Vec<u8> = [0xa1b2_3c4d_u32, 0x0004_0002, 0, 0, 65_535, 1].iter().flat_map(|word| word.to_le_bytes()).collect();
    for (time, frame, missing) in packets {
        let (seconds, rest) = (time / 1_000_000_000, time % 1_000_000_000);
        let length = u32::try_from(frame.len()).unwrap();
        for word in [u32::try_from(seconds).unwrap(), u32::try_from(rest).unwrap(), length, length + missing] {
            file.extend(word.to_le_bytes());
        }
        file.extend(frame);
    }
    file
}

fn frame(length: usize) -> Vec<u8> {
    let head = Head { source: MacAddress([7; 6]), destination: MacAddress([8; 6]), tag: 1, length };
    Template::new(&head).unwrap().numbered(5).to_vec()
}

fn run(folder: &Path, capture: &[u8], replay: &str) -> Output {
    fs::write(folder.join("x.pcap"), capture).unwrap();
    let text = format!(
        "name = \"replay\"\nrepeats = 1\n[nodes.dut.simulated]\nbase = \"3us\"\n\n[traffic]\nduration = \"1ms\"\nwarm_up = \"20us\"\n\
         pattern = {{ replay = {{ pcap = \"x.pcap\"{replay} }} }}\n"
    );
    fs::write(folder.join("replay.toml"), text).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tailbed"));
    command.args(["run", "replay.toml", "--json"]).env("TAILBED_STATE", folder.join("state")).current_dir(folder);
    command.output().unwrap()
}

#[test]
fn every_packet_of_a_capture_is_sent_once_at_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let times = [5_000_000_000, 5_000_010_000, 5_000_040_000, 5_000_040_001, 5_000_900_000];
    let packets: Vec<_> = times.into_iter().zip([60, 300, 1514, 60, 61]).map(|(time, length)| (time, frame(length), 0)).collect();
    let output = run(folder.path(), &pcap(&packets), "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let results: Value = serde_json::from_slice(&output.stdout).unwrap();
    let run = &results["summary"]["runs"][0];
    // two are due within the warm-up of 20 µs
    assert_eq!((&run["counts"]["scheduled"], &run["counts"]["received"]), (&Value::from(3), &Value::from(3)));
    assert_eq!(run["volume"]["sent"], 1518 + 64 + 65);
    assert_eq!((&run["lateness"]["maximum"], &run["latency_from_due"]["minimum"]), (&Value::from(0), &run["latency"]["minimum"]));
    let plan = folder.path().join(results["results"].as_str().unwrap()).join("runs").join(run["run"].as_str().unwrap());
    let plan: Value = serde_json::from_slice(&fs::read(plan.join("plan.json")).unwrap()).unwrap();
    let replay = &plan["agents"][0]["order"]["measure"]["shape"]["pattern"]["replay"];
    assert_eq!((&replay["warm_up_packets"], &replay["packets"]), (&Value::from(2), &Value::from(3)), "{replay}");
}

#[test]
fn a_capture_that_cannot_be_replayed_is_refused_before_anything_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let good = || (1_000_000_000, frame(60), 0);
    let mut tcp = frame(60);
    tcp[23] = 6;
    let cases = [
        (vec![], "", "there is no recorded packet to send"),
        (vec![good(), (1_000_000_100, tcp, 0)], "", "packet 2 of the capture cannot carry an identifier"),
        (vec![good(), (1_000_000_100, frame(60), 40)], "", "of packet 2 only 60 of 100 bytes were captured"),
        (
            vec![good(), (1_000_000_100, frame(2_000), 0)],
            "",
            "packet 2 is longer than the 1518 bytes the links are made for; write frame = 2004",
        ),
        (vec![good()], "", "none of its packets is due after the warm-up"),
        (vec![good(), good()], ", loop = true", "all its packets have one time"),
    ];
    for (packets, settings, reason) in cases {
        let output = run(folder.path(), &pcap(&packets), settings);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{reason}: {said}");
        assert!(said.contains(reason) && said.contains("x.pcap"), "{said}");
    }
    let mut torn = pcap(&[good(), good()]);
    torn.truncate(torn.len() - 10);
    let said = run(folder.path(), &torn, "").stderr;
    assert!(String::from_utf8_lossy(&said).contains("x.pcap"), "{}", String::from_utf8_lossy(&said));
    assert!(!folder.path().join("results").exists());
}
