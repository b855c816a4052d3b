//! Where the kernel lets itself be preempted.

use crate::check::cores::Cores;
use crate::check::finding::{Effect, Finding, Level, short};
use crate::check::host::{Host, Kin};

const TOPIC: &str = "preemption";
const VERSION: &str = "/proc/version";
const REAL_TIME: &str = "/sys/kernel/realtime";
const DYNAMIC: &str = "/sys/kernel/debug/sched/preempt";

/// A preemption model.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Model {
    None,
    /// The version says that it is one of the two, and not which.
    NoneOrVoluntary,
    Voluntary,
    Lazy,
    Full,
    RealTime,
}

pub(super) fn findings(host: &Host<'_>, _: &Cores) -> Vec<Finding> {
    let record = host.record;
    let Some((model, file, how)) = model(host) else {
        let would = "Where the kernel lets itself be preempted";
        let dynamic = record.text(VERSION).is_some_and(|version| version.contains("PREEMPT_DYNAMIC"));
        let finding = Finding::unknown(record, TOPIC, if dynamic { DYNAMIC } else { VERSION }, would);
        return vec![if dynamic { finding.run("mount -t debugfs none /sys/kernel/debug") } else { finding }];
    };
    let read = |finding: Finding| finding.seen(file, how.clone());
    let source = "Documentation/admin-guide/kernel-parameters.txt, preempt; Lightweight low-latency virtual networking (TU Munich 2022), 6.2";
    let dynamic = record.text(VERSION).is_some_and(|version| version.contains("PREEMPT_DYNAMIC"));
    let costly = |effect, name: &str, why: &str| {
        let is = format!("The kernel's preemption model is {name}.");
        let finding = read(Finding::costly(TOPIC, effect, is, why, source));
        // only a kernel built for it can be told
        let finding = if dynamic && model != Model::Full { finding.boot("preempt=full") } else { finding };
        with_real_time(host, finding)
    };
    vec![match model {
        Model::None | Model::NoneOrVoluntary => costly(
            Effect::Milliseconds,
            if model == Model::None { "none" } else { "none or voluntary" },
            "A task that must run waits until the kernel has finished what it does for another one, which may take milliseconds.",
        ),
        Model::Voluntary => costly(
            Effect::HundredsOfMicroseconds,
            "voluntary",
            "A task that must run waits until the kernel comes by one of the places where it offers to stop.",
        ),
        // costs only what has no real-time priority
        Model::Lazy => Finding {
            level: Level::Notable,
            ..costly(
                Effect::Milliseconds,
                "lazy",
                "Real-time tasks preempt the kernel at once, ordinary ones not before the next tick: a forwarder without real-time \
                 priority waits that long.",
            )
        },
        Model::Full => Finding {
            level: Level::Minor,
            ..costly(
                Effect::TensOfMicroseconds,
                "full",
                "The kernel is preempted wherever it holds no lock. Published worst cases: about 80 µs with few outliers on a tuned \
                 kernel of this kind, steady at 100 to 120 µs with PREEMPT_RT: which is better depends on what is asked.",
            )
        },
        Model::RealTime => read(Finding::fine(TOPIC, "a real-time kernel (PREEMPT_RT)")),
    }]
}

/// Where a distribution has a kernel with PREEMPT_RT.
fn with_real_time(host: &Host<'_>, finding: Finding) -> Finding {
    // Debian's names of architectures
    let architecture = if host.record.calls.machine == "aarch64" { "arm64" } else { "amd64" };
    match host.kin() {
        Kin::Debian if host.is_like(&["ubuntu"]) => finding.run("pro enable realtime-kernel  # Ubuntu's kernel with PREEMPT_RT"),
        Kin::Debian => finding.run(format!("apt-get install linux-image-rt-{architecture}  # Debian's kernel with PREEMPT_RT")),
        Kin::Fedora => finding.run("dnf install kernel-rt  # with PREEMPT_RT, of Red Hat's repository for real time"),
        Kin::Other => finding.note("a kernel with CONFIG_PREEMPT_RT=y is preempted nearly everywhere; Linux has it from 6.12 on"),
    }
}

/// The model, the file that tells it, and what that says.
fn model<'a>(host: &Host<'a>) -> Option<(Model, &'a str, String)> {
    let record = host.record;
    let version = record.text(VERSION).unwrap_or_default();
    let word = |wanted: &str| version.split_whitespace().any(|word| word == wanted);
    if record.text(REAL_TIME) == Some("1") {
        return Some((Model::RealTime, REAL_TIME, "1".to_owned()));
    }
    if word("PREEMPT_RT") {
        return Some((Model::RealTime, VERSION, "PREEMPT_RT".to_owned()));
    }
    if !word("PREEMPT_DYNAMIC") {
        return match () {
            () if word("PREEMPT") => Some((Model::Full, VERSION, "PREEMPT".to_owned())),
            () if word("PREEMPT_LAZY") => Some((Model::Lazy, VERSION, "PREEMPT_LAZY".to_owned())),
            () if version.starts_with("Linux version") => {
                built_in(host).or_else(|| Some((Model::NoneOrVoluntary, VERSION, "no PREEMPT…".to_owned())))
            }
            () => built_in(host),
        };
    }
    // the model in force stands in brackets: none voluntary (full)
    let set = record.text(DYNAMIC).and_then(|text| text.split_once('(')?.1.split_once(')'));
    if let Some(model) = set.and_then(|(name, _)| named(name)) {
        return Some((model, DYNAMIC, record.text(DYNAMIC).map(short).unwrap_or_default()));
    }
    if let Some(name) = host.parameter("preempt").flatten() {
        return named(name).map(|model| (model, "/proc/cmdline", format!("preempt={}", short(name))));
    }
    built_in(host)
}

fn named(name: &str) -> Option<Model> {
    Some(match name.trim() {
        "none" => Model::None,
        "voluntary" => Model::Voluntary,
        "lazy" => Model::Lazy,
        "full" => Model::Full,
        _ => return None,
    })
}

/// What the kernel was built with, which holds where nothing else was said.
fn built_in<'a>(host: &Host<'a>) -> Option<(Model, &'a str, String)> {
    let options = [
        ("CONFIG_PREEMPT_RT", Model::RealTime),
        ("CONFIG_PREEMPT", Model::Full),
        ("CONFIG_PREEMPT_LAZY", Model::Lazy),
        ("CONFIG_PREEMPT_VOLUNTARY", Model::Voluntary),
        ("CONFIG_PREEMPT_NONE", Model::None),
    ];
    let file = host.config_file()?;
    let (name, model) = options.into_iter().find(|(name, _)| host.has_option(name) == Some(true))?;
    Some((model, file, format!("{name}=y")))
}
