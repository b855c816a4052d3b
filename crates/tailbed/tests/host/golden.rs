//! The same script, image recipe and forwarder give the same packets out in every environment: captured where they come back, compared
//! byte for byte with each other and with what earlier versions gave.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use tailbed_traffic::packet::identify;

use crate::docker::Engine;
use crate::image::{build, built, stripped, tools};
use crate::support::{Lab, engine, lab, results, traces};
use crate::vm::can_emulate;

/// Packets sent in each run: 500 a second for 400 ms, and none to warm up.
pub(crate) const PACKETS: usize = 200;

/// The tag of the run in a frame: bytes 2 to 6 of the identifier, which follows the headers of Ethernet, IPv4 and UDP. It is drawn anew for
/// each run, and nothing else in a frame depends on the run: addresses are the plan's, and the checksum of UDP is not computed.
const TAG: std::ops::Range<usize> = 44..48;

/// Scripts of a node that capture what comes back to the sink into a file of this name. The capture begins before the node's own script does
/// and ends with the last packet; its buffer holds all of them, since on few cores tcpdump comes to its turn only when the packet loop is
/// done.
pub(crate) fn capture(lab: &Lab, name: &str) -> String {
    let folder = lab.folder.path().display();
    format!(
        r#"
script_timeout = "60s"

host_setup = '''
#!/bin/sh -e
cd {folder}
mkfifo {name}.ready {name}.ended
{{
    ip netns exec tb-$TAILBED_TOKEN-generator \
        tcpdump -i rx -Z root --immediate-mode -U -s 2048 -B 4096 -c {PACKETS} -w {name}.pcap 2>&1 |
        while read -r line; do
            echo "$line" >> {name}.said
            case $line in *"listening on"*) echo > {name}.ready ;; esac
        done
    echo > {name}.ended
}} < /dev/null > /dev/null 2>&1 &
read -r line < {name}.ready
'''

host_teardown = '''
#!/bin/sh -e
read -r line < {folder}/{name}.ended
'''
"#
    )
}

/// One experiment for all: what differs is which of the tables is used. Every kind takes the same recipe's image, but for the host, which has
/// none.
fn experiment(lab: &Lab) -> String {
    let capture = capture(lab, "$TAILBED_ENVIRONMENT");
    format!(
        r#"
name = "golden"
repeats = 1
attempts = 1

[nodes.dut]
environment = "host"
forward = "l2fwd"
{capture}
setup = '''
#!/bin/sh -e
if test -e /etc/mark; then cat /etc/mark; else echo no image; fi > "$TAILBED_RESULTS/mark"
'''

[nodes.dut.container]
image = "golden.image"

[nodes.dut.lxc]
image = "golden.image"

[nodes.dut.docker]
image = "golden.image"

[nodes.dut.vm]
accel = "tcg"
root = "golden.image"

[traffic]
rate = "500pps"
duration = "400ms"
warm_up = "0s"

# shared machines stand still for long; this test is about something else
[validity]
lateness = "1s"
gap = "10s"
"#
    )
}

/// Builds the image: busybox, and a mark that only a script in the image can have read.
fn build_image(lab: &Lab, mark: &str) {
    fs::write(lab.path("mark"), mark).unwrap();
    let recipe = "name = \"golden\"\nbase = \"scratch\"\nscript = \"/bin/busybox --install -s /bin\"\n\
        command = [\"/bin/sleep\", \"1000000\"]\n\
        [files]\n\"/bin/busybox\" = \"/bin/busybox\"\n\"/bin/sh\" = \"/bin/busybox\"\n\"/etc/mark\" = \"mark\"\n";
    fs::write(lab.path("recipe.toml"), recipe).unwrap();
    built(&build(lab, &stripped(lab), &["recipe.toml", "--json"]));
}

/// The captured frames in the order of their sequence numbers, one a line as hexadecimal digits, with the tag masked.
pub(crate) fn captured(path: &Path) -> String {
    let mut frames: Vec<(u64, Vec<u8>)> = frames(&fs::read(path).unwrap()).into_iter().map(numbered).collect();
    let tags: Vec<_> = frames.iter().map(|(_, frame)| frame[TAG].to_vec()).collect();
    assert!(tags.iter().all(|tag| *tag == tags[0]), "{}: frames of two runs", path.display());
    frames.sort();
    let mut text = String::new();
    for (_, frame) in &mut frames {
        frame[TAG].fill(0);
        for byte in frame.iter() {
            write!(text, "{byte:02x}").unwrap();
        }
        text.push('\n');
    }
    text
}

fn numbered(frame: Vec<u8>) -> (u64, Vec<u8>) {
    let identifier = identify(&frame).unwrap_or_else(|| panic!("a frame that the generator has not sent: {frame:02x?}"));
    (identifier.sequence, frame)
}

/// The frames of a capture file of this machine's byte order (pcap-savefile(5)).
fn frames(file: &[u8]) -> Vec<Vec<u8>> {
    let word = |at: usize| u32::from_ne_bytes(file[at..at + 4].try_into().unwrap());
    assert_eq!((word(0), word(20)), (0xa1b2_c3d4, 1), "microseconds, Ethernet");
    let mut at = 24;
    let mut frames = Vec::new();
    while at < file.len() {
        let (kept, length) = (word(at + 8) as usize, word(at + 12) as usize);
        assert_eq!(kept, length, "a frame was not captured whole");
        frames.push(file[at + 16..at + 16 + kept].to_vec());
        at += 16 + kept;
    }
    frames
}

/// Runs the experiment in one kind of environment; what came out.
fn packets_of(kind: &str, lab: &Lab, mut tailbed: Command, mark: &str) -> String {
    let before = traces();
    let set = format!("nodes.dut.environment={kind}");
    let output = tailbed.args(["run", "golden.toml", "--json", "--set", &set]).env("TAILBED_CACHE", lab.path("cache"));
    let output = output.output().unwrap();
    let said = fs::read_to_string(lab.path(&format!("{kind}.said"))).unwrap_or_default();
    assert!(output.status.success(), "{kind}: {}\ntcpdump: {said}", String::from_utf8_lossy(&output.stderr));
    let results = results(&output);
    assert_eq!(traces(), before, "{kind}");
    let run = &results["summary"]["runs"][1];
    assert_eq!(run["invalid"].as_array().unwrap().len(), 0, "{kind}: {run}");
    let folder = lab.path(results["results"].as_str().unwrap()).join("runs").join(run["run"].as_str().unwrap());
    let read = fs::read_to_string(folder.join("results-dut/mark")).unwrap();
    assert_eq!(read, if kind == "host" { "no image\n" } else { mark }, "{kind}: the script did not run where it should");
    captured(&lab.path(&format!("{kind}.pcap")))
}

#[test]
fn every_environment_gives_the_same_packets_out() {
    let docker = Engine::start();
    let own;
    let lab = if let Some(docker) = &docker {
        &docker.lab
    } else {
        let Some(lab) = lab() else { return };
        own = lab;
        &own
    };
    if !engine("tcpdump") || !tools(&["strip", "busybox", "xz", "mkfs.ext4", "qemu-img"]) {
        return;
    }
    let mark = format!("mark of process {}\n", std::process::id());
    build_image(lab, &mark);
    fs::write(lab.path("golden.toml"), experiment(lab)).unwrap();
    let kinds =
        [("host", true), ("container", true), ("lxc", engine("lxc-start")), ("docker", docker.is_some()), ("vm", can_emulate())];
    let mut first: Option<String> = None;
    for (kind, _) in kinds.iter().filter(|(_, there)| *there) {
        let tailbed = docker.as_ref().map_or_else(|| lab.tailbed(), Engine::tailbed);
        let packets = packets_of(kind, lab, tailbed, &mark);
        let of_host = first.get_or_insert_with(|| packets.clone());
        let differs = of_host.lines().zip(packets.lines()).find(|(of_host, frame)| of_host != frame);
        assert_eq!(differs, None, "{kind}: the first frame that differs, of the host and of it");
        assert_eq!(packets.lines().count(), PACKETS, "{kind}");
    }
    let left_out: Vec<_> = kinds.iter().filter(|(_, there)| !there).map(|(kind, _)| *kind).collect();
    println!("{} of {} environments compared; skipped: {left_out:?}", kinds.len() - left_out.len(), kinds.len());
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("l2fwd-64-bytes", first.unwrap());
    });
}
