//! Whether packets go by UDP sockets, and what can then be measured: the headers on the wire are the kernel's, so nothing may depend on them.

use tailbed_format::function::Function;
use tailbed_format::port::{Ports, ReceivePort, SendPort};
use tailbed_format::traffic::{Flows, Pattern};
use tailbed_format::udp::UdpPort;

use super::{Environment, Medium, Node, Purpose, SearchGoals, Setup};
use crate::experiment::Experiment;
use crate::text::Span;
use crate::text::error::Fault;
use crate::text::tree::{self, Table};

/// What the ports of the load generator and of the nodes were asked to be, each with where that is written.
struct Asked<'a> {
    ports: Vec<(Ports, Vec<&'a str>)>,
}

impl<'a> Asked<'a> {
    /// A program in a node's place has ports of its own.
    fn of(experiment: &'a Experiment, setup: &Setup) -> Self {
        let load = match (&experiment.throughput, &experiment.traffic) {
            (Some(search), _) => Some((search.port, vec!["throughput", "port"])),
            (None, Some(traffic)) => Some((traffic.port, vec!["traffic", "port"])),
            (None, None) => None,
        };
        let forwarders = experiment.nodes.0.iter().zip(&setup.nodes).filter(|(_, node)| !node.is_program());
        let nodes = forwarders.map(|((name, node), _)| (node.port, vec!["nodes", name.as_str(), "port"]));
        Self { ports: load.into_iter().chain(nodes).collect() }
    }

    /// Where a UDP socket is asked for.
    fn udp(&self, tree: &Table<'_>) -> Option<Span> {
        let (_, path) = self.ports.iter().find(|(ports, _)| ports.any_udp())?;
        Some(tree::span(tree, path))
    }

    /// Where something else is.
    fn other(&self, tree: &Table<'_>) -> Option<Span> {
        let (_, path) = self.ports.iter().find(|(ports, _)| ports.or(Ports::UDP) != Ports::UDP)?;
        Some(tree::span(tree, path))
    }

    fn nothing(&self) -> bool {
        self.ports.iter().all(|(ports, _)| *ports == Ports { send: SendPort::Auto, receive: ReceivePort::Auto })
    }
}

/// Has all packets go by UDP sockets where one is asked for, or where nothing is said of ports and no packet socket can be opened; refuses
/// what cannot be measured so. A path is of one kind from end to end.
pub(super) fn settle(
    mut setup: Setup,
    experiment: &Experiment,
    no_packet_sockets: Option<&str>,
    tree: &Table<'_>,
) -> Result<Setup, Fault> {
    if setup.simulated().is_some() || setup.load().is_none() {
        return Ok(setup);
    }
    let asked = Asked::of(experiment, &setup);
    let wanted = asked.udp(tree);
    let interfaces = setup.via.iter().any(|via| !matches!(via.medium, Medium::Memory { .. }));
    let refused = no_packet_sockets.filter(|_| asked.nothing() && interfaces);
    if wanted.is_none() && refused.is_none() {
        return Ok(setup);
    }
    if let (Some(wanted), Some(other)) = (&wanted, asked.other(tree)) {
        return Err(Fault::file("a UDP socket sends only to UDP sockets, and the path has other ports as well")
            .at(other, "another port")
            .beside(wanted.clone(), "a UDP socket")
            .help(
                "leave the other ports out: without a word they follow; or write port = { send = \"udp\", receive = \"udp\" }",
            ));
    }
    let because = |fault: Fault| {
        match (wanted.clone(), refused) {
        (Some(wanted), _) => fault.beside(wanted, "packets go by UDP sockets"),
        (None, Some(reason)) => fault.of_this_host().help(format!(
            "packets would go by UDP sockets, since no packet socket can be opened here: {reason}; run it as root with CAP_NET_RAW, or \
             write the ports that you want"
        )),
        (None, None) => fault,
    }
    };
    possible(&setup, tree).map_err(because)?;
    setup.no_packet_sockets = refused.map(str::to_owned);
    if let Purpose::Traffic(load) | Purpose::Search(SearchGoals { load, .. }) = &mut setup.purpose {
        load.ports = Ports::UDP;
    }
    setup.nodes.iter_mut().for_each(|node| node.forwarding.ports = Ports::UDP);
    Ok(setup)
}

fn possible(setup: &Setup, tree: &Table<'_>) -> Result<(), Fault> {
    setup.nodes.iter().try_for_each(|node| forwards(node, tree))?;
    if let Some(via) = setup.via.iter().find(|via| matches!(via.medium, Medium::Memory { .. })) {
        return Err(Fault::file("a link in shared memory has no UDP sockets at its ends")
            .at(tree::span(tree, &["links", &via.name, "kind"]), "no interface")
            .help("use another kind of link"));
    }
    if setup.via.len() > UdpPort::MOST_LINKS {
        return Err(Fault::file(format!("{} links have no addresses", setup.via.len()))
            .help(format!("at most {} links can have UDP sockets at their ends", UdpPort::MOST_LINKS)));
    }
    let streams = setup.load().map_or(&[][..], |load| &load.streams);
    for stream in streams {
        let (own, shared) = (["traffic", "streams", stream.name.trim_end_matches("-back")], ["traffic"]);
        let at = |key: &str| {
            let path = [&own[..], &[key]].concat();
            if tree::get(tree, &path).is_some() {
                tree::span(tree, &path)
            } else {
                tree::span(tree, &[&shared[..], &[key]].concat())
            }
        };
        if matches!(stream.shape.pattern, Pattern::Replay(_)) {
            return Err(Fault::file("the packets of a capture cannot be sent by a UDP socket, which writes headers of its own")
                .at(at("pattern"), "the replay")
                .help("leave the port out, and run it where packet sockets can be opened"));
        }
        let flows = &stream.shape.flows;
        let plain = Flows { count: flows.count, ..Flows::default() };
        // as the other way of a stream has them
        let exchanged = Flows {
            source: plain.destination,
            destination: plain.source,
            source_port: plain.destination_port,
            destination_port: plain.source_port,
            ..plain.clone()
        };
        if *flows != plain && *flows != exchanged {
            return Err(Fault::file(
                "a UDP socket writes its own addresses, ports and no VLAN tags, and the flows ask for others",
            )
            .at(at("flows"), "headers that no packet would have")
            .help("leave out all but `count`: packets of several flows are told apart by what they hold"));
        }
    }
    Ok(())
}

/// Whether what a node does can be done to payloads.
fn forwards(node: &Node, tree: &Table<'_>) -> Result<(), Fault> {
    let at = |key: &str| tree::span(tree, &["nodes", &node.name, key]);
    if let Environment::Vm { .. } = node.environment {
        return Err(Fault::file(format!("node `{}` is a virtual machine, whose interfaces are given no addresses", node.name))
            .at(at("environment"), "cannot have UDP sockets")
            .help("use another environment, or leave the port out"));
    }
    if node.is_program() {
        return Ok(());
    }
    let name = match node.forwarding.function {
        Function::None | Function::Reflect => {
            return if node.forwarding.workers == 1 {
                Ok(())
            } else {
                Err(Fault::file(format!(
                    "node `{}` cannot share a UDP socket among {} workers",
                    node.name, node.forwarding.workers
                ))
                .at(at("workers"), "all packets of a link are one flow")
                .help("write workers = 1"))
            };
        }
        Function::L2fwd => "l2fwd",
        Function::L3fwd { .. } => "l3fwd",
        Function::Bng(_) => "bng",
        Function::Filter { .. } => "filter",
    };
    Err(Fault::file(format!(
        "node `{}` has the function `{name}`, which works on headers, and a UDP socket hands over none",
        node.name
    ))
    .at(at("forward"), "works on headers")
    .help("write forward = \"none\", which passes each payload on, or forward = \"reflect\", which sends it back"))
}
