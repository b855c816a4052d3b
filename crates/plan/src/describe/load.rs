//! The load in words, where it is more than one flow of equally long packets at a constant rate.

use std::net::Ipv4Addr;

use tailbed_format::order::{Measure, Order};
use tailbed_format::traffic::{Pattern, Replay, Rule};
use tailbed_format::unit::{PacketRate, Time};

use crate::plan::Run;

/// Bytes of a frame that orders do not count (IEEE 802.3-2022, 3.2.9).
const FRAME_CHECK_SEQUENCE: u32 = 4;

/// What there is to say of a run's load; nothing of the plainest. Where there are several streams, of each.
pub(super) fn table(run: &Run) -> Vec<[String; 2]> {
    let measure = run.agents.iter().find_map(|agent| match &agent.order {
        Order::Measure(measure) => Some(measure),
        Order::Forward(_) | Order::Capture(_) | Order::Noise(_) | Order::Load(_) => None,
    });
    match measure {
        Some(measure) if !measure.more.is_empty() => measure.streams().iter().map(stream).collect(),
        Some(measure) if !measure.shape.is_plain() => rows(measure),
        _ => Vec::new(),
    }
}

/// All of a stream in one row.
fn stream(measure: &Measure) -> [String; 2] {
    let said = rows(measure).into_iter().map(|[name, text]| if name == "flows" { format!("flows: {text}") } else { text });
    [measure.name.clone(), said.collect::<Vec<_>>().join("; ")]
}

fn rows(measure: &Measure) -> Vec<[String; 2]> {
    let row = |name: &str, text: String| [name.to_owned(), text];
    let flows = Some(flows(measure)).filter(|text| !text.is_empty()).map(|text| row("flows", text));
    [row("pattern", pattern(measure)), row("frames", frames(measure))].into_iter().chain(flows).collect()
}

fn pattern(measure: &Measure) -> String {
    let rate = PacketRate(measure.schedule.rate);
    match &measure.shape.pattern {
        Pattern::Constant => format!("constant, {rate}"),
        Pattern::Poisson { .. } => format!("poisson, {rate} in the mean"),
        Pattern::Burst { size, gap: None } => format!("bursts of {size}, {rate} in the mean"),
        Pattern::Burst { size, gap: Some(gap) } => format!("bursts of {size} every {}", Time(*gap)),
        Pattern::Ramp { from, to } => format!("a ramp from {} to {}", PacketRate(*from), PacketRate(*to)),
        Pattern::Replay(replay) => {
            let speed = if replay.speed == Replay::AS_RECORDED {
                String::new()
            } else {
                format!(", {} times as fast", replay.speed as f64 / 1e6)
            };
            format!("replay of {}{speed}{}", replay.pcap, if replay.repeat { ", again and again" } else { "" })
        }
        Pattern::Steps { rates } => {
            format!("steps of {}", rates.iter().map(|&rate| PacketRate(rate).to_string()).collect::<Vec<_>>().join(", "))
        }
    }
}

fn frames(measure: &Measure) -> String {
    let bytes = |frame: u32| frame + FRAME_CHECK_SEQUENCE;
    if matches!(measure.shape.pattern, Pattern::Replay(_)) {
        return format!("those of the capture, at most {} bytes", bytes(measure.frame));
    }
    let shares = &measure.shape.mix.shares;
    if shares.is_empty() {
        return format!("{} bytes", bytes(measure.frame));
    }
    let shares: Vec<_> = shares.iter().map(|share| format!("{} of {}", share.weight, bytes(share.frame))).collect();
    format!("{} bytes in turn", shares.join(", "))
}

fn flows(measure: &Measure) -> String {
    let flows = &measure.shape.flows;
    let usual = tailbed_format::traffic::Flows::default();
    if *flows == usual {
        return String::new();
    }
    let number = |value: u32| value.to_string();
    let address = |value: u32| Ipv4Addr::from(value).to_string();
    let range = |name: &str, rule: &Rule, show: &dyn Fn(u32) -> String| {
        let last = if rule.count > 1 { format!(" to {}", show(rule.last())) } else { String::new() };
        let every = if rule.every > 1 { format!(", the next every {} flows", rule.every) } else { String::new() };
        format!("{name} {}{last}{every}", show(rule.first))
    };
    let tags = flows.tags.iter().rev().zip(["vlan", "outer vlan"]).map(|(tag, name)| range(name, &tag.id, &number));
    let fields = [
        ("from", &flows.source, &usual.source, &address as &dyn Fn(u32) -> String),
        ("to", &flows.destination, &usual.destination, &address),
        ("port", &flows.source_port, &usual.source_port, &number),
        ("to port", &flows.destination_port, &usual.destination_port, &number),
    ];
    let fields =
        fields.into_iter().filter(|(_, rule, usual, _)| rule != usual).map(|(name, rule, _, show)| range(name, rule, show));
    [flows.count.to_string()].into_iter().chain(tags).chain(fields).collect::<Vec<_>>().join("; ")
}
