//! A knob that does not hold.

use std::fmt;
use std::io;

use tailbed_plan::step::Setting;

/// The kernel refuses a value, or answers with another than it was given. Trying again would change nothing, and a run under it would not be
/// what it is called.
#[derive(Debug)]
pub(crate) struct NotHeld {
    knob: String,
    file: String,
    wanted: String,
    got: String,
}

impl NotHeld {
    /// A file, or whatever it is that was set, says something else than it was given.
    pub(super) fn of(knob: &str, file: &str, wanted: &str, got: &str) -> Self {
        let got = if got.is_empty() { "says nothing".to_owned() } else { format!("says {got}") };
        Self { knob: knob.to_owned(), file: file.to_owned(), wanted: wanted.to_owned(), got }
    }

    /// A file cannot be written.
    pub(super) fn refused(setting: &Setting, error: &io::Error, now: &str) -> Self {
        let got = format!("refuses it ({error}); it says {now}");
        Self { knob: setting.knob.clone(), file: setting.path.clone(), wanted: setting.value.clone(), got }
    }

    /// Something cannot be done to it.
    pub(super) fn because(knob: &str, file: &str, wanted: &str, error: &dyn fmt::Display) -> Self {
        let got = format!("refuses it ({error})");
        Self { knob: knob.to_owned(), file: file.to_owned(), wanted: wanted.to_owned(), got }
    }
}

impl fmt::Display for NotHeld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { knob, file, wanted, got } = self;
        let what = if knob.is_empty() { "a setting".to_owned() } else { format!("the knob `{knob}`") };
        write!(f, "{what} does not hold: {file} was given {wanted} and {got}")?;
        if file.ends_with("/nr_hugepages") {
            f.write_str("; the kernel finds no room for more: have them set aside at boot (hugepages=N on the kernel's command line), or ask for fewer")?;
        }
        Ok(())
    }
}

impl std::error::Error for NotHeld {}
