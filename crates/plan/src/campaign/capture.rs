//! The timestamper of a run: where it taps, how large its rings and files are, and on which core it runs.

use tailbed_format::capture::{BLOCK, Capture, Origin, RETIRE, Stamps, Tap};
use tailbed_format::facts::Facts;
use tailbed_format::order::{Order, Scheduling, Wait};
use tailbed_format::unit::Bytes;

use super::network::{self, Interface};
use crate::placement::{PRIORITY, Placement};
use crate::plan::{AgentOrder, GENERATOR, TIMESTAMPER, ThroughPlan};
use crate::setup::{AROUND_FILE, End, Link, Load, Node, Part, Recording, Taken, Way, megabytes, parts, taken};
use crate::step::Step;

/// What a frame takes in a ring besides its bytes: header, address and the room before it (packet_mmap, "Ring Buffer";
/// `TPACKET3_HDRLEN` and net/packet/af_packet.c, `tpacket_rcv`: 68 bytes, padded to 96 less the Ethernet header).
const AROUND_FRAME: u64 = 82;

/// Blocks of the ring of a direction in which no packet of the load goes: 4 MiB.
const FEWEST_BLOCKS: u64 = 16;

/// The kernel's memory that all rings together may take: a part of the host's, and at most so much a ring, bytes.
const SHARE_OF_MEMORY: u64 = 8;
const LARGEST_RING: u64 = 256 << 20;

/// Where rings do not hold a whole run they are emptied whenever a block should be full, but not more often than this, and not less, ns.
const OFTENEST: u64 = 1_000_000;
const SELDOMEST: u64 = 50_000_000;

/// The order of the timestamper, and between which of its taps what lies.
pub(super) fn of_run(
    recording: &Recording,
    load: &Load,
    nodes: &[Node],
    (links, ways): (&[[Interface; 2]], &[Way]),
    placement: &Placement,
    facts: &Facts,
    token: &str,
) -> (AgentOrder, Vec<ThroughPlan>) {
    let chosen = if links.len() == 1 { vec![0] } else { recording.links.clone() };
    let ends: Vec<Link> = links.iter().map(|[near, far]| [near.end, far.end]).collect();
    let several = ways.len() > 1;
    let back = !several && links.last().is_some_and(|[_, far]| far.end != End::Sink);
    let all: Vec<Taken> = ways.iter().flat_map(|way| taken(&ends, way)).collect();
    let (full, every) = rings(recording, load, facts);
    let expected = recording.file().unwrap_or(AROUND_FILE);
    let mut taps = Vec::new();
    for &link in &chosen {
        let Some([near, far]) = links.get(link) else { continue };
        let used = |backwards| if several { all.contains(&(link, backwards)) } else { !backwards || back };
        for (sender, receiver, loaded) in [(near, far, used(false)), (far, near, used(true))] {
            let (namespace, interface, outgoing) = network::seen(link, sender, receiver, links, token);
            let (from, to) = (role(sender.end, nodes), role(receiver.end, nodes));
            let blocks = if loaded { full } else { FEWEST_BLOCKS };
            taps.push(Tap {
                name: format!("{}-{from}-to-{to}", taps.len() + 1),
                from,
                to,
                namespace,
                interface,
                outgoing,
                blocks: u32::try_from(blocks).unwrap_or(u32::MAX),
                expected: if loaded { expected } else { AROUND_FILE },
            });
        }
    }
    let through =
        if several { through_several(&chosen, &taps, &ends, ways, nodes) } else { through(&chosen, &taps, links, nodes, back) };
    let order = Order::Capture(Capture {
        taps,
        snap: recording.snap,
        stamps: recording.stamps,
        limit: recording.limit,
        every,
        folder: String::new(),
        origin: origin(facts),
        scheduling: scheduling(placement, facts, every.is_some()),
    });
    (AgentOrder { node: TIMESTAMPER.to_owned(), order }, through)
}

/// The steps that have the cards of the tapped interfaces stamp, where they are to; each once.
pub(super) fn steps(timestamper: &AgentOrder) -> Vec<Step> {
    let Order::Capture(Capture { taps, stamps: Stamps::Hardware, .. }) = &timestamper.order else { return Vec::new() };
    let mut steps = Vec::new();
    for tap in taps {
        let step = Step::StampInHardware { namespace: tap.namespace.clone(), interface: tap.interface.clone() };
        if !steps.contains(&step) {
            steps.push(step);
        }
    }
    steps
}

/// Blocks of a ring, and how often they are emptied where they do not hold a whole run, ns.
fn rings(recording: &Recording, load: &Load, facts: &Facts) -> (u64, Option<u64>) {
    let frame = u64::from(recording.frame);
    let full = blocks(recording.packets, frame, load);
    // in both directions of every link
    let rings = 2 * recording.links.len().max(1) as u64;
    let most = (LARGEST_RING.min(facts.memory / SHARE_OF_MEMORY / rings) / u64::from(BLOCK)).max(FEWEST_BLOCKS);
    (full.min(most), (full > most).then(|| every(load, frame)))
}

/// Blocks that hold a whole run: those that get full, those that are handed over before, and what is open at either end.
fn blocks(packets: Option<u64>, frame: u64, load: &Load) -> u64 {
    let Some(packets) = packets else { return u64::MAX };
    let filled = packets.saturating_mul((AROUND_FRAME + frame).next_multiple_of(8)).div_ceil(u64::from(BLOCK) * 7 / 8);
    filled + load.span().div_ceil(u64::from(RETIRE) * 1_000_000) + FEWEST_BLOCKS
}

/// The time in which a block gets full.
fn every(load: &Load, frame: u64) -> u64 {
    let frames = u64::from(BLOCK) / (AROUND_FRAME + frame);
    let rate: u64 = load.streams.iter().map(|stream| stream.schedule.rate).sum();
    (frames * 1_000_000_000 / rate.max(1)).clamp(OFTENEST, SELDOMEST)
}

fn role(end: End, nodes: &[Node]) -> String {
    match end {
        End::Generator => GENERATOR.to_owned(),
        End::Sink | End::Beside(..) => "sink".to_owned(),
        End::Node(node, _) => nodes[node].name.clone(),
    }
}

/// From each tap to the next on the packets' way: there, and back where they go back.
fn through(chosen: &[usize], taps: &[Tap], links: &[[Interface; 2]], nodes: &[Node], back: bool) -> Vec<ThroughPlan> {
    let mut parts = Vec::new();
    let between = |first: usize, last: usize| -> Vec<String> {
        links[first..last].iter().filter_map(|[_, far]| passed(far.end, nodes)).collect()
    };
    let tap = |place: usize, backwards: bool| taps[2 * place + usize::from(backwards)].name.clone();
    for (place, pair) in chosen.windows(2).enumerate() {
        parts.push(ThroughPlan { nodes: between(pair[0], pair[1]), before: tap(place, false), behind: tap(place + 1, false) });
    }
    if let (true, Some(&last)) = (back, chosen.last()) {
        let place = chosen.len() - 1;
        let mirror = links[last..].iter().filter_map(|[_, far]| passed(far.end, nodes)).collect();
        parts.push(ThroughPlan { nodes: mirror, before: tap(place, false), behind: tap(place, true) });
        for (place, pair) in chosen.windows(2).enumerate().rev() {
            let mut nodes = between(pair[0], pair[1]);
            nodes.reverse();
            parts.push(ThroughPlan { nodes, before: tap(place + 1, true), behind: tap(place, true) });
        }
    }
    parts
}

/// The same of several streams, each part once: what takes a link in one direction goes on to one other, or the plan was refused.
fn through_several(chosen: &[usize], taps: &[Tap], links: &[Link], ways: &[Way], nodes: &[Node]) -> Vec<ThroughPlan> {
    let tap = |(link, backwards): Taken| {
        let place = chosen.iter().position(|chosen| *chosen == link)?;
        taps.get(2 * place + usize::from(backwards)).map(|tap| tap.name.clone())
    };
    let parts = parts(links, ways, chosen).unwrap_or_default();
    let plan = |part: &Part| {
        let names = part.nodes.iter().map(|&node| nodes[node].name.clone()).collect();
        Some(ThroughPlan { nodes: names, before: tap(part.before)?, behind: tap(part.behind)? })
    };
    parts.iter().filter_map(plan).collect()
}

fn passed(end: End, nodes: &[Node]) -> Option<String> {
    match end {
        End::Node(node, _) => Some(nodes[node].name.clone()),
        End::Generator | End::Sink | End::Beside(..) => None,
    }
}

fn origin(facts: &Facts) -> Origin {
    Origin {
        hardware: facts.cpu_model.clone(),
        system: format!("Linux {}", facts.kernel),
        application: format!("tailbed {}", facts.tool_version),
    }
}

/// The core that nobody else has, or the one that keeps the house.
fn core(placement: &Placement, facts: &Facts) -> (usize, bool) {
    let housekeeping = &placement.housekeeping;
    let all = || std::iter::once(&placement.generator).chain(&placement.nodes);
    let taken = |cpu: usize| all().any(|scheduling| scheduling.cpus.contains(&cpu));
    let own = facts.cpus.iter().copied().find(|cpu| !housekeeping.contains(cpu) && !taken(*cpu));
    own.map_or((housekeeping.first().copied().unwrap_or_default(), false), |own| (own, true))
}

/// Beside a loop that spins the timestamper would never have its turn: where it has to work while packets come, it goes before the loop.
fn scheduling(placement: &Placement, facts: &Facts, works: bool) -> Scheduling {
    let (cpu, own) = core(placement, facts);
    let mut loops = std::iter::once(&placement.generator).chain(&placement.nodes);
    let beside = loops.any(|other| other.cpus.contains(&cpu) && other.priority.is_some());
    Scheduling {
        cpus: vec![cpu],
        priority: (works && beside && !own && facts.privilege.real_time).then_some(PRIORITY + 1),
        lock_memory: facts.privilege.lock_memory,
        wait: Wait::Block,
    }
}

/// What is to be said of a cell's capture.
pub(super) fn notes(recording: &Recording, load: &Load, placement: &Placement, facts: &Facts) -> Vec<String> {
    let (cpu, own) = core(placement, facts);
    let size = match recording.file() {
        Some(file) => format!("writes about {} a run and tapped link", megabytes(file)),
        None => format!("of a replay writes what there is, at most {} a file", Bytes(recording.limit)),
    };
    let mut notes = vec![format!("the capture {size}")];
    if own {
        return notes;
    }
    let busy = std::iter::once(&placement.generator).chain(&placement.nodes).any(|other| other.cpus.contains(&cpu));
    notes.push(match rings(recording, load, facts).1 {
        None if busy => format!(
            "{TIMESTAMPER} shares core {cpu} with a packet loop: it sleeps while there is traffic and writes its files afterwards"
        ),
        Some(ns) if busy => format!(
            "{TIMESTAMPER} shares core {cpu} with a packet loop, which stands still whenever it empties its rings: every {} ms",
            ns.div_ceil(1_000_000)
        ),
        _ => format!("{TIMESTAMPER} has no core of its own: it shares core {cpu} with the rest of the host"),
    });
    notes
}
