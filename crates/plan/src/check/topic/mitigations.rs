//! What the kernel does against flaws of the processor.

use crate::check::cores::Cores;
use crate::check::finding::{Effect, Finding, short};
use crate::check::host::{CPU, Host};

const TOPIC: &str = "mitigations";

pub(super) fn findings(host: &Host<'_>, _: &Cores) -> Vec<Finding> {
    let record = host.record;
    let folder = format!("{CPU}/vulnerabilities");
    let names: Vec<&str> = record.names_below(&folder).collect();
    if names.is_empty() {
        return vec![Finding::unknown(
            record,
            TOPIC,
            &format!("{folder}/spectre_v2"),
            "What is done against flaws of the processor",
        )];
    }
    let says = |name: &str| record.text(&format!("{folder}/{name}")).unwrap_or_default();
    let with = |word: &str| names.iter().copied().filter(|name| says(name).starts_with(word)).collect::<Vec<_>>();
    // each begins in one of these ways: Documentation/ABI/testing/sysfs-devices-system-cpu
    let known = ["Not affected", "Vulnerable", "Mitigation", "Unknown", "KVM", "Processor vulnerable", "Ancient"];
    if let Some(strange) = names.iter().find(|name| !known.iter().any(|word| says(name).starts_with(word))) {
        let would = "What is done against flaws of the processor";
        return vec![Finding::unknown(record, TOPIC, &format!("{folder}/{strange}"), would)];
    }
    let (mitigated, open) = (with("Mitigation"), with("Vulnerable"));
    let all = format!("{folder}/*");
    if mitigated.is_empty() {
        let is = if open.is_empty() { "the processor needs none".to_owned() } else { format!("none; open: {}", open.join(", ")) };
        return vec![Finding::fine(TOPIC, is).seen(all, "")];
    }
    let few: Vec<String> = mitigated.iter().take(8).map(|name| short(name)).collect();
    let more = if mitigated.len() > few.len() { format!(" and {} more", mitigated.len() - few.len()) } else { String::new() };
    let is = format!("The kernel mitigates {} flaws of the processor: {}{more}.", mitigated.len(), few.join(", "));
    let why = "Each way into the kernel and out of it takes some hundred nanoseconds longer, and so does each exit of a virtual machine. \
               They are the price of not trusting other programs: leave them on where that matters.";
    vec![
        Finding::costly(TOPIC, Effect::Nanoseconds, is, why, "Documentation/admin-guide/hw-vuln/")
            .seen(all, "Mitigation: …")
            .boot("mitigations=off")
            .note("only on a host where all that runs is trusted"),
    ]
}
