//! The timestamper of a run: started before the traffic, stopped after it, and its files compared once the run is taken back.

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, anyhow};
use tailbed_format::capture::{Capture, CaptureSummary, Captured, Through};
use tailbed_format::capture::{TapCount, TapSummary};
use tailbed_format::message::{Command, Reply};
use tailbed_format::order::Order;
use tailbed_format::results;
use tailbed_plan::plan::{Run, TIMESTAMPER, ThroughPlan};
use tailbed_stats::analysis::{Analysis, Options};
use tailbed_stats::counter::Counter;
use tailbed_stats::interval::distribution;

use super::answers::{agent, expect_reply};
use super::programs::Programs;
use crate::analyze::Known;
use crate::apply::{Broken, Host};

fn order(run: &Run) -> Option<&Capture> {
    run.agents.iter().find_map(|agent| match &agent.order {
        Order::Capture(capture) => Some(capture),
        _ => None,
    })
}

/// Makes the folder of the files below that of the run, and says in the order where it is.
pub(super) fn give_place(run: &mut Run, folder: &Path) -> anyhow::Result<()> {
    let capture = run.agents.iter_mut().find_map(|agent| match &mut agent.order {
        Order::Capture(capture) => Some(capture),
        _ => None,
    });
    let Some(capture) = capture else { return Ok(()) };
    let folder = folder.join(results::CAPTURE);
    fs::create_dir(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let whole = folder.canonicalize().with_context(|| format!("cannot find the folder {}", folder.display()))?;
    let whole = whole.to_str().with_context(|| format!("the name of the folder {} is not UTF-8", whole.display()))?;
    whole.clone_into(&mut capture.folder);
    Ok(())
}

/// Its taps are open since it was prepared; from now on it empties its rings.
pub(super) fn start(run: &Run, host: &mut Host) -> anyhow::Result<()> {
    if order(run).is_some() { agent(host, TIMESTAMPER)?.send(&Command::Start) } else { Ok(()) }
}

/// Has it write what it has not written yet; gives what it counted.
pub(super) fn stop(
    run: &Run,
    host: &mut Host,
    programs: &mut Programs<'_>,
    interrupted: &AtomicBool,
) -> Result<Option<Captured>, Broken> {
    if order(run).is_none() {
        return Ok(None);
    }
    agent(host, TIMESTAMPER)?.send(&Command::Stop)?;
    match expect_reply(host, TIMESTAMPER, programs, interrupted)? {
        Reply::Captured(captured) => Ok(Some(captured)),
        Reply::Failed(error) => Err(anyhow!("{TIMESTAMPER}: {error}").into()),
        other => Err(anyhow!("the timestamper stopped with {other:?}").into()),
    }
}

/// What the files in a run's folder amount to, with the distributions in full.
pub(super) fn summarise(run: &Run, captured: &Captured, folder: &Path) -> anyhow::Result<(CaptureSummary, Vec<Counter>)> {
    let order = order(run).context("there is a capture and no order for it")?;
    let tap = |(tap, count): (&tailbed_format::capture::Tap, &TapCount)| TapSummary {
        file: file(&tap.name),
        from: tap.from.clone(),
        to: tap.to.clone(),
        count: *count,
    };
    let taps: Vec<_> = order.taps.iter().zip(&captured.taps).map(tap).collect();
    let complete = |name: &str| taps.iter().any(|tap| tap.file == file(name) && tap.count.is_complete());
    let (mut through, mut counters) = (Vec::new(), Vec::new());
    for part in &run.through {
        let trim = run.trim;
        let analysis = compare(folder, &file(&part.before), &file(&part.behind), trim)?;
        through.push(row(part, trim, &analysis, complete(&part.before) && complete(&part.behind)));
        counters.push(analysis.latency);
    }
    let Captured { reading, shift, ref card, .. } = *captured;
    Ok((CaptureSummary { stamps: order.stamps, reading, shift, card: card.clone(), taps, through }, counters))
}

/// The distributions behind the summary of a run that an earlier session made.
pub(crate) fn read_again(summary: &CaptureSummary, folder: &Path) -> anyhow::Result<Vec<Counter>> {
    let again = |part: &Through| Ok(compare(folder, &part.before, &part.behind, part.trim)?.latency);
    summary.through.iter().map(again).collect()
}

fn file(tap: &str) -> String {
    format!("{}/{tap}.pcapng", results::CAPTURE)
}

/// As `tailbed analyze --key identifier --trim …` does it.
fn compare(folder: &Path, before: &str, behind: &str, trim: u64) -> anyhow::Result<Analysis> {
    let known = Known::Identifier;
    let options = Options { key: known.printed(), trim: Some(trim), ..Options::default() };
    let analysis = crate::analyze::compare_files(&folder.join(before), &folder.join(behind), &known, &options);
    analysis.map_err(|error| anyhow!("{error}"))
}

fn row(part: &ThroughPlan, trim: u64, analysis: &Analysis, complete: bool) -> Through {
    let keyed = |traffic: &tailbed_stats::analysis::Traffic| traffic.packets - traffic.unkeyed;
    Through {
        nodes: part.nodes.clone(),
        before: file(&part.before),
        behind: file(&part.behind),
        trim,
        entered: keyed(&analysis.pre),
        left: keyed(&analysis.post),
        lost: analysis.lost,
        duplicates: analysis.duplicates,
        reordered: analysis.reordered,
        ambiguous: analysis.ambiguous + analysis.ambiguous_post,
        unmatched: analysis.unmatched_post,
        latency: distribution(&analysis.latency),
        complete,
    }
}
