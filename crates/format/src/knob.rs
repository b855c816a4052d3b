//! What a run asked of the host's knobs, and what the kernel said while it was under way.

use serde::{Deserialize, Serialize};

/// A profile's knobs in a run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Knobs {
    /// Name of the profile, or the path of its file.
    pub profile: String,
    /// Its knobs and those that the experiment names besides, in the order they are set.
    pub knobs: Vec<KnobRecord>,
}

impl Knobs {
    /// Whether the host was left as it was, but for what the instrument needs, and nothing else was asked for.
    pub fn is_stock(&self) -> bool {
        self.profile == Self::STOCK && self.knobs.iter().all(|knob| Self::is_instrument(&knob.knob))
    }

    /// The profile of an experiment that names none.
    pub const STOCK: &str = "stock";

    /// Whether a knob is one of that profile's, which are the instrument's own needs: that a packet loop may spin under real-time priority, and
    /// that the kernel gets by where one does.
    pub fn is_instrument(knob: &str) -> bool {
        matches!(knob, "rt_throttling" | "ksoftirqd")
    }
}

/// One knob in a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnobRecord {
    /// Its name.
    pub knob: String,
    /// What was asked for, as in the experiment file.
    pub wanted: String,
    /// What the kernel said of each thing that was set, when the work of the run was done and before anything was taken back; those that
    /// said the same stand together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub readings: Vec<KnobReading>,
    /// Why it was left alone; `None` when it was set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<String>,
    /// What else is to be known: parts that could not be set, each with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

/// What a file, a thread or a control group said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnobReading {
    /// The first of them.
    pub first: String,
    /// How many there are.
    pub count: usize,
    /// What it said before.
    pub before: String,
    /// What it was given.
    pub given: String,
    /// What it said under way.
    pub read: String,
}
