//! The scheduler's tick on the cores for packets.

use crate::check::cores::Cores;
use crate::check::cpus::{Cpus, list, named};
use crate::check::finding::{Effect, Finding};
use crate::check::host::{CPU, Host};

const TOPIC: &str = "tick";
const SOURCE: &str = "Documentation/timers/no_hz.rst";

pub(super) fn findings(host: &Host<'_>, cores: &Cores) -> Vec<Finding> {
    if cores.chosen.is_empty() {
        return Vec::new();
    }
    let record = host.record;
    let file = format!("{CPU}/nohz_full");
    let rate = host.option("CONFIG_HZ").flatten().and_then(|text| text.parse::<u32>().ok());
    let often = rate.map_or_else(|| "many times a second".to_owned(), |rate| format!("{rate} times a second"));
    let why =
        "A busy core is interrupted for it, which takes a microsecond to ten with the accounting and timers that go with it.";
    let ticking = |cpus: &Cpus, how: &str| {
        let is = format!("The tick comes {often} to {}{how}.", named(cpus));
        let finding = Finding::costly(TOPIC, Effect::Microseconds, is, why, SOURCE);
        match host.config_file().filter(|_| rate.is_some()) {
            Some(file) => finding.seen(file, format!("CONFIG_HZ={}", rate.unwrap_or_default())),
            None => finding,
        }
    };
    // the file is there exactly where the kernel was built with NO_HZ_FULL
    let lacking = host.has_option("CONFIG_NO_HZ_FULL") == Some(false);
    if lacking || (!record.has(&file) && record.has(&format!("{CPU}/isolated"))) {
        let how = ", and this kernel cannot leave it out: it was built without NO_HZ_FULL";
        let finding = ticking(&cores.chosen, how).seen(&file, "not there");
        return vec![finding.note("boot a kernel with CONFIG_NO_HZ_FULL=y, as Debian's linux-image-amd64 is")];
    }
    // without the parameter the file says (null)
    let tickless = match record.text(&file) {
        Some("(null)") => Some(Cpus::new()),
        _ => record.list(&file),
    };
    let Some(tickless) = tickless else {
        return vec![Finding::unknown(record, TOPIC, &file, "Which CPUs are spared the tick")];
    };
    let open: Cpus = cores.chosen.difference(&tickless).copied().collect();
    if open.is_empty() {
        let is = format!("left out on {} while one task runs there", named(&cores.chosen));
        return vec![Finding::fine(TOPIC, is).read(record, &file)];
    }
    let line = format!("nohz_full={}", list(&cores.chosen));
    vec![ticking(&open, "").read(record, &file).boot(line)]
}
