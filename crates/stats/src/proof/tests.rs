use tailbed_format::proof::{Culprit, Disturber, LoopAccount};

use super::*;

const QUIET: &str = "  CPU0 CPU1\n 36: 0 20 PCI-MSIX 1-edge virtio1-req.0\nLOC: 100 200 Local timer interrupts\nRES: 5 6 Rescheduling interrupts\n";

fn watch(spins: bool) -> Watch {
    let core = PacketCore { cpu: 1, nodes: vec!["dut".to_owned()], spins };
    Watch { rate: 0, withheld: None, switches: true, reader: 0, priority: None, cores: vec![core] }
}

fn reading(at: u64, interrupts: &str, steal: u64) -> Reading {
    Reading { at, interrupts: Counters::parse(interrupts, None), steal: BTreeMap::from([(1, steal)]), ..Reading::default() }
}

/// A run from 1 000 to 2 000 ns in which the thread 7 of the node `dut` has core 1.
fn proven(watch: &Watch, after: &str, tasks: &Tasks, loops: &[LoopProof]) -> (CoreProof, Vec<ForeignTurn>) {
    let observed = Observed {
        watch,
        before: &reading(900, QUIET, 10),
        after: &reading(2_100, after, 10),
        frequency: &BTreeMap::new(),
        readings: 0,
        reader_ran: 0,
        tasks,
        names: &BTreeMap::from([(7, "packets".to_owned()), (8, "stress".to_owned()), (9, "ksoftirqd/1".to_owned())]),
        owners: &BTreeMap::from([(7, "dut".to_owned())]),
        loops,
        throttled: &BTreeMap::from([("dut".to_owned(), (0, 0))]),
        origin: 1_000,
        duration: 1_000,
    };
    let (mut proof, foreign) = prove(&observed);
    (proof.cores.pop().unwrap(), foreign)
}

fn switches(events: Vec<Event>) -> Tasks {
    Tasks::Switches { from: 800, events: BTreeMap::from([(1, events)]) }
}

#[test]
fn a_core_with_nothing_but_its_loop_and_the_tick_is_quiet() {
    let after = QUIET.replace("200", "450");
    let softirqs = [Event::Out { at: 1_500, tid: 7, process: 7, preempted: false }, Event::In { at: 1_500, tid: 9, process: 9 }];
    let (core, foreign) = proven(&watch(true), &after, &switches(softirqs.to_vec()), &[]);
    assert!(core.is_quiet(), "{core:?}");
    assert_eq!((core.interrupts[0].count, core.interrupts[0].expected), (250, true));
    assert_eq!((core.switches, core.tasks.len(), foreign.len()), (Some(2), 2, 0));
}

#[test]
fn a_foreign_task_is_named_with_how_often_and_how_long() {
    let out = |at, tid| Event::Out { at, tid, process: tid, preempted: tid == 7 };
    let events = vec![
        out(1_100, 7),
        Event::In { at: 1_100, tid: 8, process: 8 },
        out(1_150, 8),
        Event::In { at: 1_150, tid: 7, process: 7 },
        out(1_500, 7),
        Event::In { at: 1_500, tid: 8, process: 8 },
        // nobody is known by this number
        out(1_600, 8),
        Event::In { at: 1_600, tid: 99, process: 99 },
        out(1_601, 99),
        Event::In { at: 1_601, tid: 7, process: 7 },
    ];
    let (core, foreign) = proven(&watch(true), QUIET, &switches(events), &[]);
    let said: Vec<_> = core.culprits.iter().map(ToString::to_string).collect();
    assert_eq!(said, ["stress (8): 2 times, 150\u{a0}ns", "a task that has ended (99): once, 1\u{a0}ns"]);
    assert_eq!((core.switches, core.preemptions), (Some(6), Some(2)));
    let turns: Vec<_> = foreign.iter().map(|turn| (turn.at, turn.tid, turn.length)).collect();
    assert_eq!(turns, [(100, 8, 50), (500, 8, 100), (600, 99, 1)]);
}

#[test]
fn a_scan_names_who_ran_there_last() {
    let task = |tid, name: &str, cpu, ran| Scanned { tid, name: name.to_owned(), cpu, ran };
    let before = vec![task(7, "packets", 1, 50), task(8, "stress", 1, 500), task(6, "sh", 0, 5)];
    let after = vec![task(7, "packets", 1, 900), task(8, "stress", 1, 800), task(6, "sh", 0, 50), task(5, "new", 1, 4)];
    let scan = Tasks::Scan { before, after, reason: Some("not permitted".to_owned()) };
    let (core, foreign) = proven(&watch(true), QUIET, &scan, &[]);
    let culprit =
        |name: &str, tid, took| Culprit { what: Disturber::Task { name: name.to_owned(), tid }, times: None, took: Some(took) };
    assert_eq!(core.culprits, [culprit("stress", 8, 300), culprit("new", 5, 4)]);
    assert_eq!((core.switches, foreign.len()), (None, 0));
}

#[test]
fn interrupts_of_devices_are_foreign_and_wake_ups_only_where_nobody_sleeps() {
    let after = QUIET.replace("0 20 PCI", "0 32 PCI").replace("5 6", "5 9");
    let said = |spins| {
        let (core, _) = proven(&watch(spins), &after, &switches(Vec::new()), &[]);
        core.culprits.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(said(true), ["interrupt 36 of virtio1-req.0: 12 times", "Rescheduling interrupts (RES): 3 times"]);
    assert_eq!(said(false), ["interrupt 36 of virtio1-req.0: 12 times"]);
}

#[test]
fn what_befell_the_loop_itself_is_told() {
    let account = LoopAccount { voluntary: 3, involuntary: 1, minor_faults: 2, major_faults: 0, migrations: Some(0) };
    let loops =
        [LoopProof { node: "dut".to_owned(), worker: 0, account }, LoopProof { node: "other".to_owned(), worker: 0, account }];
    let (core, _) = proven(&watch(true), QUIET, &switches(Vec::new()), &loops);
    let said: Vec<_> = core.culprits.iter().map(ToString::to_string).collect();
    let expected =
        ["page faults of the packet loop of dut: 2 times", "interruptions of the packet loop of dut by another task: once"];
    assert_eq!(said, expected);
}

#[test]
fn a_thread_that_was_never_seen_belongs_to_its_process() {
    let events =
        vec![Event::In { at: 1_100, tid: 70, process: 7 }, Event::Out { at: 1_200, tid: 70, process: 7, preempted: false }];
    let (core, _) = proven(&watch(true), QUIET, &switches(events), &[]);
    assert_eq!((core.tasks[0].node.as_deref(), core.is_quiet()), (Some("dut"), true));
}
