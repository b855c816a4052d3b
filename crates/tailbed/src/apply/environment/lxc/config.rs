//! The configuration of a system container (lxc.container.conf(5)).

use std::path::Path;

use tailbed_format::facts::Cgroup;
use tailbed_plan::step::LxcSpec;

/// Where things are that the configuration names.
pub(super) struct Places<'a> {
    /// The root file system that is not written to.
    pub(super) rootfs: &'a Path,
    /// The container's folder.
    pub(super) folder: &'a Path,
    /// This binary.
    pub(super) binary: &'a Path,
    /// The list of system calls that are refused, where LXC brings one.
    pub(super) seccomp: Option<&'a Path>,
    /// The file of the network namespace; `None` for the host's own.
    pub(super) namespace: Option<&'a Path>,
    /// Where what it writes on its console goes.
    pub(super) console: Option<&'a Path>,
    /// Lines for its huge pages, devices, and what /sys shows.
    pub(super) hardware: &'a [String],
}

/// What is written on top of the root file system, and so goes with the container.
pub(super) const UPPER: &str = "written";

/// The control group of the process that watches over the container, named after the container's own.
pub(super) fn monitor_group(id: &str) -> String {
    format!("{id}.monitor")
}

/// Keys that are ours to give, whatever a template says.
const OURS: [&str; 5] = ["lxc.net.", "lxc.rootfs.path", "lxc.uts.name", "lxc.namespace.", "lxc.cgroup.dir"];

/// The list of system calls that LXC refuses its containers, unless they have another.
pub(crate) const SECCOMP: &str = "/usr/share/lxc/config/common.seccomp";

/// The whole of it: what the root file system's maker says, then the experiment's own lines, then what the run needs.
pub(super) fn text(spec: &LxcSpec, base: &[String], cgroup: &Cgroup, places: &Places<'_>) -> String {
    let is_ours = |line: &str| OURS.iter().any(|key| line.starts_with(key));
    let theirs = base.iter().map(|line| line.trim()).filter(|line| !line.is_empty() && !line.starts_with('#') && !is_ours(line));
    // of a key that is given twice, the later counts
    let mut lines: Vec<String> = places.seccomp.iter().map(|list| format!("lxc.seccomp.profile = {}", list.display())).collect();
    lines.extend(theirs.map(str::to_owned));
    lines.extend(spec.config.iter().cloned());
    let id = &spec.id;
    let hostname = id.rsplit('-').next().unwrap_or(id);
    // the upper folder's neighbour `work` is made by LXC
    lines.push(format!("lxc.rootfs.path = overlay:{}:{}", places.rootfs.display(), places.folder.join(UPPER).display()));
    lines.push(format!("lxc.uts.name = {hostname}"));
    match places.namespace {
        Some(path) => lines.push(format!("lxc.namespace.share.net = {}", path.display())),
        None => lines.push("lxc.net.0.type = none".to_owned()),
    }
    lines.push(format!("lxc.mount.entry = {} tailbed none bind,ro,create=file 0 0", field(places.binary)));
    lines.push(format!("lxc.cgroup.dir.container = {id}"));
    lines.push(format!("lxc.cgroup.dir.monitor = {}", monitor_group(id)));
    lines.extend(limits(spec, cgroup));
    lines.extend(places.hardware.iter().cloned());
    lines.push(format!("lxc.log.file = {}", places.folder.join("log").display()));
    lines.push("lxc.log.level = WARN".to_owned());
    lines.extend(places.console.map(|path| format!("lxc.console.logfile = {}", path.display())));
    lines.join("\n") + "\n"
}

/// Its cores and memory, in the words of the control groups there are.
fn limits(spec: &LxcSpec, cgroup: &Cgroup) -> Vec<String> {
    let (prefix, memory) = match cgroup {
        Cgroup::V1 { .. } => ("lxc.cgroup", "memory.limit_in_bytes"),
        Cgroup::V2 { .. } => ("lxc.cgroup2", "memory.max"),
        Cgroup::None => return Vec::new(),
    };
    let cpus: Vec<_> = spec.cpus.iter().map(ToString::to_string).collect();
    let cpus = (!cpus.is_empty()).then(|| format!("{prefix}.cpuset.cpus = {}", cpus.join(",")));
    let memory = spec.memory.map(|bytes| format!("{prefix}.{memory} = {bytes}"));
    cpus.into_iter().chain(memory).collect()
}

/// A path as a field of fstab(5), which is parted at blanks.
pub(super) fn field(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "\\134").replace(' ', "\\040").replace('\t', "\\011").replace('\n', "\\012")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tailbed_plan::step::LxcSource;

    fn spec() -> LxcSpec {
        LxcSpec {
            id: "tb-ab12-dut".to_owned(),
            source: LxcSource::Image("x".to_owned()),
            config: vec!["lxc.environment = A=b".to_owned()],
            cpus: vec![1, 3],
            memory: Some(64 << 20),
            hardware: tailbed_plan::step::Hardware::default(),
            boot_timeout: 1,
        }
    }

    #[test]
    fn the_network_and_the_limits_are_ours_whatever_the_template_says() {
        let base =
            ["# a comment", "lxc.net.0.type = veth", "lxc.net.0.link = lxcbr0", "lxc.rootfs.path = dir:/x", "lxc.tty.max = 5"];
        let base: Vec<_> = base.iter().map(|line| (*line).to_owned()).collect();
        let places = Places {
            rootfs: Path::new("/cache/rootfs"),
            folder: Path::new("/run/tailbed/tb-ab12-dut"),
            binary: Path::new("/opt/my tools/tailbed"),
            seccomp: Some(Path::new(SECCOMP)),
            namespace: Some(Path::new("/run/netns/tb-ab12-dut")),
            console: None,
            hardware: &["lxc.a = b".to_owned()],
        };
        let first = Cgroup::V1 { controllers: Vec::new(), unified: None, unified_controllers: Vec::new() };
        let made = text(&spec(), &base, &first, &places);
        assert_eq!(
            made.lines().collect::<Vec<_>>(),
            [
                "lxc.seccomp.profile = /usr/share/lxc/config/common.seccomp",
                "lxc.tty.max = 5",
                "lxc.environment = A=b",
                "lxc.rootfs.path = overlay:/cache/rootfs:/run/tailbed/tb-ab12-dut/written",
                "lxc.uts.name = dut",
                "lxc.namespace.share.net = /run/netns/tb-ab12-dut",
                "lxc.mount.entry = /opt/my\\040tools/tailbed tailbed none bind,ro,create=file 0 0",
                "lxc.cgroup.dir.container = tb-ab12-dut",
                "lxc.cgroup.dir.monitor = tb-ab12-dut.monitor",
                "lxc.cgroup.cpuset.cpus = 1,3",
                "lxc.cgroup.memory.limit_in_bytes = 67108864",
                "lxc.a = b",
                "lxc.log.file = /run/tailbed/tb-ab12-dut/log",
                "lxc.log.level = WARN",
            ]
        );
        let second = Cgroup::V2 { mount: String::new(), controllers: Vec::new() };
        let made = text(&spec(), &base, &second, &places);
        assert!(made.contains("lxc.cgroup2.cpuset.cpus = 1,3\nlxc.cgroup2.memory.max = 67108864\n"), "{made}");
    }
}
