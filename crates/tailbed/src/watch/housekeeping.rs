//! Whoever watches stays out of the way.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use tailbed_format::progress::CampaignProgress;

/// The least pressing of all (setpriority(2)): whatever else has work on a core goes first.
const NICE: i32 = 19;

/// A process that steps back.
pub(super) struct Modest {
    /// Where it might run at first; `None` where that cannot be told.
    allowed: Option<CpuSet>,
}

impl Modest {
    /// Lets everything else go first. Where that is refused nothing is lost but a little politeness.
    pub(super) fn new() -> Self {
        rustix::process::setpriority_process(None, NICE).ok();
        Self { allowed: sched_getaffinity(None).ok() }
    }

    /// Stays on the cores of the present run that are not for packets, as far as this process might run there at all; with none among them it
    /// stays where it is, as on another machine that only sees the folder.
    pub(super) fn keep_house(&self, progress: &CampaignProgress) {
        let present = progress.stage.attempt().map_or(0, |attempt| attempt.run);
        let run = progress.runs.get(present);
        let wanted = self.allowed.zip(run).and_then(|(allowed, run)| wanted(&allowed, &run.housekeeping));
        let news = |wanted: &CpuSet| sched_getaffinity(None).is_ok_and(|now| now != *wanted);
        if let Some(wanted) = wanted.filter(news) {
            // one that is refused is left where it may be
            sched_setaffinity(None, &wanted).ok();
        }
    }
}

/// Those of the cores that are among the allowed; `None` where none is.
fn wanted(allowed: &CpuSet, cores: &[usize]) -> Option<CpuSet> {
    let mut set = CpuSet::new();
    cores.iter().filter(|core| **core < CpuSet::MAX_CPU && allowed.is_set(**core)).for_each(|core| set.set(*core));
    (set.count() > 0).then_some(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(cores: &[usize]) -> CpuSet {
        let mut set = CpuSet::new();
        for core in cores {
            set.set(*core);
        }
        set
    }

    #[test]
    fn only_cores_that_are_allowed_are_kept_to() {
        assert_eq!(wanted(&set(&[0, 1, 2]), &[0, 2, 7]), Some(set(&[0, 2])));
        assert_eq!(wanted(&set(&[0, 1]), &[5]), None);
        assert_eq!(wanted(&set(&[0, 1]), &[]), None);
        assert_eq!(wanted(&set(&[0]), &[usize::MAX, 0]), Some(set(&[0])));
    }
}
