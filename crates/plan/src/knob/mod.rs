//! Knobs: what of a host can be set without a reboot to keep its cores quiet, and put back.
//!
//! ```text
//! profile, [knobs] ── wish ──> value of each knob ──┐
//! facts, placement ── place ────────────────────────┴── each/ ──> steps, or why not here
//! ```
//!
//! One file per knob below `each/`; the list of them is [`ALL`]. A knob is read, set, verified and undone by its steps, which `apply` does.

mod each;
mod means;
mod pages;
mod place;
mod profile;
mod wish;

use serde::{Deserialize, Serialize};
use tailbed_format::settings::Settings;

pub use each::ALL;
pub use pages::{pages, table};
pub use profile::{Profile, STOCK, SUPPLIED, files_named};

pub(crate) use means::Means;
pub(crate) use place::{Group, Place, Role};
pub(crate) use wish::{Wish, Wishes, wishes};

use crate::step::Form;

/// What a host's knobs are known by.
#[derive(Debug)]
pub struct Knob {
    /// Its name, as in `[knobs]`.
    pub name: &'static str,
    /// What its value is counted in.
    pub unit: &'static str,
    /// What it does, a sentence.
    pub what: &'static str,
    /// What it has to do with the tail, a sentence or two.
    pub why: &'static str,
    /// Where that is written.
    pub source: &'static str,
    /// What of the host it is about.
    pub about: About,
    /// What may be asked for.
    pub accepts: Accepts,
    /// What `true` stands for.
    pub standard: &'static str,
    /// Files it is planned by, the first the one that tells its value; `*` stands for any part of a path. Paths below /dev are looked for, not
    /// read.
    pub files: &'static [&'static str],
    /// How the first of the files tells its value.
    pub form: Form,
    /// How it is read, set, verified and undone.
    pub manner: Manner,
    /// What sets it to a value on a host, or why it cannot be there: a clause.
    plan: fn(&Knob, &str, &Place<'_>) -> Result<Means, String>,
}

/// How a knob is read, set, verified and undone, each half a sentence.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// How its value is read.
    pub read: &'static str,
    /// How it is set.
    pub set: &'static str,
    /// How it is known to hold.
    pub verified: &'static str,
    /// How it is put back.
    pub undone: &'static str,
}

/// A file that is written.
const WRITTEN: Manner = Manner {
    read: "from the file",
    set: "by writing the file",
    verified: "read back at once, and again when the work of the run is done",
    undone: "the value found before is written back, unless somebody else has changed it since",
};

/// An interface that is tuned.
const TUNED: Manner = Manner {
    read: "by ethtool's netlink family, as ethtool(8) does, in the namespace of each interface",
    set: "the same way, once the links are there",
    verified: "read back at once, and again when the work of the run is done",
    undone: "interfaces of ours go with the run; on one that the host lends the value found before is set again, unless somebody else has changed it since",
};

/// What of a host a knob is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// All of it.
    Host,
    /// The cores that packets have to themselves: those of nodes and generator that are not the first.
    Cores,
    /// The NUMA nodes of those cores.
    MemoryNodes,
    /// The nodes of the experiment.
    Nodes,
    /// The interfaces of links between nodes.
    Links,
}

impl About {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Host => "the host",
            Self::Cores => "the cores packets have to themselves",
            Self::MemoryNodes => "the NUMA nodes of the cores packets have to themselves",
            Self::Nodes => "each node",
            Self::Links => "the interfaces of links",
        }
    }
}

/// What may be asked of a knob besides `true`, its standard value, and `false`, to leave it alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepts {
    /// Nothing.
    Switch,
    /// One of these words.
    Words(&'static [&'static str]),
    /// A whole number between these, both included.
    Number(i64, i64),
    /// Numbers of pages and their sizes: `512 x 2MiB`, with commas between.
    Pages,
}

impl Accepts {
    /// In words.
    pub fn words(self) -> String {
        match self {
            Self::Switch => "`true`".to_owned(),
            Self::Words(words) => words.iter().map(|word| format!("`\"{word}\"`")).collect::<Vec<_>>().join(", "),
            Self::Number(least, most) => format!("{least} to {most}"),
            Self::Pages => "a text like `\"512 x 2MiB\"` or `\"512 x 2MiB, 4 x 1GiB\"`".to_owned(),
        }
    }

    /// Whether a value may be asked for.
    pub fn allows(self, value: &str) -> bool {
        match self {
            Self::Switch => value == "true",
            Self::Words(words) => words.contains(&value),
            Self::Number(least, most) => value.parse().is_ok_and(|number| (least..=most).contains(&number)),
            Self::Pages => each::parse_pages(value).is_some(),
        }
    }
}

impl Knob {
    /// The knob of a name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().copied().find(|knob| knob.name == name)
    }

    /// What the host says of it now: `madvise`, `powersave (4)`; `None` where it has none of its files.
    pub fn now(&self, settings: &Settings) -> Option<String> {
        let (start, end) = self.files.first()?.split_once('*').unwrap_or((self.files.first()?, ""));
        let mut values: Vec<(String, usize)> = Vec::new();
        for (path, text) in settings.matching(start, end.rsplit('*').next().unwrap_or_default()) {
            // one file without a star is only itself
            if end.is_empty() && path != start && !self.files[0].contains('*') {
                continue;
            }
            let value = self.form.value(text).to_owned();
            match values.iter_mut().find(|(known, _)| *known == value) {
                Some((_, count)) => *count += 1,
                None => values.push((value, 1)),
            }
        }
        let said = |(value, count): &(String, usize)| {
            let value = if value.is_empty() { "-" } else { value.as_str() };
            if *count == 1 { value.to_owned() } else { format!("{value} ({count})") }
        };
        // of a file that is only looked for there is nothing to say
        values.iter().any(|(value, _)| !value.is_empty()).then(|| values.iter().map(said).collect::<Vec<_>>().join(", "))
    }
}

/// Every file that some knob is planned by, once; `*` stands for any part of a path.
pub fn files() -> Vec<&'static str> {
    let mut files: Vec<_> = ALL.iter().flat_map(|knob| knob.files).copied().collect();
    files.sort_unstable();
    files.dedup();
    files
}

/// Beginnings of the names of the kernel's threads that some knob moves or gives a priority.
pub const THREADS: &[&str] = &["ksoftirqd/", "rcu"];

/// What a run asks of a knob.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnobPlan {
    /// Its name.
    pub knob: String,
    /// What is asked for.
    pub wanted: String,
    /// What the host says of it before, where it says anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<String>,
    /// Why it is left alone; `None` when it is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<String>,
    /// Parts that cannot be set, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

/// What a run asks of the host.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ProfilePlan {
    /// Name of the profile, or the path of its file.
    pub profile: String,
    /// The knobs, in the order they are set.
    pub knobs: Vec<KnobPlan>,
}

impl ProfilePlan {
    /// Whether nothing is asked for but what the instrument needs.
    pub fn is_stock(&self) -> bool {
        self.profile == STOCK && self.knobs.iter().all(|knob| tailbed_format::knob::Knobs::is_instrument(&knob.knob))
    }
}
