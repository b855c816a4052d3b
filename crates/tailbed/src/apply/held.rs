//! What the kernel says of the knobs that were set, while they are to hold.

use anyhow::bail;
use tailbed_format::knob::{KnobReading, KnobRecord, Knobs};
use tailbed_plan::check::cpus::parse_list;
use tailbed_plan::knob::ProfilePlan;
use tailbed_plan::step::{Form, Step};

use super::affinity::Affinity;
use super::priority::Scheduled;
use super::sequence::Done;
use super::{Before, Host, Made, cgroup, ethtool, kernel_thread, latency, setting, unplug, untrack};

/// What one thing says.
struct Said<'a> {
    knob: &'a str,
    what: String,
    before: String,
    wanted: String,
    read: String,
    holds: bool,
}

/// Reads every knob again, when the work of a run is done and nothing has been taken back yet.
///
/// # Errors
/// One says something else than it was given: somebody else has changed it, and the run is not what it is called.
pub(crate) fn held(plan: &ProfilePlan, done: &[Done<'_>], host: &Host) -> anyhow::Result<Knobs> {
    let mut said = Vec::new();
    let mut stayed: Vec<(&str, String)> = Vec::new();
    for Done { step, before, made, .. } in done {
        if let (Step::WriteSetting(setting), Made::Stayed { reason }) = (step, made) {
            stayed.push((&setting.knob, reason.clone()));
            continue;
        }
        said.extend(read(step, before, host)?);
    }
    if let Some(Said { knob, what, wanted, read, .. }) = said.iter().find(|said| !said.holds) {
        bail!(
            "the knob `{knob}` has not held: {what} was given {wanted} and says {read} by now, so somebody else has changed it"
        );
    }
    let record = |asked: &tailbed_plan::knob::KnobPlan| KnobRecord {
        knob: asked.knob.clone(),
        wanted: asked.wanted.clone(),
        readings: together(said.iter().filter(|said| said.knob == asked.knob)),
        left: asked.left.clone(),
        remarks: asked
            .remarks
            .iter()
            .cloned()
            .chain(stayed.iter().filter(|(knob, _)| *knob == asked.knob).map(|(_, why)| why.clone()))
            .collect(),
    };
    Ok(Knobs { profile: plan.profile.clone(), knobs: plan.knobs.iter().map(record).collect() })
}

/// What is to be read of a step; nothing of one that no knob asks for.
fn read<'a>(step: &'a Step, before: &Before, host: &Host) -> anyhow::Result<Vec<Said<'a>>> {
    let found = match before {
        Before::Value(value) => value.clone(),
        Before::Threads(threads) => kernel_thread::found(threads),
        Before::Priorities(threads) => kernel_thread::found(threads),
        Before::Cpu(cpu) => cpu.online.clone(),
        Before::Nothing => String::new(),
    };
    let said = |knob: &'a str, what: String, wanted: &str, read: String, form: Form| Said {
        knob,
        what,
        before: found.clone(),
        wanted: wanted.to_owned(),
        holds: form.same(wanted, &read),
        read,
    };
    Ok(match step {
        Step::WriteSetting(setting) => {
            vec![said(&setting.knob, setting.path.clone(), &setting.value, setting::read(setting)?, setting.form)]
        }
        Step::MoveThread(moved) => {
            let now = kernel_thread::now::<Affinity>(&moved.thread)?;
            let one = |now: String| said(&moved.knob, moved.thread.clone(), &moved.cpus, now, Form::List);
            now.into_iter().map(one).collect()
        }
        Step::PrioritizeThread(given) => {
            let wanted = Scheduled::asked(given).to_string();
            let now = kernel_thread::now::<Scheduled>(&given.thread)?;
            let one = |now: String| said(&given.knob, given.thread.clone(), &wanted, now, Form::Text);
            now.into_iter().map(one).collect()
        }
        Step::Untrack(asked) => {
            let socket = host.untracked(asked.namespace.as_ref());
            let there = socket.is_some_and(|socket| untrack::exists(socket, &asked.table).is_ok());
            let now = if there { "notrack" } else { "" };
            vec![said(&asked.knob, untrack::what(asked), "notrack", now.to_owned(), Form::Text)]
        }
        Step::TuneInterface(tuning) => {
            let now = ethtool::read(tuning)?;
            let holds = ethtool::holds(tuning, &now);
            let what = tuning.interface.clone();
            vec![Said { holds, ..said(&tuning.knob, what, &tuning.wanted(), now, Form::Text) }]
        }
        Step::HoldLatency { microseconds, knob } => {
            let now = latency::read()?;
            let holds = i64::from(now) <= i64::from(*microseconds);
            let wanted = microseconds.to_string();
            vec![Said { holds, ..said(knob, latency::FILE.to_owned(), &wanted, now.to_string(), Form::Text) }]
        }
        Step::UnplugCpu(asked) => {
            let (wanted, now) = unplug::held(asked)?;
            vec![said(&asked.knob, asked.path(), wanted, now, Form::Text)]
        }
        Step::MakeCgroup(spec) => match &spec.exclusive {
            None => Vec::new(),
            Some(exclusive) => {
                let files = cgroup::held(spec, exclusive)?.into_iter();
                files.map(|(path, wanted, now)| said(&exclusive.knob, path, &wanted, now, Form::List)).collect()
            }
        },
        Step::ConfineGroup(limit) => {
            let now = cgroup::effective_of(limit)?;
            let holds = parse_list(&now).zip(parse_list(&limit.cpus)).is_some_and(|(now, wanted)| now.is_subset(&wanted));
            vec![Said { holds, ..said(&limit.knob, limit.effective(), &limit.cpus, now, Form::List) }]
        }
        _ => Vec::new(),
    })
}

/// What says the same stands together.
fn together<'a>(all: impl Iterator<Item = &'a Said<'a>>) -> Vec<KnobReading> {
    let mut readings: Vec<KnobReading> = Vec::new();
    for Said { what, before, wanted, read, .. } in all {
        let same = |reading: &&mut KnobReading| (&reading.before, &reading.given, &reading.read) == (before, wanted, read);
        match readings.iter_mut().find(same) {
            Some(reading) => reading.count += 1,
            None => readings.push(KnobReading {
                first: what.clone(),
                count: 1,
                before: before.clone(),
                given: wanted.clone(),
                read: read.clone(),
            }),
        }
    }
    readings
}
