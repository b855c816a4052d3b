//! The plan as a person reads it: what `tailbed plan` prints.

use std::collections::BTreeSet;
use std::fmt::Write;

use tailbed_format::facts::Facts;
use tailbed_format::order::{Scheduling, Wait};
use tailbed_format::summary::{Parameter, RunKind};

use crate::drawing::{self, draw};
use crate::plan::{Cell, GENERATOR, Instance, Plan, Run};
use crate::step::Step;

mod capture;
mod functions;
mod knobs;
mod links;
mod load;
mod noise;
mod ports;
mod programs;
mod search;
mod slo;

/// The question, every run in order with its parameters, the path in text, who runs on which core, notes, the time it should take;
/// with `steps` also every change to the host as shell lines, and how it is taken back.
pub fn describe(plan: &Plan, facts: &Facts, steps: bool) -> String {
    let mut text = String::new();
    heading(plan, &mut text);
    paths(plan, &mut text);
    links(plan, &mut text);
    loads(plan, &mut text);
    cores(plan, facts, &mut text);
    knobs(plan, &mut text);
    ports(plan, &mut text);
    functions(plan, &mut text);
    scripts(plan, &mut text);
    searches(plan, &mut text);
    captures(plan, &mut text);
    deadlines(plan, &mut text);
    noises(plan, &mut text);
    list("Notes", &plan.notes, &mut text);
    runs(plan, &mut text);
    if steps {
        changes(plan, facts, &mut text);
    }
    text
}

/// The steps of one run as shell lines, then what takes them back, last to first.
pub fn steps_text(run: &Run, facts: &Facts) -> String {
    let mut text = String::new();
    // of a life, the node and the one made out of it: the others that are counted are like the first
    let life = run.life.iter().flat_map(|life| [&life.original].into_iter().chain(&life.clone)).flat_map(Instance::steps);
    let steps: Vec<&Step> = run.steps.iter().chain(life).collect();
    for step in &steps {
        lines(&step.shell(&facts.cgroup), &mut text);
    }
    text += "\n# taken back\n";
    for step in steps.iter().rev() {
        lines(&step.undo().shell(&facts.cgroup), &mut text);
    }
    text
}

fn lines(lines: &[String], text: &mut String) {
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
}

fn heading(plan: &Plan, text: &mut String) {
    line(text, &plan.name);
    if let Some(question) = &plan.question {
        line(text, question);
    }
}

fn line(text: &mut String, line: &str) {
    text.push_str(line.trim_end());
    text.push('\n');
}

/// Each different path once, with the cells that have it.
fn paths(plan: &Plan, text: &mut String) {
    if plan.is_of_lives() || plan.is_of_noise() {
        return;
    }
    let different = different(plan, draw);
    for (drawing, cells) in &different {
        line(text, "");
        line(text, &format!("Path{}", of_cells(plan, cells)));
        for row in drawing {
            line(text, &format!("  {row}"));
        }
    }
}

/// Groups cells by something their runs have in common, in the order in which it first comes up.
fn different<T: PartialEq>(plan: &Plan, of: impl Fn(&Run) -> T) -> Vec<(T, Vec<usize>)> {
    let mut groups: Vec<(T, Vec<usize>)> = Vec::new();
    let mut first_runs: Vec<Option<&Run>> = vec![None; plan.cells.len()];
    for run in &plan.runs {
        first_runs[run.cell].get_or_insert(run);
    }
    for (cell, run) in first_runs.into_iter().enumerate() {
        let Some(run) = run else { continue };
        let what = of(run);
        match groups.iter_mut().find(|(other, _)| *other == what) {
            Some((_, cells)) => cells.push(cell),
            None => groups.push((what, vec![cell])),
        }
    }
    groups
}

/// " of the floor" or " with environment = host": what the cells have in common and no other has, else a few of them.
fn of_cells(plan: &Plan, cells: &[usize]) -> String {
    const MOST: usize = 4;
    let is_measured = |cell: usize| plan.cells[cell].kind == RunKind::Measurement;
    let measured = (0..plan.cells.len()).filter(|&cell| is_measured(cell)).count();
    if cells.iter().all(|&cell| !is_measured(cell)) {
        return of_floors(plan, cells);
    }
    // a floor goes with the measurements it is of
    let cells: Vec<usize> = cells.iter().copied().filter(|&cell| is_measured(cell)).collect();
    if cells.len() == measured {
        return String::new();
    }
    let common: Vec<Parameter> = cells.first().map_or(&[][..], |&first| &plan.cells[first].parameters).to_vec();
    let has = |cell: usize, parameter: &Parameter| plan.cells[cell].parameters.contains(parameter);
    let common: Vec<_> = common.into_iter().filter(|parameter| cells.iter().all(|&cell| has(cell, parameter))).collect();
    let mut others = (0..plan.cells.len()).filter(|cell| is_measured(*cell) && !cells.contains(cell));
    if others.all(|other| !common.iter().all(|parameter| has(other, parameter))) {
        return format!(" with {}", parameters(&common));
    }
    let mut names: Vec<_> = cells.iter().take(MOST).map(|&cell| parameters(&plan.cells[cell].parameters)).collect();
    if cells.len() > MOST {
        names.push(format!("{} more", cells.len() - MOST));
    }
    format!(" with {}", names.join("; "))
}

/// Floors of links of different kinds are different.
fn of_floors(plan: &Plan, cells: &[usize]) -> String {
    let floors = plan.cells.iter().filter(|cell| cell.kind == RunKind::Floor).count();
    let all = cells.iter().flat_map(|&cell| &plan.cells[cell].parameters);
    let links: BTreeSet<_> = all.filter(|parameter| parameter.key.starts_with("links.")).collect();
    let links: Vec<_> = links.into_iter().cloned().collect();
    if cells.len() == floors || links.is_empty() {
        return " of the floor".to_owned();
    }
    format!(" of the floor with {}", parameters(&links))
}

fn parameters(parameters: &[Parameter]) -> String {
    parameters.iter().map(|parameter| format!("{} = {}", parameter.key, parameter.value)).collect::<Vec<_>>().join(", ")
}

/// Who runs where, for each different placement.
fn cores(plan: &Plan, facts: &Facts, text: &mut String) {
    let simulated = plan.cells.iter().all(|cell| cell.simulated);
    if simulated || plan.is_of_lives() {
        return;
    }
    let cpus: Vec<_> = facts.cpus.iter().map(ToString::to_string).collect();
    line(text, "");
    line(text, &format!("Cores ({} of this host that we may use: {})", cpus.len(), cpus.join(",")));
    let mut table: Vec<[String; 3]> = Vec::new();
    for run in &plan.runs {
        let others = [("housekeeping".to_owned(), &run.cores.housekeeping)].into_iter();
        let others = others.chain(run.cores.services.iter().map(|(node, cpus)| (format!("services of {node}"), cpus)));
        let told = (!run.programs.is_empty()).then_some(("neighbours".to_owned(), &run.cores.neighbours));
        let others = others.chain(told).filter(|(_, cpus)| !cpus.is_empty());
        let others: Vec<_> =
            others.map(|(role, cpus)| [role, format!("cpu {}", drawing::numbers(cpus)), String::new()]).collect();
        let agents = run.agents.iter().map(|agent| {
            let scheduling = agent.scheduling();
            [role(&agent.node), drawing::cores(scheduling), manner(scheduling)]
        });
        for row in others.into_iter().chain(agents).chain(programs::cores(run)) {
            if !table.contains(&row) {
                table.push(row);
            }
        }
    }
    rows(&table, text);
}

/// What is asked of the host's knobs, for each different set of it.
fn knobs(plan: &Plan, text: &mut String) {
    for ((title, table), cells) in different(plan, |run| (knobs::title(run), knobs::table(run))) {
        if !table.is_empty() {
            line(text, "");
            line(text, &format!("{title}{}", of_cells(plan, &cells)));
            rows(&table, text);
        }
    }
}

/// Links that take memory of the host, for each different set of them.
fn links(plan: &Plan, text: &mut String) {
    for (table, cells) in different(plan, links::table) {
        if !table.is_empty() {
            line(text, "");
            line(text, &format!("Links in shared memory{}", of_cells(plan, &cells)));
            rows(&table, text);
        }
    }
}

/// The load, for each different one that is not the plainest.
fn loads(plan: &Plan, text: &mut String) {
    for (table, cells) in different(plan, load::table) {
        if !table.is_empty() {
            line(text, "");
            line(text, &format!("Load{}", of_cells(plan, &cells)));
            rows(&table, text);
        }
    }
}

/// How packets get to and from the interfaces, for each different set of it.
fn ports(plan: &Plan, text: &mut String) {
    for (table, cells) in different(plan, ports::table) {
        if !table.is_empty() {
            line(text, "");
            line(text, &format!("Ports{}", of_cells(plan, &cells)));
            rows(&table, text);
        }
    }
}

/// What nodes do with packets, for each different set of it.
fn functions(plan: &Plan, text: &mut String) {
    for (table, cells) in different(plan, functions::table) {
        if !table.is_empty() {
            line(text, "");
            line(text, &format!("Network functions{}", of_cells(plan, &cells)));
            rows(&table, text);
        }
    }
}

/// What runs besides the agents, for each different set of it.
fn scripts(plan: &Plan, text: &mut String) {
    for (table, cells) in different(plan, programs::table) {
        if !table.is_empty() {
            line(text, "");
            line(text, &format!("Scripts and commands{}", of_cells(plan, &cells)));
            rows(&table, text);
        }
    }
}

/// What is sought, for each different search.
fn searches(plan: &Plan, text: &mut String) {
    for (table, cells) in different(plan, search::table) {
        if !table.is_empty() {
            line(text, "");
            line(text, &format!("Search{}", of_cells(plan, &cells)));
            rows(&table, text);
        }
    }
}

/// What is captured, for each different set of taps.
fn captures(plan: &Plan, text: &mut String) {
    for (table, cells) in different(plan, capture::table) {
        if !table.is_empty() {
            line(text, "");
            line(text, &format!("Capture{}", of_cells(plan, &cells)));
            rows(&table, text);
        }
    }
}

/// What packets are held against.
fn deadlines(plan: &Plan, text: &mut String) {
    if !plan.slos.is_empty() {
        line(text, "");
        line(text, "Deadlines");
        rows(&slo::table(plan), text);
    }
}

/// What is asked of cores, for each different set of tests.
fn noises(plan: &Plan, text: &mut String) {
    for (table, cells) in different(plan, noise::table) {
        if !table.is_empty() {
            line(text, "");
            line(text, &format!("Noise tests{}", of_cells(plan, &cells)));
            rows(&table, text);
        }
    }
}

fn role(node: &str) -> String {
    if node == GENERATOR { "generator and sink".to_owned() } else { node.to_owned() }
}

fn manner(scheduling: &Scheduling) -> String {
    let wait = match scheduling.wait {
        Wait::Spin => "spins",
        Wait::Block => "sleeps when idle",
    };
    let priority = scheduling.priority.map_or("ordinary priority".to_owned(), |priority| format!("SCHED_FIFO {priority}"));
    let memory = if scheduling.lock_memory { "memory locked" } else { "memory not locked" };
    format!("{wait}, {priority}, {memory}")
}

/// Columns as wide as their widest entry.
fn rows<const N: usize>(table: &[[String; N]], text: &mut String) {
    let mut widths = [0; N];
    for row in table {
        for (width, entry) in widths.iter_mut().zip(row) {
            *width = (*width).max(entry.chars().count());
        }
    }
    for row in table {
        let entries: Vec<_> = row.iter().zip(widths).map(|(entry, width)| format!("{entry:width$}")).collect();
        line(text, &format!("  {}", entries.join("  ")));
    }
}

fn list(title: &str, entries: &[String], text: &mut String) {
    if entries.is_empty() {
        return;
    }
    line(text, "");
    line(text, title);
    for entry in entries {
        line(text, &format!("  - {entry}"));
    }
}

fn runs(plan: &Plan, text: &mut String) {
    let total: u64 = plan.runs.iter().fold(0, |total, run| total.saturating_add(run.expected));
    line(text, "");
    let (thing, about) = if plan.is_of_searches() { ("search", "at most") } else { ("run", "about") };
    line(text, &format!("{} in {about} {}", count(plan.runs.len(), thing), duration(total)));
    let table: Vec<_> =
        plan.runs.iter().map(|run| [run.name.clone(), duration(run.expected), what(&plan.cells[run.cell], run.repeat)]).collect();
    rows(&table, text);
    if plan.attempts > 1 && !plan.is_of_lives() && !plan.is_of_searches() && !plan.is_of_noise() {
        line(
            text,
            &format!(
                "A run that turns out invalid is repeated: {} attempts at each, {} repetitions in all.",
                plan.attempts,
                plan.most_repetitions()
            ),
        );
    }
}

fn count(number: usize, thing: &str) -> String {
    let plural = if thing.ends_with("ch") { "es" } else { "s" };
    format!("{number} {thing}{}", if number == 1 { "" } else { plural })
}

fn what(cell: &Cell, repeat: u32) -> String {
    let kind = match cell.kind {
        RunKind::Floor => "the instrument itself".to_owned(),
        RunKind::Measurement => format!("repeat {}", repeat + 1),
    };
    let parameters = parameters(&cell.parameters);
    if parameters.is_empty() { kind } else { format!("{kind}: {parameters}") }
}

/// Tenths of a second below a minute, whole units above.
fn duration(ns: u64) -> String {
    let seconds = ns.div_ceil(1_000_000_000);
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, _) => format!("{}.{} s", ns / 1_000_000_000, ns / 100_000_000 % 10),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

/// Every change to the host, once for all runs that make the same ones.
fn changes(plan: &Plan, facts: &Facts, text: &mut String) {
    for (steps, cells) in different(plan, |run| steps_text(run, facts)) {
        line(text, "");
        line(text, &format!("Steps{}", of_cells(plan, &cells)));
        for step in steps.lines() {
            let _ = writeln!(text, "{}", format!("  {step}").trim_end());
        }
    }
}

#[cfg(test)]
mod tests;
