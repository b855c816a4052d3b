//! All runs of a campaign, one after the other; invalid ones again.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::Context;
use tailbed_format::facts::Facts;
use tailbed_format::order::{Measure, Order};
use tailbed_format::summary::RunSummary;
use tailbed_plan::plan::{GENERATOR, Plan, Run};
use tailbed_stats::flow;
use tailbed_stats::run::{Attempt, Recorded, SummarisedRun, failed_run, summarise_run};
use tailbed_stats::slo;
use tailbed_stats::stream;

use super::attempt::attempt;
use super::explain::explain;
use super::proof::loops;
use super::{Inputs, now, programs, record, timestamper};
use crate::apply::{Broken, NotHeld};
use crate::failure::{Failure, Refusal};
use crate::results::{CampaignFolder, sums};
use crate::show::progress::{Progress, RunEnd};

/// Makes every run until it is valid or its attempts are used up; attempts that an earlier session finished are not made again. What comes
/// of them is in their folders.
pub(super) fn carry_out(
    plan: &Plan,
    inputs: &Inputs,
    facts: &Facts,
    folder: &CampaignFolder,
    interrupted: &AtomicBool,
    progress: &mut Progress,
) -> Result<(), Failure> {
    let expected = |run: &Run| Duration::from_nanos(run.expected);
    let mut repetitions = plan.most_repetitions();
    // said already, before the first run
    let mut said: BTreeSet<String> = plan.notes.iter().cloned().collect();
    for (number, run) in plan.runs.iter().enumerate() {
        progress.begin(number, &run.name);
        let mut last = None;
        for attempt in 0..plan.attempts.max(1) {
            let again = attempt + 1 < plan.attempts && repetitions > 0;
            let summary: &RunSummary = last.insert(match folder.finished_attempt(&run.name, attempt) {
                Some(earlier) => earlier,
                None => match make(&Campaign { plan, inputs, facts, folder, interrupted, progress }, number, attempt) {
                    Ok(made) => made,
                    Err(Broken::Failed(error)) if again && !error.is::<Refusal>() && !error.is::<NotHeld>() => {
                        failed(plan, run, attempt, folder, &error)?
                    }
                    Err(broken) => return Err(explain(broken, progress, folder, run)),
                },
            });
            for downgrade in summary.downgrades.iter().filter(|downgrade| said.insert((*downgrade).clone())) {
                progress.note(downgrade);
            }
            if summary.is_valid() {
                break;
            }
            let reasons: Vec<_> = summary.invalid.iter().map(ToString::to_string).collect();
            let then = if again { "it is repeated" } else { "it is given up" };
            progress.does_not_count(&summary.run, &format!("{}; {then}", reasons.join("; ")));
            if !again {
                break;
            }
            repetitions -= 1;
            progress.extend(expected(run));
        }
        if let Some(summary) = last {
            let ended = RunEnd { folder: &summary.run, counts: summary.is_valid(), line: &one_line(&summary) };
            progress.end(number, expected(run), &ended);
        }
    }
    progress.finish();
    Ok(())
}

/// A run in one line.
pub(crate) fn one_line(summary: &RunSummary) -> String {
    let median = summary.latency.percentiles.first().and_then(|row| row.estimate.value());
    let time = |ns: Option<u64>| ns.map_or_else(|| "none".to_owned(), tailbed_stats::plot::number::time);
    let validity = if summary.is_valid() { "" } else { " (does not count)" };
    format!("{}: median {}, maximum {}{validity}", summary.run, time(median), time(summary.latency.maximum))
}

/// What all attempts have in common.
struct Campaign<'a> {
    plan: &'a Plan,
    inputs: &'a Inputs,
    facts: &'a Facts,
    folder: &'a CampaignFolder,
    interrupted: &'a AtomicBool,
    progress: &'a Progress,
}

fn make(campaign: &Campaign<'_>, place: usize, number: u32) -> Result<RunSummary, Broken> {
    let Campaign { plan, inputs, facts, folder, interrupted, progress } = *campaign;
    let run = plan.runs.get(place).context("the plan holds fewer runs than are made")?;
    let order = measure_order(run)?;
    progress.attempt(place, number);
    let path = folder.begin_attempt(&run.name, number)?;
    let began = now();
    record::before(&path, run, facts)?;
    let mut filled = inputs.tables.fill_in(run);
    timestamper::give_place(&mut filled, &path)?;
    let collected = attempt(&filled, inputs, &plan.token, &path, interrupted, progress)?;
    let attempt = identify(plan, run, number, &path, began)?;
    let streams = order.flows_by_stream();
    let downgrades = [run.cores.shared.as_slice(), &collected.granted.downgrades].concat();
    let recorded = Recorded {
        departures: &collected.generated.departures,
        arrivals: &collected.generated.arrivals,
        measured: &collected.generated.measured,
        scheduled: order.packets(),
        duration: order.schedule.duration,
        streams: &streams,
        forwarders: &collected.forwarders.forwarders,
        downgrades: &downgrades,
    };
    let mut summarised = summarise_run(attempt, &recorded, &run.limits);
    summarised.counters.slos = slo::observe(&summarised.records, &streams, &plan.slos);
    summarised.summary.programs = programs::recorded(&path);
    summarised.summary.ports = collected.granted.ports;
    summarised.summary.knobs = Some(collected.knobs).filter(|knobs| !knobs.profile.is_empty());
    if let Some(captured) = &collected.captured {
        let (capture, through) = timestamper::summarise(run, captured, &path)?;
        summarised.summary.capture = Some(capture);
        summarised.counters.through = through;
    }
    if let Some(watched) = &collected.watched {
        let measured = &collected.generated.measured;
        let loops = loops(measured.account, &collected.forwarders.accounts);
        let proof = watched.prove(&loops, measured.clock.origin_monotonic, order.schedule.duration, &path)?;
        summarised.summary.proof = Some(proof);
    }
    let length = inputs.captures.lengths(order);
    let flows = flow::summaries(&summarised.records, &summarised.flows);
    summarised.summary.flows = flow::table(&flows);
    summarised.summary.volume = Some(flow::volume(&summarised.records, &length, order.schedule.duration));
    let SummarisedRun { summary, records, .. } = &mut summarised;
    stream::count_bytes(&mut summary.streams, records, &streams, &length, order.schedule.duration);
    record::after(&path, &summarised, &flows, order, &length)?;
    Ok(summarised.summary)
}

/// An attempt that a step or an agent has failed: it is written down like any other that does not count.
fn failed(plan: &Plan, run: &Run, number: u32, folder: &CampaignFolder, error: &anyhow::Error) -> anyhow::Result<RunSummary> {
    let path = folder.attempt(&run.name, number);
    let mut summary = failed_run(identify(plan, run, number, &path, now())?, format!("{error:#}"), Vec::new());
    summary.programs = programs::recorded(&path);
    sums::seal(&path, &summary)?;
    Ok(summary)
}

fn identify(plan: &Plan, run: &Run, number: u32, path: &Path, began: u64) -> anyhow::Result<Attempt> {
    let cell = plan.cells.get(run.cell).context("the plan names a cell that it does not hold")?;
    Ok(Attempt {
        run: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        kind: cell.kind,
        cell: run.cell,
        repeat: run.repeat,
        attempt: number,
        began,
        parameters: cell.parameters.clone(),
    })
}

fn measure_order(run: &Run) -> anyhow::Result<&Measure> {
    let order = run.agents.iter().find(|agent| agent.node == GENERATOR).map(|agent| &agent.order);
    match order {
        Some(Order::Measure(measure)) => Ok(measure),
        _ => anyhow::bail!("the plan of {} gives the generator nothing to measure", run.name),
    }
}
