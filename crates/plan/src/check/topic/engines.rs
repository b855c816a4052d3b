//! What environments can be made with.

use tailbed_format::facts::Kvm;

use crate::check::cores::Cores;
use crate::check::finding::{Finding, short};
use crate::check::host::Host;

pub(super) fn findings(host: &Host<'_>, _: &Cores) -> Vec<Finding> {
    engines(host).into_iter().chain([guests(host)]).chain(groups(host)).collect()
}

fn engines(host: &Host<'_>) -> Option<Finding> {
    let engines = &host.record.calls.engines;
    let told = |engine: &tailbed_format::facts::Engine| match &engine.missing {
        Some(missing) => format!("no {} ({})", engine.kind, short(&missing.reason)),
        None => {
            engine.version.as_ref().map_or_else(|| engine.kind.clone(), |version| format!("{} {}", engine.kind, short(version)))
        }
    };
    let parts: Vec<String> = engines.iter().map(told).collect();
    (!parts.is_empty()).then(|| Finding::fine("environments", parts.join(", ")).seen("tailbed environments", ""))
}

fn guests(host: &Host<'_>) -> Finding {
    const TOPIC: &str = "KVM";
    match &host.record.calls.kvm {
        Kvm::Works => Finding::fine(TOPIC, "guests run under it").seen("/dev/kvm", "a guest ran"),
        Kvm::Refused(reason) => {
            let is = format!(
                "no guest runs under it: {}; virtual machines are emulated, and their times are the emulator's",
                short(reason)
            );
            Finding::fine(TOPIC, is).seen("/dev/kvm", reason)
        }
        Kvm::Unknown => Finding::fine(TOPIC, "not tried yet; the first run with a virtual machine does").seen("/dev/kvm", ""),
    }
}

/// Devices can be handed to virtual machines where there is an IOMMU.
fn groups(host: &Host<'_>) -> Option<Finding> {
    const GROUPS: &str = "/sys/kernel/iommu_groups";
    let groups = host.record.names_below(GROUPS).count();
    (groups > 0).then(|| {
        let is = format!("on, {groups} groups of devices: cards and virtual functions can be handed to virtual machines");
        Finding::fine("IOMMU", is).seen(GROUPS, "")
    })
}
