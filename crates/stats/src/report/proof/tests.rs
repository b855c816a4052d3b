use tailbed_format::proof::{
    Culprit, Disturber, ForeignTurn, InterruptCount, InterruptPoint, LoopAccount, LoopProof, PacketCore, TaskTime,
};

use super::*;
use crate::proof::HostTimeline;
use crate::report::{ReportInput, cells, example, figures, html};

fn core(cpu: usize, node: &str, culprits: Vec<Culprit>) -> CoreProof {
    let count = |source: &str, name: &str, count, expected| InterruptCount {
        source: source.to_owned(),
        name: name.to_owned(),
        count,
        expected,
    };
    let foreign = !culprits.is_empty();
    CoreProof {
        core: PacketCore { cpu, nodes: vec![node.to_owned()], spins: true },
        interrupts: vec![
            count("LOC", "Local timer interrupts", 1_000, true),
            count("36", "virtio1-req.0", if foreign { 12 } else { 0 }, false),
        ],
        softirqs: vec![count("NET_RX", "", 2_000, true)],
        switches: Some(if foreign { 4 } else { 0 }),
        preemptions: Some(if foreign { 2 } else { 0 }),
        tasks: if foreign {
            let (name, turns) = ("<stress>".to_owned(), Some(2));
            vec![TaskTime { tid: 41, name, node: None, expected: false, turns, ran: 3_000_000, longest: Some(2_000_000) }]
        } else {
            Vec::new()
        },
        steal: Some(0),
        hot: None,
        frequency: Some((2_400_000, 2_500_000)),
        culprits,
    }
}

fn proof(culprits: Vec<Culprit>) -> Proof {
    let account = LoopAccount { voluntary: 1, involuntary: 2, minor_faults: 3, major_faults: 0, migrations: Some(0) };
    Proof {
        span: 1_000_000_000,
        counted: 900_000_000,
        readings: 9,
        reader_ran: 2_000_000,
        withheld: None,
        tasks: TaskSource::Switches { lost: 0 },
        cores: vec![core(2, "generator", Vec::new()), core(3, "dut", culprits)],
        loops: vec![LoopProof { node: "dut".to_owned(), worker: 0, account }],
    }
}

/// With so many interrupts on the device's core that do not belong there.
pub(in crate::report) fn proof_with(interrupts: u64) -> Proof {
    let mut proof = proof(Vec::new());
    proof.cores[1].interrupts[1].count = interrupts;
    proof
}

/// Repeat 1 of the cell `container` had somebody else on its core.
fn disturbed() -> example::Example {
    let mut example = example::campaign();
    let task = Disturber::Task { name: "<stress>".to_owned(), tid: 41 };
    let culprits = [
        Culprit { what: task, times: Some(2), took: Some(3_000_000) },
        Culprit {
            what: Disturber::Interrupt { source: "36".to_owned(), name: "virtio1-req.0".to_owned() },
            times: Some(12),
            took: None,
        },
    ];
    for run in &mut example.summary.runs {
        let loud = run.cell == 2 && run.repeat == 0;
        run.proof = Some(proof(if loud { culprits.to_vec() } else { Vec::new() }));
    }
    let point = |from, to, source: &str, name: &str, count| InterruptPoint {
        from,
        to,
        cpu: 3,
        soft: false,
        source: source.into(),
        name: name.into(),
        count,
    };
    let interrupts = vec![
        point(-100_000_000, 400_000_000, "LOC", "Local timer interrupts", 500),
        point(400_000_000, 900_000_000, "LOC", "Local timer interrupts", 500),
        point(400_000_000, 900_000_000, "36", "virtio1-req.0", 12),
    ];
    let turn = ForeignTurn { at: 250_000_000, cpu: 3, tid: 41, name: "<stress>".to_owned(), length: 2_000_000 };
    example.data[2].host = vec![
        (0, HostTimeline { interrupts: interrupts.clone(), turns: vec![turn] }),
        (1, HostTimeline { interrupts, turns: Vec::new() }),
    ];
    example
}

fn part(example: &example::Example) -> String {
    let input = example.input();
    let cells = cells::of(&ReportInput { ..input });
    section(&example.summary, &cells, &figures::all(&example.summary, &cells)).into_string()
}

#[test]
fn a_core_that_was_not_quiet_is_named_with_the_culprit() {
    let page = part(&disturbed());
    let sentence =
        "core 3 (dut), in 1 of 2 runs: &lt;stress&gt; (2 times, 3.00\u{a0}ms); interrupt 36 of virtio1-req.0 (12 times)";
    assert!(page.contains(sentence), "{page}");
    assert!(page.contains("1 of 2") && page.contains("core 3: &lt;stress&gt;, 1 turn<"), "{page}");
    assert!(html(&disturbed().input()).contains("What the host did"));
}

#[test]
fn quiet_cores_are_said_to_be_quiet_and_nothing_is_said_where_nothing_was_watched() {
    let mut example = example::campaign();
    assert_eq!(part(&example), "");
    for run in &mut example.summary.runs {
        run.proof = Some(proof(Vec::new()));
    }
    let page = part(&example);
    assert!(page.contains("All packet cores were quiet") && !page.contains("Not quiet"), "{page}");
}

#[test]
fn how_it_is_known_is_said() {
    let mut proof = proof(Vec::new());
    assert!(
        how(&proof, "the traffic").contains("read up to 9 times a run meanwhile") && how(&proof, "the traffic").contains("0.20"),
        "{}",
        how(&proof, "the traffic")
    );
    proof.readings = 0;
    proof.withheld = Some("core 0 is busy".to_owned());
    proof.tasks = TaskSource::Scan { reason: Some("not permitted".to_owned()) };
    assert!(
        how(&proof, "the traffic")
            .contains("(not permitted); counters were read before and after the traffic alone: core 0 is busy.")
    );
}
