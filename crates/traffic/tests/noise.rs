//! Noise tests and loads, ordered of an agent over its stream.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use rustix::thread::{CpuSet, sched_getaffinity};
use support::client::Client;
use tailbed_format::message::{Command, Reply};
use tailbed_format::noise::{Load, LoadThread, Noise, NoiseMeasured, Test, Work};
use tailbed_format::order::{Order, Scheduling, Wait};

/// Ordinary priority, on these cores.
fn on(cpus: &[usize]) -> Scheduling {
    Scheduling { cpus: cpus.to_vec(), priority: None, lock_memory: false, wait: Wait::Block }
}

/// The cores that this process may use.
fn own() -> Vec<usize> {
    let set = sched_getaffinity(None).unwrap();
    (0..CpuSet::MAX_CPU).filter(|&cpu| set.is_set(cpu)).collect()
}

fn measured(client: &mut Client, test: Test, cpus: &[usize]) -> NoiseMeasured {
    assert_eq!(client.prepare(&Order::Noise(Noise { test, scheduling: on(cpus) })), Ok(vec![]));
    client.send(&Command::Start);
    match client.reply() {
        Reply::Noise(measured) => measured,
        other => panic!("not measured: {other:?}"),
    }
}

#[test]
fn every_core_gives_a_whole_record_of_each_test() {
    let cpus = own();
    let mut client = Client::start();
    let timer = measured(&mut client, Test::Timer { interval: 100_000, cycles: 200 }, &cpus);
    assert_eq!(timer.cores.iter().map(|core| core.cpu.unwrap()).collect::<Vec<_>>(), cpus);
    for core in &timer.cores {
        assert_eq!((core.turns, core.values.iter().map(|(_, times)| times).sum::<u64>()), (200, 200));
        // the last cycle was due at the end, and nobody is woken early
        assert!(core.span >= 20_000_000, "{core:?}");
    }
    let gaps = measured(&mut client, Test::Gaps { threshold: 1_000, duration: 5_000_000 }, &cpus);
    assert_eq!(gaps.cores.iter().map(|core| core.cpu.unwrap()).collect::<Vec<_>>(), cpus);
    for core in &gaps.cores {
        // the clock's rate before a test and over it differ by what two readings of it are wrong by
        assert!(core.span >= 4_950_000 && core.turns > 0 && core.unlisted == 0, "{core:?}");
        assert!(core.values.iter().all(|(length, _)| *length >= 990), "{core:?}");
        assert_eq!(core.worst.len() as u64, core.values.iter().map(|(_, times)| times).sum::<u64>().min(1_000));
    }
    client.quit().unwrap();
}

#[test]
fn a_core_that_is_not_there_fails_the_order_and_the_agent_goes_on() {
    let mut client = Client::start();
    let order = |cpus: &[usize]| Order::Noise(Noise { test: Test::Timer { interval: 1_000, cycles: 1 }, scheduling: on(cpus) });
    let reason = client.prepare(&order(&[own()[0], 1023])).unwrap_err();
    assert!(reason.starts_with("not pinned to CPU 1023: ") && reason.ends_with("; choose others with `cpus`"), "{reason}");
    let nothing = Noise { test: Test::Gaps { threshold: 0, duration: 1 }, scheduling: on(&[]) };
    let reason = client.prepare(&Order::Noise(nothing)).unwrap_err();
    assert!(reason.contains("looks for gaps of 0 ns"), "{reason}");
    assert_eq!(measured(&mut client, Test::Timer { interval: 1_000, cycles: 3 }, &[]).cores[0].cpu, None);
    client.quit().unwrap();
}

#[test]
fn a_test_ends_when_it_is_told_to_and_when_the_stream_ends() {
    let long = Order::Noise(Noise { test: Test::Gaps { threshold: 1_000, duration: u64::MAX / 8 }, scheduling: on(&[]) });
    let mut client = Client::start();
    assert_eq!(client.prepare(&long), Ok(vec![]));
    client.send(&Command::Start);
    client.send(&Command::Stop);
    assert_eq!(client.reply(), Reply::Failed("the noise test was stopped before it was over".to_owned()));
    assert_eq!(client.prepare(&long), Ok(vec![]));
    client.send(&Command::Start);
    client.hang_up().unwrap();
}

#[test]
fn a_neighbour_works_on_each_core_until_it_is_stopped() {
    let cpu = own()[0];
    let mut client = Client::start();
    let work = Work::ALL.to_vec();
    assert_eq!(client.prepare(&Order::Load(Load { work: work.clone(), scheduling: on(&[cpu]) })), Ok(vec![]));
    client.send(&Command::Start);
    client.send(&Command::Stop);
    let Reply::Loaded(loaded) = client.reply() else { panic!("not stopped") };
    let done: Vec<_> = loaded.threads.iter().map(|LoadThread { cpu, work, turns }| (*cpu, *work, *turns >= 1)).collect();
    assert_eq!(done, work.into_iter().map(|work| (Some(cpu), work, true)).collect::<Vec<_>>());
    client.quit().unwrap();
}
