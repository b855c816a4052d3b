//! Steps: each one thing done to the host, with what takes it back and the shell line a person would type for it.

mod environment;
mod group;
mod huge_pages;
mod link;
mod setting;
mod shell;
mod tuning;
mod undo;
mod untrack;

use serde::{Deserialize, Serialize};
use tailbed_format::mac::MacAddress;

pub use environment::{
    AgentEnvironment, Boot, Confinement, ContainerSpec, DockerSpec, GuestInterface, Hardware, Kernel, LxcSource, LxcSpec,
    Machine, Masks, Seccomp, VmSpec, Volume,
};
pub use group::{Exclusive, GroupLimit, Partition};
pub use huge_pages::HugePageLimit;
pub use link::{LinkAddress, MacvlanParent, MemoryLink};
pub use setting::{Form, Setting, ThreadMove, ThreadPriority, Unplug};
pub use tuning::{Tunable, Tuning};
pub use undo::Undo;
pub use untrack::Untrack;

/// One thing done to the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Write a kernel setting of the host; the value read before is written back afterwards.
    WriteSetting(Setting),
    /// Have the kernel keep no connections of what comes in by interfaces.
    Untrack(Untrack),
    /// Tune an interface as ethtool(8) does.
    TuneInterface(Tuning),
    /// Have a thread of the kernel's run on some cores only; the cores read before are given back afterwards.
    MoveThread(ThreadMove),
    /// Give a thread of the kernel's a real-time priority; the policy and priority read before are given back afterwards.
    PrioritizeThread(ThreadPriority),
    /// Ask the processors to be awake within a time, for as long as the run lasts (Documentation/power/pm_qos_interface.rst): a file that
    /// is held open.
    HoldLatency {
        /// Microseconds; 0 keeps every processor from any idle state that it must wake from.
        microseconds: u32,
        /// The knob that asks for it.
        knob: String,
    },
    /// Take a processor off, for the run or only to have its timers and tasks leave it (Documentation/core-api/cpu_hotplug.rst).
    UnplugCpu(Unplug),
    /// Make a network namespace that has a name below /run/netns. Its loopback interface stays down, and IPv6 is off in it so that
    /// neighbour discovery does not mix with the traffic.
    MakeNamespace {
        /// Its name.
        name: String,
    },
    /// Make a pair of virtual Ethernet interfaces, each end in its namespace, up.
    MakeVeth {
        /// Both ends.
        ends: [VethEnd; 2],
    },
    /// Make a tap that outlives whoever made it, up: a virtual machine's interface is its other end (tuntap.rst in the kernel's
    /// documentation).
    MakeTap(Tap),
    /// Make a bridge that joins interfaces of one namespace, up, without spanning tree.
    MakeBridge {
        /// The namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// Interfaces it joins.
        ports: Vec<String>,
    },
    /// Make a macvlan interface in bridge mode (`ip-link`(8)), up: it is delivered what is sent to its own address.
    MakeMacvlan {
        /// What it hangs on.
        parent: MacvlanParent,
        /// Where it lies.
        end: VethEnd,
    },
    /// Make a link in memory that both of its ends share: a file of two empty rings in a file system of its own.
    MakeMemory(MemoryLink),
    /// Give an interface the address of its end of a link, and tell it where the other end is.
    GiveAddress(LinkAddress),
    /// Have the network card of an interface stamp every frame that comes in (`SIOCSHWTSTAMP`, netdevice(7); kernel documentation,
    /// networking/timestamping); what it was told before is told to it again afterwards.
    StampInHardware {
        /// The network namespace the interface lies in; `None` for the host's own.
        namespace: Option<String>,
        /// Its name there.
        interface: String,
    },
    /// Make a control group.
    MakeCgroup(CgroupSpec),
    /// Have the agent of a node, which a later step starts, start in a control group that an earlier one has made.
    JoinCgroup {
        /// The node.
        node: String,
        /// Path of the group below the root of the hierarchy.
        path: String,
    },
    /// Have all tasks of a control group of version 2, and of the groups below it, run on some cores only.
    ConfineGroup(GroupLimit),
    /// Have what runs in a node besides its agent run on some of its cores only.
    ConfineInside {
        /// The node.
        node: String,
        /// The cores.
        cpus: Vec<usize>,
        /// The knob that asks for it.
        knob: String,
    },
    /// Make what an environment needs to start and what stays when it stops: root file system, disk, configuration.
    ProvisionNode {
        /// The node.
        node: String,
        /// The environment.
        environment: AgentEnvironment,
    },
    /// Make an environment out of another that runs: what is shared is not copied.
    CloneNode {
        /// The node.
        node: String,
        /// The environment to make.
        environment: AgentEnvironment,
        /// The name, on the host, of the one it is made out of.
        from: String,
    },
    /// Start an environment with an agent in it: this same binary.
    StartAgent {
        /// The node.
        node: String,
        /// The network namespace it runs in; `None` for the host's own. Made by an earlier step, unless the environment brings its own
        /// ([`AgentEnvironment::brings_namespace`]), which then gets this name.
        namespace: Option<String>,
        /// The environment.
        environment: AgentEnvironment,
    },
}

/// A tap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tap {
    /// The network namespace it lies in; `None` for the host's own.
    pub namespace: Option<String>,
    /// Its name there, at most 15 bytes.
    pub name: String,
    /// The address of the host's side of it.
    pub mac: MacAddress,
    /// The longest packet it carries, bytes, where that is not the kernel's 1 500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
}

/// One end of a pair of virtual Ethernet interfaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VethEnd {
    /// The network namespace it lies in; `None` for the host's own.
    pub namespace: Option<String>,
    /// Its name there, at most 15 bytes.
    pub name: String,
    /// Its address.
    pub mac: MacAddress,
    /// The longest packet it carries, bytes, where that is not the kernel's 1 500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u32>,
}

/// A control group and its limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CgroupSpec {
    /// Path below the root of the hierarchy, `tb-<token>/<node>`, without a leading slash.
    pub path: String,
    /// Cores its tasks may run on; empty leaves them alone.
    pub cpus: Vec<usize>,
    /// NUMA nodes its tasks may have memory from; empty leaves them alone.
    pub memory_nodes: Vec<usize>,
    /// The most memory its tasks may have, bytes.
    pub memory: Option<u64>,
    /// The most memory its tasks may have in huge pages, which the limit above leaves out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub huge_pages: Vec<HugePageLimit>,
    /// How far its cores are kept from others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclusive: Option<Exclusive>,
}

impl CgroupSpec {
    /// One that limits its tasks to cores and the memory of NUMA nodes, and nothing else.
    pub fn of_cores(path: String, cpus: Vec<usize>, memory_nodes: Vec<usize>) -> Self {
        Self { path, cpus, memory_nodes, memory: None, huge_pages: Vec::new(), exclusive: None }
    }
}
