//! The arguments of QEMU (qemu-system-x86_64(1)): a pure function of the specification and of where things lie.

use std::path::Path;

use tailbed_format::facts::Accelerator;
use tailbed_plan::step::{Boot, Machine, VmSpec};

use super::bundle::Bundle;
use crate::guest::{PORT, ROOT_DISK};

/// File descriptors that QEMU is started with. The numbers are high enough to be free in a process that was just started.
pub(super) mod descriptor {
    /// The stream to the agent.
    pub(in super::super) const AGENT: i32 = 100;
    /// The monitor.
    pub(in super::super) const MONITOR: i32 = 101;
    /// The first interface's tap; the others follow.
    pub(in super::super) const FIRST_TAP: i32 = 102;
}

/// Where things lie on this host.
pub(super) struct Place<'a> {
    /// The machine's own folder.
    pub(super) bundle: &'a Bundle,
    /// The kernel image, where one is booted directly.
    pub(super) kernel: Option<&'a Path>,
    /// How the disk is written, where the machine has one: `qcow2`, `raw`.
    pub(super) format: &'a str,
    /// Whether it goes on from the state of another machine instead of booting.
    pub(super) restored: bool,
    /// The mount point of hugetlbfs, where the memory comes from it.
    pub(super) huge_pages: Option<&'a Path>,
    /// Whether the kernel moves the packets (vhost-net) instead of QEMU.
    pub(super) vhost: bool,
}

/// All arguments, in an order a reader can follow.
pub(super) fn arguments(spec: &VmSpec, place: &Place<'_>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut add = |name: &str, value: &str| all.extend([format!("-{name}"), value.to_owned()]);
    add("name", &format!("guest={},debug-threads=on", spec.id));
    let machine = match spec.machine {
        Machine::Q35 => "q35",
        Machine::Microvm => "microvm",
    };
    add("machine", machine);
    // a small cache of translated code is filled sooner and fits the processor's
    let tcg = spec.accelerator == Accelerator::Tcg;
    add("accel", if tcg { "tcg,thread=multi,tb-size=32" } else { "kvm" });
    add("cpu", spec.cpu.as_deref().unwrap_or(if tcg { "max" } else { "host" }));
    add("smp", &spec.vcpus.to_string());
    add("m", &format!("{}k", spec.memory >> 10));
    if let Some(mount) = place.huge_pages {
        add("mem-path", &mount.to_string_lossy());
    }
    if spec.lock_memory {
        add("overcommit", "mem-lock=on");
    }
    add("display", "none");
    add("chardev", &format!("socket,id=monitor,fd={}", descriptor::MONITOR));
    add("mon", "chardev=monitor,mode=control");
    let socket = path(&place.bundle.monitor_socket());
    add("chardev", &format!("socket,id=later,path={socket},server=on,wait=off"));
    add("mon", "chardev=later,mode=control");
    let (socket, log) = (path(&place.bundle.console_socket()), path(&place.bundle.console()));
    add("chardev", &format!("socket,id=console,path={socket},server=on,wait=off,logfile={log},logappend=off"));
    add("serial", "chardev:console");
    // devices without PCI hang on memory-mapped registers
    let bus = if spec.machine == Machine::Q35 { "pci" } else { "device" };
    add("chardev", &format!("socket,id=agent,fd={}", descriptor::AGENT));
    add("device", &format!("virtio-serial-{bus}"));
    add("device", &format!("virtserialport,chardev=agent,name={PORT}"));
    // without its ROM the firmware does not try to boot from a network
    let rom = if spec.machine == Machine::Q35 { ",romfile=" } else { "" };
    for (number, (interface, tap)) in spec.interfaces.iter().zip(descriptor::FIRST_TAP..).enumerate() {
        let vhost = if place.vhost { "on" } else { "off" };
        add("netdev", &format!("tap,id=net{number},fd={tap},vhost={vhost}"));
        add("device", &format!("virtio-net-{bus},netdev=net{number},mac={}{rom}", interface.mac));
    }
    match (&spec.boot, place.kernel) {
        (Boot::Kernel { command_line, root, .. }, Some(kernel)) => {
            add("kernel", &kernel.to_string_lossy());
            add("initrd", &place.bundle.initramfs().to_string_lossy());
            add("append", &self::command_line(spec, command_line, root.is_some()));
            if let Some(root) = root {
                // found in the guest by its serial number, whatever the guest calls it
                let file = path(Path::new(root));
                add("drive", &format!("if=none,id=root,readonly=on,format={},file={file}", place.format));
                add("device", &format!("virtio-blk-{bus},drive=root,serial={ROOT_DISK}"));
            }
        }
        (Boot::Disk { image }, _) => {
            // what the guest writes goes to a file without a name, which ends with QEMU
            add("drive", &format!("if=virtio,snapshot=on,format={},file={}", place.format, path(Path::new(image))));
            let seed = path(&place.bundle.seed());
            add("drive", &format!("if=virtio,format=raw,readonly=on,file.driver=vvfat,file.label=cidata,file.dir={seed}"));
        }
        (Boot::Kernel { .. }, None) => {}
    }
    if place.restored {
        add("incoming", "defer");
    }
    let flags =
        ["-nodefaults", "-no-user-config", "-no-reboot", "-S"].into_iter().chain(spec.preallocate.then_some("-mem-prealloc"));
    all.extend(flags.map(str::to_owned));
    all.extend(spec.arguments.iter().cloned());
    all
}

/// What the kernel is told: its console, to end at once when it panics, to unpack into a file system that may take more than half of the
/// memory (a tmpfs may not; `init_rootfs` in init/do_mounts.c), what the machine needs, what the user added. What stands behind
/// `--` is for /init (Documentation/admin-guide/kernel-parameters.rst).
fn command_line(spec: &VmSpec, added: &str, root: bool) -> String {
    let mut words = vec!["console=ttyS0 quiet panic=-1 rootfstype=ramfs".to_owned()];
    if spec.machine == Machine::Microvm && spec.accelerator == Accelerator::Tcg {
        // there is no timer it could measure its clock against: told the rate, it does not wait for one
        words.push("tsc_early_khz=2000000 tsc=reliable no_timer_check".to_owned());
    }
    words.extend((!added.is_empty()).then(|| added.to_owned()));
    words.push("--".to_owned());
    words.extend(root.then(|| ROOT_DISK.to_owned()));
    words.extend(guest_arguments(spec));
    words.join(" ")
}

/// What this binary is told in the guest.
pub(super) fn guest_arguments(spec: &VmSpec) -> Vec<String> {
    let interfaces = spec.interfaces.iter().flat_map(|interface| {
        let mtu = interface.mtu.map_or(String::new(), |mtu| format!("/{mtu}"));
        ["--interface".to_owned(), format!("{}={}{mtu}", interface.name, interface.mac)]
    });
    ["guest".to_owned()].into_iter().chain(interfaces).collect()
}

/// A path as part of an option, where a comma ends a value.
fn path(path: &Path) -> String {
    path.to_string_lossy().replace(',', ",,")
}

#[cfg(test)]
pub(super) mod tests {
    use tailbed_format::mac::MacAddress;
    use tailbed_plan::step::{GuestInterface, Kernel};

    use super::*;

    pub(in super::super) fn spec() -> VmSpec {
        VmSpec {
            id: "tb-1-dut".to_owned(),
            accelerator: Accelerator::Tcg,
            machine: Machine::Q35,
            cpu: None,
            vcpus: 2,
            cpus: vec![1],
            priority: Some(49),
            memory: 256 << 20,
            hugepages: false,
            preallocate: false,
            lock_memory: false,
            boot: Boot::Kernel { kernel: Kernel::Newest, command_line: String::new(), root: None },
            interfaces: vec![GuestInterface {
                name: "in".to_owned(),
                mac: MacAddress::local(1, 1),
                mtu: None,
                tap_namespace: Some("tb-1-generator".to_owned()),
                tap: "tx".to_owned(),
            }],
            arguments: Vec::new(),
            boot_timeout: 60_000_000_000,
        }
    }

    fn lines(spec: &VmSpec, huge_pages: Option<&Path>, vhost: bool) -> String {
        let bundle = Bundle::of(&spec.id);
        let place = Place {
            bundle: &bundle,
            kernel: Some(Path::new("/boot/vmlinuz-6")),
            format: "qcow2",
            restored: false,
            huge_pages,
            vhost,
        };
        arguments(spec, &place).join(" ").replace(" -", "\n-")
    }

    #[test]
    fn a_machine_with_pci_that_boots_a_kernel() {
        let expected = "-name guest=tb-1-dut,debug-threads=on\n\
            -machine q35\n\
            -accel tcg,thread=multi,tb-size=32\n\
            -cpu max\n\
            -smp 2\n\
            -m 262144k\n\
            -display none\n\
            -chardev socket,id=monitor,fd=101\n\
            -mon chardev=monitor,mode=control\n\
            -chardev socket,id=later,path=/run/tailbed/tb-1-dut/monitor.sock,server=on,wait=off\n\
            -mon chardev=later,mode=control\n\
            -chardev socket,id=console,path=/run/tailbed/tb-1-dut/console.sock,server=on,wait=off,\
            logfile=/run/tailbed/tb-1-dut/console.log,logappend=off\n\
            -serial chardev:console\n\
            -chardev socket,id=agent,fd=100\n\
            -device virtio-serial-pci\n\
            -device virtserialport,chardev=agent,name=tailbed\n\
            -netdev tap,id=net0,fd=102,vhost=off\n\
            -device virtio-net-pci,netdev=net0,mac=02:01:00:00:00:01,romfile=\n\
            -kernel /boot/vmlinuz-6\n\
            -initrd /run/tailbed/tb-1-dut/initramfs\n\
            -append console=ttyS0 quiet panic=-1 rootfstype=ramfs\n\
            -- guest\n\
            --interface in=02:01:00:00:00:01\n\
            -nodefaults\n-no-user-config\n-no-reboot\n-S";
        assert_eq!(lines(&spec(), None, false), expected);
    }

    #[test]
    fn a_microvm_is_told_its_clock_only_when_it_is_emulated() {
        let mut spec = VmSpec { machine: Machine::Microvm, ..spec() };
        let emulated = lines(&spec, None, false);
        assert!(
            emulated.contains("panic=-1 rootfstype=ramfs tsc_early_khz=2000000 tsc=reliable no_timer_check\n--"),
            "{emulated}"
        );
        assert!(emulated.contains("virtio-net-device,netdev=net0,mac=02:01:00:00:00:01\n"), "{emulated}");
        spec.accelerator = Accelerator::Kvm;
        let real = lines(&spec, None, true);
        assert!(real.contains("-accel kvm\n-cpu host\n") && !real.contains("tsc") && real.contains("vhost=on"), "{real}");
    }

    #[test]
    fn memory_is_huge_touched_and_locked_and_arguments_come_last() {
        let arguments = vec!["-device".to_owned(), "virtio-rng-pci".to_owned()];
        let spec = VmSpec { hugepages: true, preallocate: true, lock_memory: true, arguments, ..spec() };
        let said = lines(&spec, Some(Path::new("/dev/hugepages")), false);
        assert!(said.contains("-mem-path /dev/hugepages\n-overcommit mem-lock=on\n"), "{said}");
        assert!(said.ends_with("-S\n-mem-prealloc\n-device virtio-rng-pci"), "{said}");
    }

    #[test]
    fn a_root_is_attached_read_only_and_the_guest_is_told() {
        let root = Some("/a,b.image/vm.qcow2".to_owned());
        let boot = Boot::Kernel { kernel: Kernel::Newest, command_line: "quiet".to_owned(), root };
        let mut spec = VmSpec { boot, ..spec() };
        let said = lines(&spec, None, false);
        let drive = "-drive if=none,id=root,readonly=on,format=qcow2,file=/a,,b.image/vm.qcow2\n";
        assert!(said.contains(drive), "{said}");
        assert!(said.contains("-device virtio-blk-pci,drive=root,serial=tailbed-root\n"), "{said}");
        assert!(said.contains("panic=-1 rootfstype=ramfs quiet\n-- tailbed-root guest\n--interface in="), "{said}");
        spec.machine = Machine::Microvm;
        assert!(lines(&spec, None, false).contains("-device virtio-blk-device,drive=root,"));
    }

    #[test]
    fn a_disk_is_never_written_to_and_brings_a_seed() {
        let spec = VmSpec { boot: Boot::Disk { image: "/a,b.qcow2".to_owned() }, ..spec() };
        let said = lines(&spec, None, false);
        assert!(said.contains("-drive if=virtio,snapshot=on,format=qcow2,file=/a,,b.qcow2\n"), "{said}");
        assert!(said.contains("file.label=cidata,file.dir=/run/tailbed/tb-1-dut/seed\n") && !said.contains("-append"), "{said}");
    }
}
