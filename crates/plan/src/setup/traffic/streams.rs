//! The streams of a load: the one that `[traffic]` is by itself, or those it names, and those that go the other way.

use std::mem::swap;

use tailbed_format::port::Ports;
use tailbed_format::stream::MOST_STREAMS;
use tailbed_format::traffic::Flows;
use tailbed_format::unit::Time;

use super::place::Place;
use super::{Load, MOST_PACKETS, StreamLoad, of_stream, rate_span};
use crate::experiment::{Pattern, Stream, Traffic};
use crate::setup::sockets;
use crate::text::Span;
use crate::text::error::Fault;
use crate::text::tree::{self, Table};

/// How the two streams are called that a load without names is when it goes both ways.
const FORTH_AND_BACK: [&str; 2] = ["forth", "back"];

/// A stream as it is written.
#[derive(Debug, Clone)]
pub(in crate::setup) struct Declared {
    /// Empty when there is but one and nothing is said of its name.
    pub(in crate::setup) name: String,
    pub(in crate::setup) from: Option<String>,
    pub(in crate::setup) to: Option<String>,
    /// Goes from `to` to `from`.
    pub(in crate::setup) back: bool,
    /// Its table in `[traffic.streams]`.
    table: Option<String>,
    /// None where it is not `[traffic]` that says what is sent.
    settings: Option<Traffic>,
}

impl Declared {
    /// One stream without a name, from generator to sink.
    fn alone() -> Self {
        Self { name: String::new(), from: None, to: None, back: false, table: None, settings: None }
    }

    /// The streams of a search: one from generator to sink, and the one that goes the other way where packets go both ways.
    pub(in crate::setup) fn of_search(bidirectional: bool) -> Vec<Self> {
        if !bidirectional {
            return vec![Self::alone()];
        }
        let [forth, back] = FORTH_AND_BACK.map(str::to_owned);
        vec![Self { name: forth, ..Self::alone() }, Self { name: back, back: true, ..Self::alone() }]
    }

    /// The one stream of a load of which nothing more is said.
    fn plain(traffic: &Traffic) -> Self {
        Self { settings: Some(traffic.clone()), ..Self::alone() }
    }

    /// Where a key of it stands, or its table where it has not got the key.
    pub(in crate::setup) fn span(&self, key: &str, tree: &Table<'_>) -> Span {
        match &self.table {
            Some(table) => tree::span(tree, &["traffic", "streams", table, key]),
            None if self.settings.is_none() => tree::span(tree, &["throughput", key]),
            None => tree::span(tree, &["traffic", key]),
        }
    }

    /// As one speaks of it.
    pub(in crate::setup) fn called(&self) -> String {
        if self.name.is_empty() { "the traffic".to_owned() } else { format!("stream `{}`", self.name) }
    }
}

/// All streams, each followed by the one that goes the other way, where one does.
pub(in crate::setup) fn declared(traffic: &Traffic, tree: &Table<'_>) -> Result<Vec<Declared>, Fault> {
    let one = |(name, stream): &(String, Stream)| Declared {
        name: name.clone(),
        from: stream.from.clone(),
        to: stream.to.clone(),
        table: Some(name.clone()),
        settings: Some(stream.of(traffic)),
        ..Declared::alone()
    };
    let plain = || vec![Declared::plain(traffic)];
    let named = &traffic.streams.0;
    let mut all: Vec<Declared> = Vec::new();
    for stream in if named.is_empty() { plain() } else { named.iter().map(one).collect() } {
        if !stream.settings.as_ref().is_some_and(|settings| settings.bidirectional) {
            all.push(stream);
            continue;
        }
        let (forth, back) = match stream.table {
            None => (FORTH_AND_BACK[0].to_owned(), FORTH_AND_BACK[1].to_owned()),
            Some(_) => (stream.name.clone(), format!("{}-back", stream.name)),
        };
        if named.iter().any(|(other, _)| *other == back) {
            return Err(Fault::file(format!("two streams are called `{back}`"))
                .at(tree::span(tree, &["traffic", "streams", &back]), "a stream")
                .beside(stream.span("bidirectional", tree), "the other way of this one is called so, too")
                .help("give it another name"));
        }
        all.extend([Declared { name: forth, ..stream.clone() }, Declared { name: back, back: true, ..stream }]);
    }
    if all.len() > MOST_STREAMS {
        return Err(Fault::file(format!("{} streams are too many", all.len()))
            .at(tree::span(tree, &["traffic", "streams"]), format!("at most {MOST_STREAMS} are sent at a time"))
            .help("packets of many flows can go in one stream: [traffic.flows]"));
    }
    Ok(all)
}

/// Checks what is sent in each of the streams, and that all of it can be.
pub(in crate::setup) fn load(declared: &[Declared], folder: &str, tree: &Table<'_>) -> Result<Load, Fault> {
    let mut load = Load { streams: Vec::new(), ports: Ports::LATENCY, mtu: None, drain: 0 };
    let mut all = 0_u64;
    for (stream, traffic) in declared.iter().filter_map(|stream| Some((stream, stream.settings.as_ref()?))) {
        let place = Place::new(tree, stream.table.as_deref());
        if matches!(traffic.pattern, Pattern::Replay(_)) && declared.len() > 1 {
            return Err(Fault::file("a replay cannot be one of several streams")
                .at(place.key_span(&["pattern"]), "the replay")
                .help("a capture holds the packets of many hosts already; send it alone"));
        }
        let (mut own, mtu) = of_stream(&stream.name, traffic, folder, &place)?;
        if stream.back {
            exchange(&mut own.shape.flows);
        }
        let StreamLoad { schedule, shape, .. } = &own;
        all = all.saturating_add(schedule.packets_as(&shape.pattern));
        all = all.saturating_add(schedule.warm_up_packets_as(&shape.pattern));
        if all > MOST_PACKETS {
            let sent = if declared.len() > 1 { ", all streams together" } else { "" };
            return Err(Fault::file(format!("a run would hold {all} packets{sent}; at most {MOST_PACKETS} fit into memory"))
                .at(rate_span(traffic, &place), "this rate")
                .beside(
                    place.span(&["duration"]),
                    format!("for {} and a warm-up of {}", traffic.duration, Time(schedule.warm_up)),
                )
                .help("make the duration shorter and `repeats` higher: repeats also show how much runs differ"));
        }
        load.mtu = load.mtu.max(mtu);
        load.drain = traffic.drain.0;
        load.ports = sockets::of_load(traffic);
        load.streams.push(own);
    }
    Ok(load)
}

/// Answers go to where questions come from.
pub(in crate::setup) fn exchange(flows: &mut Flows) {
    swap(&mut flows.source, &mut flows.destination);
    swap(&mut flows.source_port, &mut flows.destination_port);
}
