//! A neighbour: threads that keep cores busy until they are told to stop, for tests of what a noisy neighbour costs.

use std::hint::black_box;
use std::io;

use rustix::pipe::{PipeFlags, pipe_with};
use tailbed_format::noise::{Load, LoadThread, Work};

use crate::stop::Stop;

/// Steps of arithmetic in a turn.
const STEPS: u64 = 65_536;

/// Bytes copied in a turn.
const COPIED: usize = 1 << 20;

/// Bytes of the buffer that copies go through: beyond the second level cache of every core and, for a few cores together, the third.
const BUFFER: usize = 32 << 20;

/// Bytes of memory taken, touched and given back in a turn of calls: more than allocators keep for themselves.
const TAKEN: usize = 1 << 20;

/// Bytes of a page, each touched once.
const PAGE: usize = 4096;

/// Each core with each work, in the order of the threads.
pub fn threads(load: &Load) -> Vec<(Option<usize>, Work)> {
    let cpus: Vec<Option<usize>> = match load.scheduling.cpus.as_slice() {
        [] => vec![None],
        cpus => cpus.iter().copied().map(Some).collect(),
    };
    cpus.into_iter().flat_map(|cpu| load.work.iter().map(move |&work| (cpu, work))).collect()
}

/// Works on the core that the calling thread is on until the flag is raised, one turn at least; gives how many were made.
///
/// # Errors
/// When the kernel has no pipe for the calls to go through (pipe(2)), or refuses to write or read it.
pub fn work(cpu: Option<usize>, work: Work, stop: &Stop) -> io::Result<LoadThread> {
    let turns = match work {
        Work::Compute => compute(stop),
        Work::Memory => memory(stop),
        Work::Calls => calls(stop)?,
    };
    Ok(LoadThread { cpu, work, turns })
}

/// A linear congruential generator (Knuth, The Art of Computer Programming, volume 2, 3.3.4, MMIX): each step needs the one before.
fn compute(stop: &Stop) -> u64 {
    let (mut state, mut turns) = (1_u64, 0);
    loop {
        for _ in 0..STEPS {
            state = black_box(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
        }
        turns += 1;
        if stop.is_raised() {
            return turns;
        }
    }
}

fn memory(stop: &Stop) -> u64 {
    let mut buffer = vec![1_u8; BUFFER];
    let (mut from, mut turns) = (0, 0);
    loop {
        // from each mebibyte to the next, round and round
        buffer.copy_within(from..from + COPIED, from + COPIED);
        black_box(buffer.as_slice());
        from = (from + COPIED) % (BUFFER - COPIED);
        turns += 1;
        if stop.is_raised() {
            return turns;
        }
    }
}

fn calls(stop: &Stop) -> io::Result<u64> {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
    let (mut block, mut turns) = ([1_u8; PAGE], 0);
    loop {
        rustix::io::write(&writer, &block)?;
        rustix::io::read(&reader, &mut block)?;
        let mut taken: Vec<u8> = vec![0; TAKEN];
        taken.iter_mut().step_by(PAGE).for_each(|byte| *byte = 1);
        black_box(taken.as_slice());
        turns += 1;
        if stop.is_raised() {
            return Ok(turns);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tailbed_format::order::{Scheduling, Wait};

    #[test]
    fn each_core_has_a_thread_for_each_work() {
        let load = |cpus: &[usize]| Load {
            work: vec![Work::Compute, Work::Calls],
            scheduling: Scheduling { cpus: cpus.to_vec(), priority: None, lock_memory: false, wait: Wait::Spin },
        };
        let expected = [(Some(2), Work::Compute), (Some(2), Work::Calls), (Some(5), Work::Compute), (Some(5), Work::Calls)];
        assert_eq!(threads(&load(&[2, 5])), expected);
        assert_eq!(threads(&load(&[])), [(None, Work::Compute), (None, Work::Calls)]);
    }

    #[test]
    fn all_of_them_work_until_they_are_stopped() {
        let stop = Stop::new().unwrap();
        std::thread::scope(|scope| {
            let running: Vec<_> = Work::ALL
                .into_iter()
                .map(|kind| {
                    let stop = &stop;
                    scope.spawn(move || work(None, kind, stop))
                })
                .collect();
            stop.raise();
            for (thread, kind) in running.into_iter().zip(Work::ALL) {
                let done = thread.join().unwrap().unwrap();
                assert!(done.turns >= 1 && done.work == kind, "{done:?}");
            }
        });
    }
}
