//! What fuzzing runs: arbitrary text in, an error when something that always holds does not. Beside cargo-fuzz (`fuzz/`) a test runs these
//! over the kept corpus and over mutations of it.

use tailbed_format::facts::{Cgroup, Facts, Kvm, Privilege};

use crate::{Overrides, PlanError, Source, describe, draw, plan, recipe};

/// An experiment file: it is planned, the same each time, and the plan can be shown; or what is wrong is said, with a place in the file.
///
/// # Errors
/// What does not hold.
pub fn experiment(text: &[u8]) -> Result<(), String> {
    let facts = host();
    let source = Source { name: "fuzz.toml", text };
    let planned = || plan(&source, &Overrides::default(), &facts, "a1b2c3");
    match planned() {
        Ok(found) => {
            if planned().ok().as_ref() != Some(&found) {
                return Err("planned again it is another plan".to_owned());
            }
            let shown =
                describe(&found, &facts, true).len() + found.runs.iter().flat_map(draw).map(|line| line.len()).sum::<usize>();
            if shown == 0 { Err("a plan shows nothing".to_owned()) } else { Ok(()) }
        }
        Err(error) => said(&error),
    }
}

/// A recipe of images, likewise.
///
/// # Errors
/// What does not hold.
pub fn recipe(text: &[u8]) -> Result<(), String> {
    recipe::read(&Source { name: "fuzz.toml", text }).map_or_else(|error| said(&error), |_| Ok(()))
}

fn said(error: &PlanError) -> Result<(), String> {
    let text = error.to_string();
    if text.trim().is_empty() { Err(format!("{error:?} says nothing")) } else { Ok(()) }
}

/// A small host with all that environments need.
fn host() -> Facts {
    Facts {
        tool_version: "0.1.0".to_owned(),
        tool_commit: None,
        hostname: "fuzz".to_owned(),
        cpu_model: "Example CPU".to_owned(),
        cpus: (0..4).collect(),
        processors: Vec::new(),
        cards: Vec::new(),
        memory_nodes: vec![0],
        memory: 8 << 30,
        kernel: "Linux 6.18.0".to_owned(),
        command_line: String::new(),
        mitigations: Vec::new(),
        clocksource: "tsc".to_owned(),
        invariant_tsc: true,
        hypervisor: None,
        cgroup: Cgroup::None,
        privilege: Privilege { root: true, user_namespaces: true, real_time: true, lock_memory: true },
        rt_runtime_us: Some(950_000),
        no_packet_sockets: None,
        engines: Vec::new(),
        kvm: Kvm::Unknown,
        kernels: vec!["6.1.0-56-cloud-amd64".to_owned()],
        huge_pages: Vec::new(),
        settings: tailbed_format::settings::Settings::default(),
    }
}
