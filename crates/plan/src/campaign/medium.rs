//! Links that are no plain pair: what is made for them, and what the agents at their ends are told.

use tailbed_format::mac::MacAddress;
use tailbed_format::memory::{Geometry, MemoryPort, Side};

use super::network::{Interface, named};
use crate::setup::{End, Medium, Node, Port, Via};
use crate::step::{AgentEnvironment, MacvlanParent, MemoryLink, Step, Tap, VethEnd, Volume};

/// Kind of [`MacAddress::local`] that the host's side of a bridge's ports has. A bridge keeps frames for the addresses of its own ports to
/// itself, so it is neither one that an interface has nor one that frames are sent to.
const HOST_SIDE: u8 = 3;

/// The address of the host's side of an interface's link.
pub(super) fn host_side(MacAddress([_, _, number @ ..]): MacAddress) -> MacAddress {
    MacAddress::local(HOST_SIDE, u32::from_be_bytes(number))
}

/// Tells every link what it is made of. A macvlan interface is delivered only what is sent to its own address (`macvlan_hash_lookup` in
/// drivers/net/macvlan.c): frames that are to arrive there are sent to it.
pub(super) fn with_media(mut links: Vec<[Interface; 2]>, via: &[Via]) -> Vec<[Interface; 2]> {
    for (ends, via) in links.iter_mut().zip(via) {
        for end in ends {
            end.medium = via.medium.clone();
            if matches!(end.medium, Medium::Macvlan { .. }) {
                end.towards = end.veth.mac;
            }
        }
    }
    links
}

/// Whether a link has a namespace of its own in the middle, where a bridge or a parent lies.
pub(super) fn has_middle([near, far]: &[Interface; 2]) -> bool {
    match near.medium {
        Medium::Veth => near.guest && far.guest,
        Medium::Bridge | Medium::Macvlan { parent: None } => true,
        Medium::Macvlan { parent: Some(_) } | Medium::Memory { .. } => false,
    }
}

/// Names of a bridge's ports, in the namespace in the middle.
pub(super) const PORTS: [&str; 2] = ["near", "far"];

/// A bridge in the middle, and what joins each end to it: a pair, or a machine's tap.
pub(super) fn bridged(ends: &[Interface; 2], middle: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = ends.iter().zip(PORTS).map(|(end, name)| port(end, middle, name)).collect();
    let ports = PORTS.map(str::to_owned).to_vec();
    steps.push(Step::MakeBridge { namespace: middle.to_owned(), name: "bridge".to_owned(), ports });
    steps
}

fn port(of: &Interface, middle: &str, name: &str) -> Step {
    let side =
        VethEnd { namespace: Some(middle.to_owned()), name: name.to_owned(), mac: host_side(of.veth.mac), mtu: of.veth.mtu };
    if of.guest {
        let VethEnd { namespace, name, mac, mtu } = side;
        return Step::MakeTap(Tap { namespace, name, mac, mtu });
    }
    Step::MakeVeth { ends: [of.veth.clone(), side] }
}

/// Two macvlan interfaces: of an interface of the host's, or of a pair made in the middle.
pub(super) fn macvlans(ends: &[Interface; 2], middle: &str, parent: Option<&String>) -> Vec<Step> {
    let [near, far] = ends;
    let (made, parent) = if let Some(name) = parent {
        (None, MacvlanParent { namespace: None, name: name.clone() })
    } else {
        let end = |name: &str, of: &Interface| VethEnd {
            namespace: Some(middle.to_owned()),
            name: name.to_owned(),
            mac: host_side(of.veth.mac),
            mtu: of.veth.mtu,
        };
        // the kernel's own device for this, dummy, is missing on some; of a pair, the parent's frames to elsewhere end at the other end
        let pair = Step::MakeVeth { ends: [end("parent", near), end("void", far)] };
        (Some(pair), MacvlanParent { namespace: Some(middle.to_owned()), name: "parent".to_owned() })
    };
    let macvlan = |end: &Interface| Step::MakeMacvlan { parent: parent.clone(), end: end.veth.clone() };
    made.into_iter().chain(ends.iter().map(macvlan)).collect()
}

/// MTU of interfaces that are not told any.
const USUAL_MTU: u32 = 1500;

/// The file that both ends share; `None` for links of another kind.
fn memory_link(number: usize, [near, _]: &[Interface; 2], token: &str) -> Option<MemoryLink> {
    let Medium::Memory { slots, hugepages } = near.medium else { return None };
    let geometry = Geometry::for_mtu(slots, near.veth.mtu.unwrap_or(USUAL_MTU));
    // no node's name holds a dot
    Some(MemoryLink { id: named(token, &format!("link{number}.memory")), geometry, hugepages })
}

/// The steps that make links in shared memory: before any environment that is to see them.
pub(super) fn memory_steps(links: &[[Interface; 2]], token: &str) -> Vec<Step> {
    let made = links.iter().enumerate().filter_map(|(number, ends)| memory_link(number, ends, token));
    made.map(Step::MakeMemory).collect()
}

/// A port in shared memory, and the link that it is an end of.
struct Own<'a> {
    number: usize,
    link: MemoryLink,
    end: &'a Interface,
    peer: &'a Interface,
    side: Side,
}

/// Every end in shared memory that is one of these.
fn own<'a>(links: &'a [[Interface; 2]], token: &str, is_own: impl Fn(End) -> bool) -> Vec<Own<'a>> {
    let mut found = Vec::new();
    for (number, ends) in links.iter().enumerate() {
        let Some(link) = memory_link(number, ends, token) else { continue };
        let [near, far] = ends;
        for (end, peer, side) in [(near, far, Side::Near), (far, near, Side::Far)] {
            if is_own(end.end) {
                found.push(Own { number, link: link.clone(), end, peer, side });
            }
        }
    }
    found
}

/// What an agent outside of all environments is told of its ends.
pub(super) fn generator_ports(links: &[[Interface; 2]], token: &str) -> Vec<MemoryPort> {
    let own = own(links, token, |end| matches!(end, End::Generator | End::Sink));
    own.iter().map(|own| own.port(own.link.path(), false)).collect()
}

/// What the agent of a node is told of its ends: where it sees the files depends on its environment.
pub(super) fn node_ports(number: usize, node: &Node, links: &[[Interface; 2]], token: &str) -> Vec<MemoryPort> {
    use crate::setup::Environment;
    let path = |own: &Own<'_>| match node.environment {
        Environment::Host { .. } | Environment::Simulated(_) => own.link.path(),
        Environment::Container { .. } | Environment::Lxc(_) | Environment::Docker(_) => own.inside(),
        Environment::Vm { .. } => own.in_machine(),
    };
    own(links, token, of_node(number)).iter().map(|own| own.port(path(own), own.end.guest)).collect()
}

fn of_node(number: usize) -> impl Fn(End) -> bool {
    move |end| matches!(end, End::Node(node, Port::In | Port::Out) if node == number)
}

/// The first slot of a machine's PCI bus that shared memory has: further than what QEMU gives out by itself.
const FIRST_SLOT: usize = 0x10;

impl Own<'_> {
    fn port(&self, path: String, own_kernel: bool) -> MemoryPort {
        MemoryPort { name: self.end.veth.name.clone(), path, side: self.side, apart: own_kernel || self.peer.guest }
    }

    /// Where a container sees the file.
    fn inside(&self) -> String {
        format!("/.tailbed-link{}", self.number)
    }

    /// The slot of the machine's PCI bus.
    fn slot(&self) -> usize {
        FIRST_SLOT + usize::from(self.end.end != End::Node(self.node(), Port::In))
    }

    fn node(&self) -> usize {
        match self.end.end {
            End::Node(node, _) => node,
            End::Generator | End::Sink => 0,
        }
    }

    /// Where a machine's kernel shows the memory of the PCI device (Documentation/PCI/sysfs-pci.rst).
    fn in_machine(&self) -> String {
        format!("/sys/bus/pci/devices/0000:00:{:02x}.0/resource2", self.slot())
    }
}

/// Passes the files of a node's links on to its environment.
pub(super) fn passed_in(number: usize, environment: AgentEnvironment, links: &[[Interface; 2]], token: &str) -> AgentEnvironment {
    let own = own(links, token, of_node(number));
    let volume = |own: &Own<'_>| Volume { source: own.link.path(), target: own.inside(), read_only: false, made: true };
    match environment {
        AgentEnvironment::Container(mut spec) => {
            spec.volumes.extend(own.iter().map(volume));
            AgentEnvironment::Container(spec)
        }
        AgentEnvironment::Docker(mut spec) => {
            spec.volumes.extend(own.iter().map(volume));
            AgentEnvironment::Docker(spec)
        }
        AgentEnvironment::Lxc(mut spec) => {
            let entry = |own: &Own<'_>| {
                let target = own.inside();
                format!("lxc.mount.entry = {} {} none bind,create=file 0 0", own.link.path(), target.trim_start_matches('/'))
            };
            spec.config.extend(own.iter().map(entry));
            AgentEnvironment::Lxc(spec)
        }
        AgentEnvironment::Vm(mut spec) => {
            // docs/specs/ivshmem-spec.rst of QEMU: memory that a machine shares, as a region of a PCI device
            for own in &own {
                let (link, size, path) = (own.number, own.link.size(), own.link.path());
                spec.arguments.extend([
                    "-object".to_owned(),
                    format!("memory-backend-file,id=link{link},size={size},mem-path={path},share=on"),
                    "-device".to_owned(),
                    format!("ivshmem-plain,memdev=link{link},addr={:#x}", own.slot()),
                ]);
            }
            AgentEnvironment::Vm(spec)
        }
        AgentEnvironment::Host => AgentEnvironment::Host,
    }
}
