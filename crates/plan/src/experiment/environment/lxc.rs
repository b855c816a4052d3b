//! `[….lxc]`: a system container of LXC.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tailbed_format::unit::{Bytes, Time};

use super::HugePages;
use super::vm::one_minute;

/// A system container with an init of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Lxc {
    /// Template of lxc-create(1) that makes its root file system; `busybox` when neither this nor `image` is given.
    #[schemars(with = "String")]
    pub template: Option<String>,
    /// Options of the template, as behind `--`.
    pub template_options: Vec<String>,
    /// A folder with `metadata.tar.xz` and `rootfs.tar.xz`, or a folder or tarball of a root file system.
    #[schemars(with = "String")]
    pub image: Option<String>,
    /// The most memory it may have; unlimited when absent.
    #[schemars(with = "Bytes")]
    pub memory: Option<Bytes>,
    /// Device nodes passed in: `/dev/net/tun`; and PCI devices by their address, `0000:01:00.0`, with the nodes that user space has them by. Where
    /// any is named, nothing else can be opened but what every container has.
    pub devices: Vec<String>,
    /// The most memory in huge pages, by the size of the pages: it has a hugetlbfs of that size at /dev/hugepages. Pages that are not there
    /// are set aside for the run.
    pub hugepages: HugePages,
    /// Whether /sys shows it no cores but its own and no PCI devices but those passed in.
    pub masks: bool,
    /// Further lines of its configuration: `lxc.environment = A=b`.
    pub config: Vec<String>,
    /// How long it may take to start.
    pub boot_timeout: Time,
}

impl Default for Lxc {
    fn default() -> Self {
        Self {
            template: None,
            template_options: Vec::new(),
            image: None,
            memory: None,
            devices: Vec::new(),
            hugepages: HugePages::default(),
            masks: false,
            config: Vec::new(),
            boot_timeout: one_minute(),
        }
    }
}
