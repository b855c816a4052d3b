//! The reference implementation: its recorded answers, and how it is asked.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use crate::devices::{COUNT, Device, MAXIMUM, MINIMUM};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/golden.json");
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/oracle.py");

/// What a search found for one goal, packets per second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Found {
    pub(crate) lower: Option<f64>,
    pub(crate) upper: Option<f64>,
    pub(crate) conditional: Option<f64>,
}

/// What a search found for NDR and PDR, and how many trials it took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) trials: u32,
    pub(crate) found: Vec<Found>,
}

/// The recorded answers, device by device.
pub(crate) fn golden() -> Vec<Answer> {
    serde_json::from_slice(&std::fs::read(GOLDEN).unwrap()).unwrap()
}

/// Records answers, one device a line.
pub(crate) fn write(answers: &[Answer]) {
    let lines: Vec<_> = answers.iter().map(|answer| serde_json::to_string(answer).unwrap()).collect();
    std::fs::write(GOLDEN, format!("[\n{}\n]\n", lines.join(",\n"))).unwrap();
}

/// Whether the package can be asked here.
pub(crate) fn is_installed() -> bool {
    let output = Command::new("python3").args(["-c", "import MLRsearch"]).stderr(Stdio::null()).status();
    output.is_ok_and(|status| status.success())
}

/// To a thousandth of a packet per second, so that it survives being written down and read.
fn rounded(rate: f64) -> Option<f64> {
    format!("{rate:.3}").parse().ok()
}

/// Has it search on every device, which lives on this side of the pipes.
pub(crate) fn ask() -> Vec<Answer> {
    let mut python = Command::new("python3").arg(SCRIPT).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = python.stdin.take().unwrap();
    let mut lines = BufReader::new(python.stdout.take().unwrap()).lines();
    let answers = (0..COUNT).map(|number| {
        let mut device = Device::new(number);
        let mut trials = 0;
        writeln!(input, "device {MINIMUM} {MAXIMUM}").unwrap();
        loop {
            let line = lines.next().expect("the reference ended").unwrap();
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["trial", rate, seconds] => {
                    let (sent, lost) = device.trial(rate.parse().unwrap(), seconds.parse().unwrap());
                    writeln!(input, "{sent} {lost}").unwrap();
                    trials += 1;
                }
                ["found", values @ ..] => {
                    let values: Vec<Option<f64>> = values.iter().map(|value| value.parse().ok().and_then(rounded)).collect();
                    let found = values.chunks(3).map(|of| Found { lower: of[0], upper: of[1], conditional: of[2] });
                    return Answer { trials, found: found.collect() };
                }
                _ => panic!("the reference said {line:?}"),
            }
        }
    });
    let answers = answers.collect();
    drop(input);
    assert!(python.wait().unwrap().success());
    answers
}
