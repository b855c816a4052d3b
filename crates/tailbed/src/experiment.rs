//! From the command line to a plan.

use std::fs;
use std::io::Read;
use std::path::Path;

use tailbed_format::facts::{Accelerator, Facts, Kvm};
use tailbed_plan::plan::Plan;
use tailbed_plan::step::{AgentEnvironment, Step, VmSpec};
use tailbed_plan::{Overrides, PlanError, Source, knob};

use crate::apply::Host;
use crate::cli::{ExperimentArguments, PlanArguments};
use crate::failure::Failure;
use crate::{colour, print, probe};

/// The token that plans show: `run` draws one of its own.
const SHOWN_TOKEN: &str = "00000000";

/// `tailbed plan`.
pub(crate) fn show_plan(arguments: &PlanArguments) -> Result<(), Failure> {
    let text = read(&arguments.experiment.file)?;
    let facts = match &arguments.facts {
        Some(path) => read_facts(path)?,
        None => probe::facts(),
    };
    show(&arguments.experiment, &text, &facts, &Showing { steps: arguments.steps, json: arguments.json })
}

/// How a plan is shown.
pub(crate) struct Showing {
    /// With every change to the host as a shell line.
    pub(crate) steps: bool,
    /// As JSON.
    pub(crate) json: bool,
}

/// Plans an experiment and prints the plan.
pub(crate) fn show(arguments: &ExperimentArguments, text: &[u8], facts: &Facts, showing: &Showing) -> Result<(), Failure> {
    let plan = make_plan(arguments, text, facts, SHOWN_TOKEN)?;
    if showing.json {
        let json = serde_json::to_string_pretty(&plan).map_err(anyhow::Error::from)?;
        return print(&(json + "\n"));
    }
    print(&tailbed_plan::describe(&plan, facts, showing.steps))
}

/// Reads an experiment file, or standard input.
pub(crate) fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    let wrong = |error| Failure::File(format!("error: cannot read the experiment file {}: {error}", file.display()));
    if file == Path::new("-") {
        let mut text = Vec::new();
        std::io::stdin().read_to_end(&mut text).map_err(wrong)?;
        return Ok(text);
    }
    fs::read(file).map_err(wrong)
}

fn read_facts(path: &Path) -> Result<Facts, Failure> {
    let text =
        fs::read(path).map_err(|error| Failure::File(format!("error: cannot read the facts {}: {error}", path.display())))?;
    serde_json::from_slice(&text)
        .map_err(|error| Failure::File(format!("error: {} does not hold facts: {error}", path.display())))
}

/// Plans an experiment that is to be carried out on this host. Where it depends on whether guests run under KVM and that is not known, a
/// guest is run, and the facts hold what came of it.
pub(crate) fn make_plan_for_this_host(
    arguments: &ExperimentArguments,
    text: &[u8],
    facts: &mut Facts,
    token: &str,
) -> Result<Plan, Failure> {
    if facts.kvm == Kvm::Unknown {
        // whether anything would run under KVM if it could be had: only then is it worth trying
        let hopeful = make_plan(arguments, text, &Facts { kvm: Kvm::Works, ..facts.clone() }, token)?;
        if machines(&hopeful).any(|machine| machine.accelerator == Accelerator::Kvm) {
            facts.kvm = probe::kvm::find_out()?;
        }
    }
    let plan = make_plan(arguments, text, facts, token)?;
    tailbed_plan::check_host(&plan, facts).map_err(|error| refusal(&error))?;
    for (node, environment) in environments(&plan) {
        let cannot = |error| Failure::Host(format!("error: this host cannot make the node {node}: {error:#}"));
        Host::check(environment).map_err(cannot)?;
    }
    for step in plan.runs.iter().flat_map(tailbed_plan::plan::Run::every_step) {
        Host::check_link(step).map_err(|error| Failure::Host(format!("error: this host cannot make a link: {error:#}")))?;
    }
    // runs set the same knobs again and again
    let mut seen = Vec::new();
    for step in plan.runs.iter().flat_map(tailbed_plan::plan::Run::every_step).filter(|step| is_knob(step)) {
        if !seen.contains(&step) {
            Host::check_knob(step).map_err(|error| Failure::Host(format!("error: nothing was touched: {error:#}")))?;
            seen.push(step);
        }
    }
    Ok(plan)
}

/// Whether a step sets a knob, and looking tells whether it can be set.
fn is_knob(step: &Step) -> bool {
    matches!(step, Step::WriteSetting(_) | Step::UnplugCpu(_))
}

/// The environments of a plan, each with its node.
fn environments(plan: &Plan) -> impl Iterator<Item = (&str, &AgentEnvironment)> {
    plan.runs.iter().flat_map(tailbed_plan::plan::Run::every_step).filter_map(|step| match step {
        Step::StartAgent { node, environment, .. } => Some((node.as_str(), environment)),
        _ => None,
    })
}

/// The virtual machines of a plan.
fn machines(plan: &Plan) -> impl Iterator<Item = &VmSpec> {
    environments(plan).filter_map(|(_, environment)| match environment {
        AgentEnvironment::Vm(spec) => Some(spec),
        _ => None,
    })
}

/// Plans an experiment.
fn make_plan(arguments: &ExperimentArguments, text: &[u8], facts: &Facts, token: &str) -> Result<Plan, Failure> {
    let name = arguments.file.display().to_string();
    let source = Source { name: &name, text };
    let mut overrides = Overrides { set: arguments.set.clone(), sweep: arguments.sweep.clone(), profiles: Vec::new() };
    for path in knob::files_named(&source, &overrides).map_err(|error| refusal(&error))? {
        // one that cannot be read is told by the line that names it
        overrides.profiles.extend(fs::read_to_string(&path).ok().map(|text| (path, text)));
    }
    tailbed_plan::plan(&source, &overrides, facts, token).map_err(|error| refusal(&error))
}

fn refusal(error: &PlanError) -> Failure {
    let text = error.render(colour());
    match error {
        PlanError::Host(_) => Failure::Host(text),
        PlanError::File(_) => Failure::File(text),
    }
}
