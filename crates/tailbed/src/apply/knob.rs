//! Steps that set knobs, each sent to its file.

use std::os::fd::OwnedFd;

use anyhow::{Context, anyhow};
use tailbed_plan::step::Step;

use super::affinity::Affinity;
use super::priority::Scheduled;
use super::{
    Agent, Before, Host, Made, TakenBack, affinity, cgroup, ethtool, kernel_thread, latency, priority, setting, unplug, untrack,
};

/// What a step is about to replace.
pub(super) fn before(step: &Step) -> anyhow::Result<Before> {
    match step {
        // what may stay may be gone as well
        Step::WriteSetting(setting) if setting.may_stay => Ok(setting::read(setting).map_or(Before::Nothing, Before::Value)),
        Step::WriteSetting(setting) => Ok(Before::Value(setting::read(setting)?)),
        Step::MoveThread(moved) => Ok(Before::Threads(kernel_thread::before(&moved.thread)?)),
        Step::PrioritizeThread(given) => Ok(Before::Priorities(priority::before(&given.thread)?)),
        Step::UnplugCpu(unplug) => Ok(Before::Cpu(unplug::before(unplug)?)),
        Step::ConfineGroup(limit) => Ok(Before::Value(cgroup::limited(limit))),
        Step::TuneInterface(tuning) => Ok(ethtool::before(tuning).map_or(Before::Nothing, Before::Value)),
        _ => Ok(Before::Nothing),
    }
}

impl Host {
    /// The socket that the table of nftables in a namespace belongs to.
    pub(super) fn untracked(&self, namespace: Option<&String>) -> Option<&OwnedFd> {
        self.untracked.get(&namespace.cloned())
    }

    /// Whether this host lets a knob be set, as far as looking tells; nothing is touched.
    pub(crate) fn check_knob(step: &Step) -> anyhow::Result<()> {
        match step {
            Step::WriteSetting(setting) => setting::check(setting),
            Step::UnplugCpu(unplug) => unplug::check(unplug),
            _ => Ok(()),
        }
    }

    /// Sets a knob.
    pub(super) fn set(&mut self, step: &Step) -> anyhow::Result<Made> {
        match step {
            Step::WriteSetting(setting) => setting::write(setting),
            Step::MoveThread(moved) => {
                kernel_thread::give(&moved.thread, &moved.knob, &Affinity::asked(moved)?).map(|()| Made::Setting)
            }
            Step::PrioritizeThread(given) => {
                kernel_thread::give(&given.thread, &given.knob, &Scheduled::asked(given)).map(|()| Made::Setting)
            }
            Step::Untrack(untrack) => {
                self.untracked.insert(untrack.namespace.clone(), untrack::hold(untrack)?);
                Ok(Made::Held)
            }
            Step::TuneInterface(tuning) => ethtool::tune(tuning).map(|()| Made::Setting),
            Step::HoldLatency { microseconds, knob } => {
                self.latency = Some(latency::hold(knob, *microseconds)?);
                Ok(Made::Held)
            }
            Step::UnplugCpu(unplug) => unplug::unplug(unplug).map(|()| Made::Setting),
            Step::JoinCgroup { node, path } => {
                self.groups.insert(node.clone(), path.clone());
                Ok(Made::Held)
            }
            Step::ConfineGroup(limit) => cgroup::confine(limit).map(|switched| Made::Confined { switched }),
            Step::ConfineInside { node, cpus, knob } => {
                let init = self.agents.get(node).and_then(Agent::init).with_context(|| format!("{node} has no first process"))?;
                affinity::confine_inside(knob, node, init.pid, cpus).map(|()| Made::Held)
            }
            other => Err(anyhow!("{other:?} sets no knob")),
        }
    }

    /// Puts a knob back.
    pub(super) fn unset(&mut self, step: &Step, before: &Before, made: Option<&Made>) -> anyhow::Result<TakenBack> {
        match (step, before, made) {
            (Step::WriteSetting(_), _, Some(Made::Stayed { .. })) => Ok(TakenBack::Done),
            (Step::WriteSetting(setting), Before::Value(before), _) => setting::put_back(setting, before),
            (Step::MoveThread(moved), Before::Threads(before), _) => {
                kernel_thread::put_back(&moved.thread, &Affinity::asked(moved)?, before)
            }
            (Step::PrioritizeThread(given), Before::Priorities(before), _) => {
                kernel_thread::put_back(&given.thread, &Scheduled::asked(given), before)
            }
            (Step::UnplugCpu(unplug), Before::Cpu(before), _) => unplug::put_back(unplug, before),
            (Step::ConfineGroup(limit), Before::Value(before), made) => {
                cgroup::release(limit, before, matches!(made, Some(Made::Confined { switched: true })))
            }
            (Step::TuneInterface(tuning), Before::Value(before), _) => ethtool::put_back(tuning, before),
            (Step::Untrack(untrack), ..) => {
                self.untracked.remove(&untrack.namespace);
                Ok(TakenBack::Done)
            }
            (Step::HoldLatency { .. }, ..) => {
                self.latency = None;
                Ok(TakenBack::Done)
            }
            (Step::JoinCgroup { node, .. }, ..) => {
                self.groups.remove(node);
                Ok(TakenBack::Done)
            }
            // nothing was written, or what was confined in a node has ended with it
            (
                Step::WriteSetting(_)
                | Step::MoveThread(_)
                | Step::PrioritizeThread(_)
                | Step::UnplugCpu(_)
                | Step::ConfineGroup(_)
                | Step::TuneInterface(_)
                | Step::ConfineInside { .. },
                ..,
            ) => Ok(TakenBack::Done),
            (other, ..) => Err(anyhow!("{other:?} sets no knob")),
        }
    }
}
