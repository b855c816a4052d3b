//! Settings of the kernel: what is written, and when what is read back is the same.

use serde::{Deserialize, Serialize};

use crate::check::cpus::{parse_list, parse_mask};

/// A value for a file of the kernel's.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Setting {
    /// Absolute path below /proc or /sys.
    pub path: String,
    /// What is written.
    pub value: String,
    /// Why, in half a sentence.
    pub reason: String,
    /// How the file tells its value.
    #[serde(default, skip_serializing_if = "Form::is_text")]
    pub form: Form,
    /// The knob that asks for it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub knob: String,
    /// Whether the kernel may refuse it, which is then said and recorded, and the run goes on: one interrupt of many that the kernel
    /// manages itself.
    #[serde(default, skip_serializing_if = "is_false")]
    pub may_stay: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_false(switch: &bool) -> bool {
    !switch
}

/// How a file tells its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// As it is written.
    #[default]
    Text,
    /// All that may be written, the one that holds in brackets: `always [madvise] never`.
    Choice,
    /// CPUs, as a list (cpuset(7), "List format"): `0-3`.
    List,
    /// CPUs, as a mask (cpuset(7), "Mask format"): `f`, `00000000,0000000f`.
    Mask,
}

impl Form {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
    fn is_text(&self) -> bool {
        *self == Self::Text
    }

    /// The value in what a file says, as it can be written to it again.
    pub fn value(self, said: &str) -> &str {
        let said = said.trim();
        let chosen = || said.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map(|(chosen, _)| chosen);
        match self {
            Self::Choice => chosen().unwrap_or(said),
            _ => said,
        }
    }

    /// Whether two values mean the same: `00000003` and `3` are one mask, `0,1` and `0-1` one list.
    pub fn same(self, one: &str, other: &str) -> bool {
        let sets = match self {
            Self::Text | Self::Choice => None,
            Self::List => Some((parse_list(one), parse_list(other))),
            Self::Mask => Some((parse_mask(one), parse_mask(other))),
        };
        match sets {
            Some((Some(one), Some(other))) => one == other,
            _ => one.trim() == other.trim(),
        }
    }
}

/// Where a thread of the kernel's is to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadMove {
    /// Its name (proc_pid_comm(5)): process ids are known only when it is done.
    pub thread: String,
    /// The cores, in the kernel's list format.
    pub cpus: String,
    /// The knob that asks for it.
    pub knob: String,
}

/// The real-time priority that a thread of the kernel's is to have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadPriority {
    /// Its name (proc_pid_comm(5)): process ids are known only when it is done.
    pub thread: String,
    /// `SCHED_FIFO` priority, 1 to 99 (sched(7)).
    pub priority: u8,
    /// The knob that asks for it.
    pub knob: String,
}

/// A processor that is taken off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unplug {
    /// Its number.
    pub cpu: usize,
    /// Whether it is brought back at once.
    pub replug: bool,
    /// The knob that asks for it.
    pub knob: String,
}

impl Unplug {
    /// The file that takes it off and brings it back (Documentation/ABI/testing/sysfs-devices-system-cpu).
    pub fn path(&self) -> String {
        format!("/sys/devices/system/cpu/cpu{}/online", self.cpu)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_compared_by_what_they_mean() {
        assert_eq!(Form::Choice.value("always [madvise] never\n"), "madvise");
        assert_eq!(Form::Text.value("[x]\n"), "[x]");
        assert!(Form::Mask.same("00000000,00000003", "3") && !Form::Mask.same("1", "3"));
        assert!(Form::List.same("0,1", "0-1") && Form::List.same("", "\n"));
        assert!(!Form::List.same("0-1", "garbled") && !Form::Text.same("0", "00"));
    }
}
