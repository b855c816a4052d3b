//! What takes a step back.

use serde::{Deserialize, Serialize};

use super::{LinkAddress, Step, ThreadMove, ThreadPriority, Tuning, Unplug, Untrack};

/// The counterpart of one [`Step`]. It removes only what that step made, by the name the step gave it, or writes back what was read
/// before; doing it when there is nothing left to do is no failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undo {
    /// Write back the value that was read before the step.
    RestoreSetting {
        /// Absolute path below /proc/sys or /sys.
        path: String,
    },
    /// Let a thread of the kernel's run where it ran before.
    RestoreThread {
        /// Its name.
        thread: String,
    },
    /// Give a thread of the kernel's the policy and the priority that it had before.
    RestorePriority {
        /// Its name.
        thread: String,
    },
    /// Set an interface as it was before; one that lies in a namespace of ours goes with it.
    Untune {
        /// The namespace; `None` for the host's own.
        namespace: Option<String>,
        /// Its name.
        interface: String,
    },
    /// Close the socket that a table of nftables belongs to.
    Track {
        /// The namespace; `None` for the host's own.
        namespace: Option<String>,
        /// The table.
        table: String,
    },
    /// Close the file that kept the processors awake.
    ReleaseLatency,
    /// Have a processor run.
    PlugCpu {
        /// Its number.
        cpu: usize,
    },
    /// Nothing: an agent is in its control group until it ends.
    LeaveCgroup {
        /// The node.
        node: String,
    },
    /// Nothing: what ran in a node ends with it.
    ForgetInside {
        /// The node.
        node: String,
    },
    /// Delete a network namespace by its name, and with it every interface that lies in it.
    DeleteNamespace {
        /// Its name below /run/netns.
        name: String,
    },
    /// Remove a control group, once empty, in every hierarchy it was made in, and the `tb-<token>` above it when nothing else is left there.
    RemoveCgroup {
        /// Path below the root of the hierarchy.
        path: String,
    },
    /// Delete an interface that lies in a namespace, or in the host's own. Of a pair of virtual Ethernet interfaces it is the first end,
    /// and the kernel deletes both when one goes (veth(4)).
    DeleteInterface {
        /// The namespace; `None` for the host's own.
        namespace: Option<String>,
        /// Its name.
        name: String,
    },
    /// Take an address off an interface, with the entry for the other end of its link. The interface is ours, so settings go with it.
    RemoveAddress(LinkAddress),
    /// Tell a network card to stamp what it was told to stamp before the step.
    RestoreStamps {
        /// The network namespace the interface lies in; `None` for the host's own.
        namespace: Option<String>,
        /// Its name there.
        interface: String,
    },
    /// Unmount the file system of a link in shared memory, which takes its file with it, and remove the folder.
    RemoveMemory {
        /// The link's name on the host.
        id: String,
    },
    /// Remove what an environment was provisioned with.
    RemoveNode {
        /// The kind of environment.
        kind: String,
        /// Its name on the host.
        id: String,
    },
    /// End an agent and its environment, by force when they do not leave.
    StopAgent {
        /// The node.
        node: String,
        /// The kind of environment.
        kind: String,
        /// The name of the environment on the host, where it has one.
        id: Option<String>,
    },
}

impl Step {
    /// What takes this step back.
    pub fn undo(&self) -> Undo {
        match self {
            Self::WriteSetting(setting) => Undo::RestoreSetting { path: setting.path.clone() },
            Self::MoveThread(ThreadMove { thread, .. }) => Undo::RestoreThread { thread: thread.clone() },
            Self::PrioritizeThread(ThreadPriority { thread, .. }) => Undo::RestorePriority { thread: thread.clone() },
            Self::TuneInterface(Tuning { namespace, interface, .. }) => {
                Undo::Untune { namespace: namespace.clone(), interface: interface.clone() }
            }
            Self::Untrack(Untrack { namespace, table, .. }) => Undo::Track { namespace: namespace.clone(), table: table.clone() },
            Self::HoldLatency { .. } => Undo::ReleaseLatency,
            Self::UnplugCpu(Unplug { cpu, .. }) => Undo::PlugCpu { cpu: *cpu },
            Self::JoinCgroup { node, .. } => Undo::LeaveCgroup { node: node.clone() },
            Self::ConfineGroup(limit) => Undo::RestoreSetting { path: limit.path() },
            Self::ConfineInside { node, .. } => Undo::ForgetInside { node: node.clone() },
            Self::MakeNamespace { name } => Undo::DeleteNamespace { name: name.clone() },
            Self::MakeVeth { ends: [first, _] } => {
                Undo::DeleteInterface { namespace: first.namespace.clone(), name: first.name.clone() }
            }
            Self::MakeCgroup(spec) => Undo::RemoveCgroup { path: spec.path.clone() },
            Self::MakeTap(tap) => Undo::DeleteInterface { namespace: tap.namespace.clone(), name: tap.name.clone() },
            Self::MakeMacvlan { end, .. } => Undo::DeleteInterface { namespace: end.namespace.clone(), name: end.name.clone() },
            Self::MakeMemory(link) => Undo::RemoveMemory { id: link.id.clone() },
            Self::StampInHardware { namespace, interface } => {
                Undo::RestoreStamps { namespace: namespace.clone(), interface: interface.clone() }
            }
            Self::GiveAddress(address) => Undo::RemoveAddress(address.clone()),
            Self::MakeBridge { namespace, name, .. } => {
                Undo::DeleteInterface { namespace: Some(namespace.clone()), name: name.clone() }
            }
            Self::ProvisionNode { environment, .. } | Self::CloneNode { environment, .. } => {
                Undo::RemoveNode { kind: environment.kind().to_owned(), id: environment.id().unwrap_or_default().to_owned() }
            }
            Self::StartAgent { node, environment, .. } => Undo::StopAgent {
                node: node.clone(),
                kind: environment.kind().to_owned(),
                id: environment.id().map(str::to_owned),
            },
        }
    }
}
