//! What the host did: whether the packet cores were quiet, who was not, and how that is known.

mod rows;

use maud::{Markup, html};
use tailbed_format::noise::NoiseRun;
use tailbed_format::proof::{CoreProof, Proof, TaskSource};
use tailbed_format::summary::{CampaignSummary, RunSummary};
use tailbed_format::throughput::SearchRun;

use super::cells::{Cell, label_of};
use super::figures::{Captioned, of_kind};
use super::page;
use crate::plot::host::rounded;
use crate::plot::number;
use crate::plot::theme::Style;
use crate::proof::gathered::{Unquiet, unquiet};

pub(super) use rows::figure;

const BELONGS: &str =
    "On a packet core nothing belongs but the packet loop, the timer’s tick and the softirqs that carry the packets. ";

const BELONGS_TO_TESTS: &str = "On a core that is tested nothing belongs but the test, the timer’s tick and its softirqs. ";

/// So many culprits of a core are named; the others are in the table of its run.
const NAMED: usize = 5;

/// Nothing where the host was watched in no run.
pub(super) fn section(summary: &CampaignSummary, cells: &[Cell<'_>], figures: &[Captioned]) -> Markup {
    let valid = || summary.runs.iter().filter(|run| run.is_valid());
    let most_read = valid().filter_map(|run| run.proof.as_ref()).max_by_key(|proof| proof.readings);
    let Some(most_read) = most_read else { return html! {} };
    let loud = unquiet(valid().filter_map(|run| Some((run.cell, run.proof.as_ref()?))));
    page::section_by(
        "host",
        "What the host did",
        "host",
        &html! {
            p { (BELONGS) (how(most_read, "the traffic")) }
            (verdict(&loud, "packet cores", |cell| label_of(cells, cell).to_owned()))
            (page::scrolling("Packet cores over the valid runs: what is said a second is the mean, the rest the sum", &table(cells)))
            @for captioned in of_kind(figures, "host") { (page::figure(captioned)) }
            details {
                summary { "Packet cores, run by run" }
                (page::scrolling("Each packet core of each attempt", &by_run(&summary.runs, cells)))
                (page::scrolling("Packet loops, as their own kernels counted them", &loops(&summary.runs, cells)))
            }
        },
    )
}

/// How it is known what happened while there was `work`.
fn how(proof: &Proof, work: &str) -> String {
    let tasks = match &proof.tasks {
        TaskSource::Switches { lost: 0 } => "Tasks are known from the kernel’s record of every change of task".to_owned(),
        TaskSource::Switches { lost } => {
            format!("Tasks are known from the kernel’s record of changes of task, of which {} were lost", number::count(*lost))
        }
        TaskSource::Scan { reason } => {
            let why = reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"));
            format!("Tasks are known from how long each had run before and after, by the core it was last seen on{why}")
        }
    };
    let readings = match (proof.readings, &proof.withheld) {
        (0, Some(why)) => format!("counters were read before and after {work} alone: {why}"),
        (0, None) => format!("counters were read before and after {work} alone"),
        (readings, _) => {
            let share = number::share(proof.reader_ran, proof.span);
            format!(
                "counters were also read up to {readings} times a run meanwhile, which took the core that keeps the house {share} of the time"
            )
        }
    };
    format!("{tasks}; {readings}.")
}

/// Which of the cores were not quiet, and who was to blame; `label` names a cell.
fn verdict(loud: &[Unquiet], cores: &str, label: impl Fn(usize) -> String) -> Markup {
    html! {
        @if loud.is_empty() { p { strong.claim { "All " (cores) " were quiet" } " in all runs that count." } }
        @else {
            p { strong.no { "Not quiet" } ", by configuration and core, with what did not belong there:" }
            ul { @for unquiet in loud { li { (culprits(unquiet, &label(unquiet.cell))) } } }
        }
    }
}

/// The same of searches: over all their trials, and what lies between them. Nothing where the host was watched in none.
pub(super) fn of_searches(runs: &[SearchRun], label: impl Fn(usize) -> String) -> Markup {
    let watched = || runs.iter().filter_map(|run| Some((run.cell, run.proof.as_ref()?)));
    let Some((_, first)) = watched().next() else { return html! {} };
    let said = verdict(&unquiet(watched()), "packet cores", label);
    page::section("host", "What the host did", &html! { p { (BELONGS) (how(first, "the traffic")) } (said) })
}

/// The same of cores that were tested, in runs that count. Nothing where they were watched in none.
pub(super) fn of_tests(runs: &[NoiseRun], label: impl Fn(usize) -> String) -> Markup {
    let valid = || runs.iter().filter(|run| run.is_valid());
    let watched = || valid().filter_map(|run| Some((run.cell, run.proof.as_ref()?)));
    let Some((_, first)) = watched().next() else { return html! {} };
    let said = verdict(&unquiet(watched()), "cores that were tested", label);
    page::section("host", "What the host did", &html! { p { (BELONGS_TO_TESTS) (how(first, "the tests")) } (said) })
}

fn culprits(unquiet: &Unquiet, label: &str) -> Markup {
    let Unquiet { core, runs, of, culprits, .. } = unquiet;
    let named: Vec<_> = culprits.iter().take(NAMED).map(ToString::to_string).collect();
    let more = culprits.len().saturating_sub(NAMED);
    html! {
        strong { (label) } ", core " (core.cpu) " (" (core.nodes.join(", ")) "), in " (runs) " of " (of) " runs: "
        (named.join("; ")) @if more > 0 { "; and " (more) " more" }
    }
}

/// A count over the time it came in, a second.
fn per_second(count: u64, span: u64) -> String {
    if count == 0 || span == 0 { "0".to_owned() } else { number::plain(rounded(count as f64 * 1e9 / span as f64)) }
}

/// The sum over several runs of a core's figure; `None` where no run has it.
fn sum<'a>(cores: impl Iterator<Item = &'a CoreProof>, of: impl Fn(&CoreProof) -> Option<u64>) -> Option<u64> {
    cores.filter_map(of).reduce(u64::saturating_add)
}

fn interrupts(core: &CoreProof, expected: bool) -> u64 {
    core.interrupts.iter().filter(|interrupt| interrupt.expected == expected).map(|interrupt| interrupt.count).sum()
}

fn foreign(core: &CoreProof) -> u64 {
    core.tasks.iter().filter(|task| !task.expected).map(|task| task.ran).sum()
}

fn or_dash(value: Option<String>) -> String {
    value.unwrap_or_else(|| "–".to_owned())
}

/// The figures of a core over the runs that they are of.
fn columns(cores: &[&CoreProof], span: u64, counted: u64) -> Markup {
    let all = || cores.iter().copied();
    let softirqs = |core: &CoreProof| Some(core.softirqs.iter().map(|softirq| softirq.count).sum());
    let frequency =
        all().filter_map(|core| core.frequency).reduce(|(least, greatest), (low, high)| (least.min(low), greatest.max(high)));
    let frequency = frequency.map(|(least, greatest)| format!("{}–{} MHz", least / 1_000, greatest / 1_000));
    html! {
        td { (per_second(sum(all(), |core| Some(interrupts(core, true))).unwrap_or_default(), span)) }
        td { (per_second(sum(all(), |core| Some(interrupts(core, false))).unwrap_or_default(), span)) }
        td { (per_second(sum(all(), softirqs).unwrap_or_default(), span)) }
        td { (or_dash(sum(all(), |core| core.switches).map(|switches| per_second(switches, counted)))) }
        td { (or_dash(sum(all(), |core| core.preemptions).map(number::count))) }
        td { (number::time(sum(all(), |core| Some(foreign(core))).unwrap_or_default())) }
        td { (or_dash(sum(all(), |core| core.steal).map(number::time))) }
        td { (or_dash(sum(all(), |core| core.hot).map(number::count))) }
        td { (or_dash(frequency)) }
    }
}

fn titles() -> Markup {
    html! {
        th scope="col" { "Ticks" span.under { "a second" } }
        th scope="col" { "Other interrupts" span.under { "a second" } }
        th scope="col" { "Softirqs" span.under { "a second" } }
        th scope="col" { "Turns of tasks" span.under { "a second" } }
        th scope="col" { "Preemptions" }
        th scope="col" { "Foreign tasks ran" }
        th scope="col" { "Steal" }
        th scope="col" { "Slowed by heat" }
        th scope="col" { "Clock" }
    }
}

fn table(cells: &[Cell<'_>]) -> Markup {
    html! {
        thead { tr {
            th scope="col" { "Configuration" }
            th.word scope="col" { "Core" }
            th scope="col" { "Quiet runs" }
            (titles())
        } }
        tbody { @for cell in cells { @for (cpu, nodes) in cores_of(cell) { (row(cell, cpu, &nodes)) } } }
    }
}

/// The packet cores of a cell with their nodes.
fn cores_of(cell: &Cell<'_>) -> Vec<(usize, String)> {
    let proof = cell.runs.iter().find_map(|run| run.proof.as_ref());
    let cores = proof.into_iter().flat_map(|proof| &proof.cores);
    cores.map(|core| (core.core.cpu, core.core.nodes.join(", "))).collect()
}

fn row(cell: &Cell<'_>, cpu: usize, nodes: &str) -> Markup {
    let proofs: Vec<&Proof> = cell.runs.iter().filter_map(|run| run.proof.as_ref()).collect();
    let cores: Vec<_> = proofs.iter().flat_map(|proof| &proof.cores).filter(|core| core.core.cpu == cpu).collect();
    let quiet = cores.iter().filter(|core| core.is_quiet()).count();
    let (span, counted) = (proofs.iter().map(|proof| proof.span).sum(), proofs.iter().map(|proof| proof.counted).sum());
    html! { tr.floor-row[cell.style == Style::Floor] data-cell=(cell.summary.cell) {
        th scope="row" { (page::swatch(cell.style)) (cell.label) }
        td.word { (cpu) span.under { (nodes) } }
        td { (quiet) " of " (cores.len()) }
        (columns(&cores, span, counted))
    } }
}

fn by_run(runs: &[RunSummary], cells: &[Cell<'_>]) -> Markup {
    let proven = runs.iter().filter_map(|run| Some((run, run.proof.as_ref()?)));
    html! {
        thead { tr {
            th.word scope="col" { "Run" }
            th.word scope="col" { "Configuration" }
            th.word scope="col" { "Core" }
            th.word scope="col" { "What did not belong there" }
            (titles())
        } }
        tbody { @for (run, proof) in proven { @for core in &proof.cores { tr data-cell=(run.cell) {
            th scope="row" { code { (run.run) } }
            td.word { (label_of(cells, run.cell)) }
            td.word { (core.core.cpu) span.under { (core.core.nodes.join(", ")) } }
            td.word {
                @if core.is_quiet() { "nothing" }
                @for culprit in core.culprits.iter().take(NAMED * 2) { span.under { (culprit) } }
                @if core.culprits.len() > NAMED * 2 { span.under { "and " (core.culprits.len() - NAMED * 2) " more, in summary.json" } }
            }
            (columns(&[core], proof.span, proof.counted))
        } } } }
    }
}

fn loops(runs: &[RunSummary], cells: &[Cell<'_>]) -> Markup {
    let proven = runs.iter().filter_map(|run| Some((run, run.proof.as_ref()?)));
    html! {
        thead { tr {
            th.word scope="col" { "Run" }
            th.word scope="col" { "Configuration" }
            th.word scope="col" { "Packet loop" }
            th scope="col" { "Slept" }
            th scope="col" { "Interrupted" }
            th scope="col" { "Page faults" }
            th scope="col" { "Moves" }
        } }
        tbody { @for (run, proof) in proven { @for one in &proof.loops { tr data-cell=(run.cell) {
            th scope="row" { code { (run.run) } }
            td.word { (label_of(cells, run.cell)) }
            td.word { (one.node) @if one.worker > 0 { ", worker " (one.worker + 1) } }
            td { (number::count(one.account.voluntary)) }
            td { (number::count(one.account.involuntary)) }
            td { (number::count(one.account.minor_faults.saturating_add(one.account.major_faults))) }
            td { (or_dash(one.account.migrations.map(number::count))) }
        } } } }
    }
}

#[cfg(test)]
pub(in crate::report) mod tests;
