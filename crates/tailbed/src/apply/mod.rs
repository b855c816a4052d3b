//! Doing a step to the host, and taking it back.

mod address;
mod affinity;
mod agent;
mod bridge;
mod cgroup;
mod cookie;
mod environment;
mod ethtool;
mod follower;
mod held;
mod interfaces;
mod kernel_thread;
mod knob;
mod latency;
mod macvlan;
mod memory;
mod namespace;
mod network;
mod not_held;
mod priority;
mod process;
mod seccomp;
mod sequence;
mod setting;
mod stamps;
mod sweep;
mod tap;
mod unplug;
mod untrack;
mod voice;

use std::collections::HashMap;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tailbed_plan::step::{AgentEnvironment, Step};

pub(crate) use agent::{Agent, AgentArguments, Frames, Said, run_as_agent};
pub(crate) use environment::{FOLDER, LXC_SECCOMP, run_as_emulator, run_as_shim, vm};
pub(crate) use follower::run_as_follower;
pub(crate) use held::held;
pub(crate) use interfaces::Interface;
pub(crate) use memory::exists as memory_exists;
pub(crate) use namespace::{disable_ipv6, in_a_namespace_of_its_own};
pub(crate) use not_held::NotHeld;
pub(crate) use process::{Process, follow};
pub(crate) use sequence::{Broken, Done, apply, apply_all, take_back, take_back_all};
pub(crate) use sweep::sweep;
pub(crate) use voice::Voice;

use self::affinity::Affinity;
use self::kernel_thread::Found;
use self::network::Network;
use self::priority::Scheduled;
use self::unplug::CpuBefore;

/// What a step is about to replace, read before it is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Before {
    /// The step only adds.
    Nothing,
    /// A setting's value.
    Value(String),
    /// Where threads may run.
    Threads(Vec<Found<Affinity>>),
    /// How threads are scheduled.
    Priorities(Vec<Found<Scheduled>>),
    /// A processor, and what forgets about it when it goes.
    Cpu(CpuBefore),
}

impl Before {
    /// Reads what a step is about to replace.
    pub(crate) fn of(step: &Step) -> anyhow::Result<Self> {
        match step {
            Step::StampInHardware { namespace, interface } => Ok(Self::Value(stamps::read(namespace.as_deref(), interface)?)),
            knob => knob::before(knob),
        }
    }
}

/// What a step made, by what the kernel knows it by, so that a namesake is never mistaken for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Made {
    /// A network namespace, by its cookie: a number the kernel never gives twice in one boot.
    Namespace {
        /// `SO_NETNS_COOKIE`.
        cookie: u64,
    },
    /// Interfaces in the host's own namespace carry this alias; those in our namespaces go with them.
    Interfaces {
        /// Their alias.
        alias: String,
    },
    /// A file system was mounted for a link in shared memory: its source is the link's name.
    Memory,
    /// A control group, by its folders.
    Cgroup(cgroup::Made),
    /// A setting was written, or says what it should without that; or an address was given to an interface that is ours.
    Setting,
    /// A setting of which the kernel lets nobody have it otherwise, and that may stay.
    Stayed {
        /// What the kernel said.
        reason: String,
    },
    /// What is held by this process, and goes with it.
    Held,
    /// A group was confined to cores.
    Confined {
        /// Whether the controller was switched on for it.
        switched: bool,
    },
    /// An environment was provisioned: it is known by its name, which holds the campaign's token.
    Node,
    /// An environment was started.
    Agent {
        /// Our own child that its life hangs on.
        process: Option<Process>,
        /// The cookie of the network namespace it brought.
        namespace: Option<u64>,
    },
}

/// What came of taking a step back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TakenBack {
    /// It is as before the step.
    Done,
    /// Ours is gone, and what is there now belongs to somebody else, so it is left: a sentence.
    NotOurs(String),
}

/// The host, as far as it takes memory to work on it: open netlink sockets and the agents that run.
pub(crate) struct Host {
    network: Network,
    agents: HashMap<String, Agent>,
    logs: Option<PathBuf>,
    /// Sockets that tables of nftables belong to, by namespace.
    untracked: HashMap<Option<String>, OwnedFd>,
    /// The file that keeps processors awake.
    latency: Option<File>,
    /// Control groups that agents are to start in, by node.
    groups: HashMap<String, String>,
}

impl Host {
    /// Nothing is opened yet.
    pub(crate) fn new() -> anyhow::Result<Self> {
        // before a step takes processors off
        affinity::allowed()?;
        Ok(Self {
            network: Network::new()?,
            agents: HashMap::new(),
            logs: None,
            latency: None,
            untracked: HashMap::new(),
            groups: HashMap::new(),
        })
    }

    /// Agents' error output goes to files in this folder from now on.
    pub(crate) fn log_to(&mut self, folder: &Path) {
        self.logs = Some(folder.to_owned());
    }

    /// The agent a step started.
    pub(crate) fn agent(&mut self, node: &str) -> Option<&mut Agent> {
        self.agents.get_mut(node)
    }

    /// Bytes of what was provisioned for an environment alone, and of the image that it shares with others.
    pub(crate) fn sizes_of(environment: &AgentEnvironment) -> (u64, Option<u64>) {
        (environment::own_size(environment), environment::driver(environment).image_size())
    }

    /// The interfaces of a namespace as they are now.
    pub(crate) fn interfaces(&mut self, namespace: Option<&str>) -> anyhow::Result<Vec<Interface>> {
        self.network.interfaces(namespace)
    }

    /// Tells all agents to leave. Taking their steps back then waits for each.
    pub(crate) fn dismiss(&mut self) {
        self.agents.values().for_each(Agent::dismiss);
    }

    /// Whether this host has what the environments of a plan name, as far as looking tells; nothing is touched.
    pub(crate) fn check(environment: &AgentEnvironment) -> anyhow::Result<()> {
        environment::driver(environment).check()
    }

    /// Whether this host has what a link takes or hangs on, as far as looking tells; nothing is touched.
    pub(crate) fn check_link(step: &Step) -> anyhow::Result<()> {
        match step {
            Step::MakeMemory(link) => memory::check(link),
            Step::MakeMacvlan { parent, .. } => macvlan::check(parent),
            _ => Ok(()),
        }
    }

    /// Does a step. One that fails leaves nothing behind.
    pub(crate) fn apply(&mut self, step: &Step) -> anyhow::Result<Made> {
        match step {
            Step::MakeNamespace { name } => Ok(Made::Namespace { cookie: namespace::make(name)? }),
            Step::MakeVeth { ends } => Ok(Made::Interfaces { alias: self.network.make_veth(ends)? }),
            Step::MakeCgroup(spec) => cgroup::make(spec).map(Made::Cgroup),
            Step::MakeTap(tap) => self.network.make_tap(tap).map(|alias| Made::Interfaces { alias }),
            Step::MakeBridge { namespace, name, ports } => {
                self.network.make_bridge(namespace, name, ports).map(|alias| Made::Interfaces { alias })
            }
            Step::MakeMacvlan { parent, end } => self.network.make_macvlan(parent, end).map(|alias| Made::Interfaces { alias }),
            Step::MakeMemory(link) => memory::make(link).map(|()| Made::Memory),
            Step::GiveAddress(address) => self.network.give_address(address).map(|()| Made::Setting),
            Step::StampInHardware { namespace, interface } => {
                stamps::write(namespace.as_deref(), interface).map(|()| Made::Setting)
            }
            Step::ProvisionNode { node, environment } => {
                let driver = environment::driver(environment);
                let failed =
                    |error: anyhow::Error| agent::and_then(error.context(format!("cannot provision {node}")), driver.remove());
                driver.provision().map(|()| Made::Node).map_err(failed)
            }
            Step::CloneNode { node, environment, from } => {
                let driver = environment::driver(environment);
                let what = || format!("cannot make {node} out of {from}");
                let failed = |error: anyhow::Error| agent::and_then(error.context(what()), driver.remove());
                driver.clone_from(from).map(|()| Made::Node).map_err(failed)
            }
            Step::StartAgent { node, namespace, environment } => {
                let logs = self.logs.as_deref();
                let start = || agent::start(node, namespace.as_deref(), environment, logs);
                let agent = match self.groups.get(node) {
                    Some(group) => cgroup::within(group, start),
                    None => start(),
                }?;
                let process = agent.process().cloned();
                let brought = namespace.as_deref().filter(|_| environment.brings_namespace());
                let adopted = brought.map(|name| namespace::adopt(name, agent.init())).transpose();
                self.agents.insert(node.clone(), agent);
                match adopted {
                    Ok(namespace) => Ok(Made::Agent { process, namespace }),
                    Err(error) => {
                        agent::end(self.agents.remove(node), process.as_ref(), environment)?;
                        Err(error)
                    }
                }
            }
            knob => self.set(knob),
        }
    }

    /// Takes a step back. `made` is `None` when whoever did the step did not live to say what it made: then the name decides, which
    /// holds a token drawn for the campaign.
    pub(crate) fn take_back(&mut self, step: &Step, before: &Before, made: Option<&Made>) -> anyhow::Result<TakenBack> {
        match (step, before, made) {
            // nothing was written; and a bridge goes with its namespace, which a step of its own made
            (Step::StampInHardware { .. }, Before::Nothing, _) | (Step::MakeBridge { .. }, ..) => Ok(TakenBack::Done),
            (Step::MakeNamespace { name }, _, made) => {
                self.network.forget(name);
                let cookie = if let Some(Made::Namespace { cookie }) = made { Some(*cookie) } else { None };
                namespace::delete(name, cookie)
            }
            (Step::MakeVeth { ends }, _, made) => {
                let alias = if let Some(Made::Interfaces { alias }) = made { Some(alias.as_str()) } else { None };
                self.network.delete_veth(ends, alias)
            }
            (Step::MakeCgroup(spec), _, made) => {
                let unknown = cgroup::Made::default();
                cgroup::delete(spec, if let Some(Made::Cgroup(made)) = made { made } else { &unknown })
            }
            (Step::MakeTap(tap), _, made) => {
                let alias = if let Some(Made::Interfaces { alias }) = made { Some(alias.as_str()) } else { None };
                self.network.delete_tap(tap, alias)
            }
            (Step::MakeMacvlan { parent, end }, _, made) => {
                let alias = if let Some(Made::Interfaces { alias }) = made { Some(alias.as_str()) } else { None };
                self.network.delete_macvlan(parent, end, alias)
            }
            (Step::MakeMemory(link), ..) => memory::delete(link),
            (Step::GiveAddress(address), ..) => self.network.remove_address(address),
            (Step::StampInHardware { namespace, interface }, Before::Value(before), _) => {
                stamps::put_back(namespace.as_deref(), interface, before)
            }
            (Step::ProvisionNode { environment, .. } | Step::CloneNode { environment, .. }, ..) => {
                environment::driver(environment).remove().map(|()| TakenBack::Done)
            }
            (Step::StartAgent { node, namespace, environment }, _, made) => {
                let (process, cookie) = match made {
                    Some(Made::Agent { process, namespace }) => (process.as_ref(), *namespace),
                    _ => (None, None),
                };
                let ended = agent::end(self.agents.remove(node), process, environment)?;
                match namespace.as_deref().filter(|_| environment.brings_namespace()) {
                    Some(name) => {
                        self.network.forget(name);
                        namespace::delete(name, cookie)
                    }
                    None => Ok(ended),
                }
            }
            (knob, ..) => self.unset(knob, before, made),
        }
    }
}
