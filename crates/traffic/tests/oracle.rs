//! Byte for byte against scapy: 10 000 random frames in each direction through `l3fwd` and `bng`, and what tshark says of the result.
//!
//! Both come as Debian packages (python3-scapy, tshark). Where one is missing its tests count as skipped and say why; with
//! `TAILBED_REQUIRE_HOST_TESTS=1` they fail instead.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde::Deserialize;
use tailbed_format::function::{Bng as Settings, Port, Reason, Table};
use tailbed_format::mac::MacAddress;
use tailbed_format::order::ForwardRule;
use tailbed_traffic::function::{Bng, Buffer, Exits, L3fwd, NetworkFunction, generated_routes};

const ORACLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/oracle.py");

/// Frames in each direction.
const FRAMES: usize = 10_000;

/// A frame and what becomes of it.
#[derive(Debug, Deserialize)]
struct Case {
    rule: usize,
    frame: String,
    exit: Option<usize>,
    sent: Option<String>,
    drop: Option<Reason>,
}

/// A Python that has scapy; Debian's own before any other.
fn python() -> Option<&'static str> {
    let has_scapy = |python: &&str| {
        let tried = Command::new(python).args(["-c", "import scapy"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
        tried.is_ok_and(|status| status.success())
    };
    let found = ["/usr/bin/python3", "python3"].into_iter().find(has_scapy);
    found.or_else(|| skip("no python3 has scapy (Debian: python3-scapy)"))
}

fn tshark() -> Option<()> {
    let found = Command::new("tshark").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if found.is_ok_and(|status| status.success()) { Some(()) } else { skip("tshark is not installed") }
}

fn skip<T>(why: &str) -> Option<T> {
    let required = std::env::var_os("TAILBED_REQUIRE_HOST_TESTS").is_some_and(|value| value == "1");
    assert!(!required, "{why}, and TAILBED_REQUIRE_HOST_TESTS=1 does not let it be skipped");
    println!("skipped: {why}");
    None
}

/// A folder of this test's, removed when it goes.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tailbed-oracle-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        fs::write(&path, contents).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn exits() -> Exits {
    let rule = |receive: &str, transmit: &str, number: u8| ForwardRule {
        receive: receive.to_owned(),
        transmit: transmit.to_owned(),
        source: MacAddress([number; 6]),
        destination: MacAddress([number + 1; 6]),
    };
    Exits::of(&[rule("in", "out", 2), rule("out", "in", 4)])
}

fn routes(count: u32) -> String {
    let numbered = generated_routes(count, 5).into_iter().enumerate();
    numbered.fold(String::new(), |mut text, (number, route)| {
        // most lead to the core, so that most packets of subscribers go on
        let port = if route.port == Port::In && number.is_multiple_of(4) { "in" } else { "out" };
        writeln!(text, "{} {port}", route.prefix).unwrap();
        text
    })
}

/// Two service VLANs, one of them the highest there is, and labels up to the highest.
fn subscribers() -> String {
    let line = |number: u32| {
        format!("{} {} {}\n", if number.is_multiple_of(2) { 100 } else { 4094 }, 1 + number * 8, 16 + number * 2048)
    };
    (0..511).map(line).chain(["7 4094 1048575\n".to_owned()]).collect()
}

fn text(text: &str) -> Table {
    Table::Text { name: "table".to_owned(), text: text.to_owned() }
}

fn bng(subscribers: &str, routes: &str) -> Bng {
    let (local, remote) = (Ipv4Addr::new(198, 19, 255, 1), Ipv4Addr::new(198, 19, 255, 2));
    Bng::new(exits(), &Settings { subscribers: text(subscribers), routes: text(routes), local, remote }).unwrap()
}

fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .as_chunks::<2>()
        .0
        .iter()
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn cases(python: &str, function: &str, tables: &[String]) -> Vec<Case> {
    let output = Command::new(python).args([ORACLE, function, &FRAMES.to_string(), "7"]).args(tables).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let cases: Vec<Case> = output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!(cases.len(), FRAMES);
    cases
}

/// Puts every frame through the function and compares; what was sent.
fn agree<F: NetworkFunction>(function: &mut F, cases: &[Case]) -> Vec<Vec<u8>> {
    let mut memory = vec![0xee; 4096];
    let mut sent = Vec::new();
    let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
    for (number, case) in cases.iter().enumerate() {
        memory.fill(0xee);
        let mut frame = Buffer::copied(&mut memory, &bytes(&case.frame), F::ROOM).unwrap();
        let found = function.process(&mut frame, case.rule).map(|exit| (exit, frame.bytes().to_vec()));
        let expected = match (&case.sent, case.drop) {
            (Some(sent), None) => Ok((case.exit.unwrap(), bytes(sent))),
            (None, Some(reason)) => Err(reason),
            other => panic!("{other:?}"),
        };
        assert_eq!(found, expected, "frame {number}: {}", case.frame);
        *outcomes.entry(expected.as_ref().err().map_or_else(|| "sent".to_owned(), ToString::to_string)).or_default() += 1;
        sent.extend(expected.ok().map(|(_, bytes)| bytes));
    }
    println!("{outcomes:?}");
    assert!(sent.len() > FRAMES / 5 && outcomes.len() >= 8, "{outcomes:?}");
    sent
}

/// A capture file (classic pcap, Ethernet, microseconds) of these frames.
fn pcap(frames: &[Vec<u8>]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4u32, 4 << 16 | 2, 0, 0, 65_535, 1] {
        file.extend(word.to_le_bytes());
    }
    for frame in frames {
        let length = u32::try_from(frame.len()).unwrap();
        for word in [0, 0, length, length] {
            file.extend(word.to_le_bytes());
        }
        file.extend(frame);
    }
    file[4..8].copy_from_slice(&[2, 0, 4, 0]);
    file
}

/// What tshark reads of each frame, tab-separated. Before that it must find no fault with headers and checksums. What lies above IPv4 is
/// random and left alone; where a damaged packet names yet another protocol, that one's opinion does not count.
fn dissected(file: &str, fields: &[&str]) -> Vec<String> {
    const FAULTS: &str = "ip.checksum.status == \"Bad\" or gre.checksum.status == \"Bad\" \
                          or (_ws.malformed and ip.proto in {1, 6, 17, 50, 89, 253, 254})";
    const ABOVE: [&str; 5] = ["icmp", "tcp", "udp", "esp", "ospf"];
    let run = |arguments: &[&str]| {
        let mut command = Command::new("tshark");
        command.args(["-n", "-r", file, "-o", "ip.check_checksum:TRUE", "-o", "ip.defragment:FALSE"]);
        command.args(ABOVE.iter().flat_map(|protocol| ["--disable-protocol", protocol]));
        let output = command.args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(run(&["-Y", FAULTS]), "");
    let fields = fields.iter().flat_map(|field| ["-e", field]);
    run(&["-T", "fields"].into_iter().chain(fields).collect::<Vec<_>>()).lines().map(str::to_owned).collect()
}

fn pcap_of(folder: &Folder, frames: &[Vec<u8>]) -> String {
    folder.write("sent.pcap", pcap(frames))
}

#[test]
fn l3fwd_is_byte_exact() {
    let Some(python) = python() else { return };
    let folder = Folder::new("l3fwd");
    let table = routes(10_000);
    let tables = [folder.write("routes.txt", &table)];
    let mut cases = cases(python, "l3fwd", &tables);
    for case in &mut cases {
        case.rule = 0;
    }
    let mut function = L3fwd::new(exits(), &text(&table)).unwrap();
    let sent = agree(&mut function, &cases);
    for case in &mut cases {
        case.rule = 1;
    }
    assert_eq!(agree(&mut function, &cases), sent, "a router does not ask where a packet came from");
    if tshark().is_some() {
        let read = dissected(&pcap_of(&folder, &sent), &["ip.ttl", "ip.checksum.status"]);
        assert_eq!(read.len(), sent.len());
        for (line, frame) in read.iter().zip(&sent) {
            assert_eq!(line, &format!("{}\t1", frame[22]), "time to live, good checksum");
        }
    }
}

#[test]
fn upstream_is_byte_exact() {
    let Some(python) = python() else { return };
    let folder = Folder::new("upstream");
    let (lines, table) = (subscribers(), routes(1_000));
    let cases = cases(python, "upstream", &[folder.write("subscribers.txt", &lines), folder.write("routes.txt", &table)]);
    let sent = agree(&mut bng(&lines, &table), &cases);
    if tshark().is_some() {
        let read =
            dissected(&pcap_of(&folder, &sent), &["gre.proto", "mpls.label", "mpls.bottom", "ip.proto", "ip.checksum.status"]);
        assert_eq!(read.len(), sent.len());
        for (line, frame) in read.iter().zip(&sent) {
            let label = u32::from_be_bytes([0, frame[38], frame[39], frame[40]]) >> 4;
            assert_eq!(line, &format!("0x8847\t{label}\t1\t47,{}\t1,1", frame[42 + 9]));
        }
    }
}

#[test]
fn downstream_is_byte_exact() {
    let Some(python) = python() else { return };
    let folder = Folder::new("downstream");
    let (lines, table) = (subscribers(), routes(1_000));
    let cases = cases(python, "downstream", &[folder.write("subscribers.txt", &lines), folder.write("routes.txt", &table)]);
    let sent = agree(&mut bng(&lines, &table), &cases);
    if tshark().is_some() {
        let read = dissected(&pcap_of(&folder, &sent), &["ieee8021ad.id", "vlan.id", "ip.ttl", "ip.checksum.status"]);
        assert_eq!(read.len(), sent.len());
        for (line, frame) in read.iter().zip(&sent) {
            let vlan = |at: usize| u16::from_be_bytes([frame[at], frame[at + 1]]);
            assert_eq!(line, &format!("{}\t{}\t{}\t1", vlan(14), vlan(18), frame[22 + 8]));
        }
    }
}
