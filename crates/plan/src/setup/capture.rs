//! What is captured, in whole numbers and within what can be done.

use tailbed_format::capture::Stamps;
use tailbed_format::traffic::Pattern;

use super::{Environment, Load, Medium, Node, Purpose, Topology, Via, parts, taken};
use crate::experiment::{Capture, Experiment, Snap, Stamper};
use crate::setup::End;
use crate::text::advice;
use crate::text::error::Fault;
use crate::text::tree::{self, Table};

/// The least that is kept of a frame: one tag, headers and identifier (14 + 4 + 20 + 8 + 18).
const LEAST_SNAP: u64 = 64;

/// The longest frame there is, of an MTU of 64 KiB with its header.
const WHOLE: u32 = 65_535;

/// No lead-in is longer than a run may be.
const LONGEST: u64 = 24 * 3_600_000_000_000;

/// Bytes of a packet's block in the file besides those of the frame.
const AROUND_PACKET: u64 = 32;

/// Bytes of a file besides its packets, at most.
pub(crate) const AROUND_FILE: u64 = 4 << 10;

/// Bytes an interface appends to each frame (IEEE 802.3-2022, 3.2.9).
const FRAME_CHECK_SEQUENCE: u32 = 4;

/// What the timestamper is to record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recording {
    /// Links of the path by their number, ascending.
    pub(crate) links: Vec<usize>,
    /// Bytes of each frame.
    pub(crate) snap: u32,
    pub(crate) stamps: Stamps,
    /// Bytes of a file.
    pub(crate) limit: u64,
    /// Packets of a run, the warm-up's among them; `None` where only a capture that is replayed knows.
    pub(crate) packets: Option<u64>,
    /// Bytes kept of the longest frame.
    pub(crate) frame: u32,
    /// ns.
    pub(crate) trim: u64,
}

/// Checks `[capture]`; `None` when nothing is captured.
pub(super) fn of(
    experiment: &Experiment,
    nodes: &[Node],
    topology: &Topology,
    via: &[Via],
    purpose: &Purpose,
    tree: &Table<'_>,
) -> Result<Option<Recording>, Fault> {
    let Some(capture) = experiment.capture.as_ref().filter(|capture| capture.tapped) else { return Ok(None) };
    let table = || tree::key_span(tree, &["capture"]).unwrap_or_default();
    let Purpose::Traffic(load) = purpose else {
        return Err(Fault::file("there is nothing to capture without [traffic]")
            .at(table(), "a capture")
            .help("a search makes trial after trial, lives and noise tests send no packet: leave [capture] out"));
    };
    if let Some(node) = nodes.iter().find(|node| matches!(node.environment, Environment::Simulated(_))) {
        return Err(Fault::file(format!("node `{}` is simulated: no packet passes where it could be captured", node.name))
            .at(table(), "a capture")
            .help("leave [capture] out, or take an environment that is there"));
    }
    let snap = snap(capture, tree)?;
    let packets = load.streams.iter().map(|stream| {
        let (schedule, pattern) = (&stream.schedule, &stream.shape.pattern);
        schedule.packets_as(pattern).saturating_add(schedule.warm_up_packets_as(pattern))
    });
    let packets = packets.fold(0, u64::saturating_add);
    let replayed = load.streams.iter().any(|stream| matches!(stream.shape.pattern, Pattern::Replay(_)));
    let longest = load.streams.iter().map(|stream| stream.frame).max().unwrap_or_default();
    let warm_up = load.streams.first().map_or(0, |stream| stream.schedule.warm_up);
    let links = links(capture, experiment, nodes, (topology, via), tree)?;
    if load.streams.len() > 1 {
        several(&links, nodes, topology, load, tree)?;
    }
    let recording = Recording {
        packets: Some(packets).filter(|_| !replayed),
        frame: longest.saturating_sub(FRAME_CHECK_SEQUENCE).min(snap),
        links,
        snap,
        stamps: stamps(capture),
        limit: capture.limit.0,
        trim: capture.trim.map_or(warm_up, |trim| trim.0),
    };
    if recording.trim > LONGEST {
        return Err(
            Fault::file("`trim` is longer than a day").at(tree::span(tree, &["capture", "trim"]), "at most 24h is allowed")
        );
    }
    if let Some(file) = recording.file().filter(|&file| file > recording.limit) {
        return Err(Fault::file(format!("a file of this capture would take {}", megabytes(file)))
            .at(tree::span(tree, &["capture", "limit"]), format!("at most {} is allowed", capture.limit))
            .help("raise `limit`, keep less of each frame (`snap`), or make the run shorter"));
    }
    Ok(Some(recording))
}

/// Whether what is seen of several streams at one tapped link can be compared with what is seen at the next: all of them go on to the same.
fn several(tapped: &[usize], nodes: &[Node], topology: &Topology, load: &Load, tree: &Table<'_>) -> Result<(), Fault> {
    let at = || tree::key_span(tree, &["capture"]).unwrap_or_default();
    if let Some(mirror) = nodes.iter().find(|node| node.reflects()) {
        return Err(Fault::file("packets of several streams that come back by the links they came by cannot be followed")
            .at(at(), "a capture")
            .beside(tree::span(tree, &["nodes", &mirror.name, "forward"]), "sends all of them back")
            .help("leave [capture] out, or make an experiment of one stream"));
    }
    if let Err(stream) = parts(&topology.links, &topology.ways, tapped) {
        let name = load.streams.get(stream).map_or("", |stream| stream.name.as_str());
        return Err(Fault::file(format!("stream `{name}` goes another way between the tapped links than a stream before it"))
            .at(at(), "what is lost between them could not be told from what goes elsewhere")
            .help("name links in `links` that all streams pass which come by the one before or behind"));
    }
    let machine = |end: End| matches!(end, End::Node(node, _) if is_machine(&nodes[node]));
    for (link, backwards) in topology.ways.iter().flat_map(|way| taken(&topology.links, way)) {
        let [near, far] = topology.links[link];
        let (from, to) = if backwards { (far, near) } else { (near, far) };
        if let (true, true, End::Node(sender, _), End::Node(machine, _)) = (tapped.contains(&link), machine(to), from, to)
            && !is_machine(&nodes[sender])
        {
            return Err(unseen(&nodes[sender].name, &nodes[machine].name, at()));
        }
    }
    Ok(())
}

fn unseen(from: &str, to: &str, place: crate::text::Span) -> Fault {
    Fault::file(format!("what `{from}` sends to the virtual machine `{to}` cannot be captured"))
        .at(place, "this link")
        .help("forwarders send past the queue of a tap, where nobody sees it; tap the link behind the machine")
}

impl Recording {
    /// Bytes that a file is expected to take in which all packets are; `None` where that is not known.
    pub(crate) fn file(&self) -> Option<u64> {
        Some(self.packets?.saturating_mul(AROUND_PACKET + u64::from(self.frame).next_multiple_of(4)) + AROUND_FILE)
    }
}

/// Tenths of a megabyte.
pub(crate) fn megabytes(bytes: u64) -> String {
    let tenths = bytes.div_ceil(100_000);
    format!("{}.{} MB", tenths / 10, tenths % 10)
}

fn snap(capture: &Capture, tree: &Table<'_>) -> Result<u32, Fault> {
    let Snap::First(size) = capture.snap else { return Ok(WHOLE) };
    u32::try_from(size.0).ok().filter(|&size| u64::from(size) >= LEAST_SNAP && size <= WHOLE).ok_or_else(|| {
        Fault::file(format!("{size} of each frame cannot be kept"))
            .at(tree::span(tree, &["capture", "snap"]), format!("{LEAST_SNAP} to {WHOLE} is allowed, or \"whole\""))
            .help("less would cut off the identifier by which packets are known again")
    })
}

/// The links that are made here are of interfaces without a network card; what a driver says is asked when its interface is there.
fn stamps(capture: &Capture) -> Stamps {
    match capture.stamps {
        Stamper::Auto | Stamper::Software => Stamps::Software,
        Stamper::Hardware => Stamps::Hardware,
    }
}

/// The numbers of the links that are tapped.
fn links(
    capture: &Capture,
    experiment: &Experiment,
    nodes: &[Node],
    (Topology { links: path, ways }, via): (&Topology, &[Via]),
    tree: &Table<'_>,
) -> Result<Vec<usize>, Fault> {
    if capture.links.is_empty() {
        // that of the first stream's way in, and that of its way out
        let last = ways.first().and_then(|way| taken(path, way).last().map(|taken| taken.0));
        let mut ends = vec![0, last.unwrap_or(path.len().saturating_sub(1))];
        ends.dedup();
        ends.iter().try_for_each(|&link| has_interfaces(link, via, capture, tree))?;
        return Ok(ends);
    }
    let mut found = Vec::new();
    for (number, name) in capture.links.iter().enumerate() {
        let place = tree::get(tree, &["capture", "links"]).and_then(|links| links.get_ref().get(number));
        let place = place.map(tree::Value::span).unwrap_or_default();
        let link = via.iter().position(|via| via.name == *name).ok_or_else(|| {
            let known: Vec<&str> = experiment.links.0.iter().map(|(name, _)| name.as_str()).collect();
            let fault = Fault::file(format!("there is no link `{name}`")).at(place.clone(), "not known here");
            if known.is_empty() {
                return fault.help("give links names in [links], or leave `links` out to tap the first and the last");
            }
            advice::suggest(fault, name, "links", &known)
        })?;
        let [near, far] = path[link];
        if let (End::Node(sender, _), End::Node(machine, _)) = (near, far)
            && is_machine(&nodes[machine])
            && !is_machine(&nodes[sender])
        {
            return Err(unseen(&nodes[sender].name, &nodes[machine].name, place));
        }
        has_interfaces(link, via, capture, tree)?;
        found.push(link);
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

fn is_machine(node: &Node) -> bool {
    matches!(node.environment, Environment::Vm { .. })
}

/// In shared memory there is nothing where frames could be seen.
fn has_interfaces(link: usize, via: &[Via], capture: &Capture, tree: &Table<'_>) -> Result<(), Fault> {
    let Some(Via { name, medium: Medium::Memory { .. } }) = via.get(link) else { return Ok(()) };
    let at =
        if capture.links.is_empty() { tree::key_span(tree, &["capture"]) } else { Some(tree::span(tree, &["capture", "links"])) };
    Err(Fault::file(format!("the link `{name}` is in shared memory: no interface sees its packets"))
        .at(at.unwrap_or_default(), "a capture")
        .beside(tree::span(tree, &["links", name, "kind"]), "shared memory")
        .help("tap links of another kind, by their names in `links`"))
}
