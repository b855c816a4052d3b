//! What is sought of throughput, in whole numbers and within what can be done.

use tailbed_format::function::Function;
use tailbed_format::order::Schedule;
use tailbed_format::throughput::{Bisection, Goal, Method, SearchOrder};
use tailbed_format::traffic::Shape;
use tailbed_format::unit::{PacketRate, Share, Time};

use super::topology::Topology;
use super::traffic::{self, HIGHEST_RATE, LONGEST, MOST_PACKETS, ppm};
use super::{Load, Node, StreamLoad};
use crate::experiment::{self, Experiment, Mode, Throughput, half_a_percent};
use crate::text::Span;
use crate::text::error::Fault;
use crate::text::tree::{self, Table};

/// A search, and the load of its longest trial at its highest rate: each trial has another rate and length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SearchGoals {
    pub(crate) load: Load,
    pub(crate) order: SearchOrder,
    /// Between two trials, ns.
    pub(crate) pause: u64,
}

const SECOND: u64 = 1_000_000_000;

/// At least so long after a burst nothing is sent (RFC 9004, section 6.3), and after each trial of RFC 2544 (section 23).
const SETTLE: u64 = 2 * SECOND;

/// After the drain, before the next trial (RFC 2544, section 23).
const PAUSE: u64 = 5 * SECOND;

/// RFC 9004, section 6.3: the limit must be configurable up to this.
const LONGEST_BURST: u64 = 30 * SECOND;

/// Checks `[throughput]`, and that nothing stands beside it that would not be used.
pub(super) fn goals(settings: &Throughput, experiment: &Experiment, tree: &Table<'_>) -> Result<SearchGoals, Fault> {
    let at = |key: &str| tree::span(tree, &["throughput", key]);
    if experiment.traffic.is_some() {
        return Err(Fault::file("an experiment measures one load or seeks a throughput, not both")
            .at(tree::span(tree, &["throughput"]), "a search")
            .beside(tree::span(tree, &["traffic"]), "a load")
            .help("[throughput] has keys of its own for `frame`, `warm_up` and `drain`; put [traffic] into a file of its own"));
    }
    let (flows, frame, mtu) = traffic::of_search(settings, tree)?;
    rates(settings, &at)?;
    foreign_keys(settings, &at)?;
    let times = [
        ("warm_up", Some(settings.warm_up)),
        ("drain", settings.drain),
        ("pause", settings.pause),
        ("max_time", settings.max_time),
        ("latency_trial", Some(settings.latency_trial)),
        ("trial", settings.trial),
    ];
    for (key, time) in times.into_iter().filter_map(|(key, time)| Some((key, time?))) {
        within(key, time, LONGEST, at(key))?;
    }
    for (key, time) in
        [("max_time", settings.max_time), ("latency_trial", Some(settings.latency_trial)), ("trial", settings.trial)]
    {
        positive(key, time, &at)?;
    }
    if !(1..=1000).contains(&settings.attempts) {
        return Err(Fault::file(format!("`attempts` is {}", settings.attempts)).at(at("attempts"), "1 to 1000 is allowed"));
    }
    let rfc = settings.mode != Mode::Mlrsearch;
    let method = method(settings, tree)?;
    let order = SearchOrder {
        minimum: settings.min.0,
        maximum: settings.max.0,
        time: settings.max_time.map_or(if rfc { 3_600 } else { 1_200 } * SECOND, |time| time.0),
        attempts: settings.attempts,
        latency: latency(settings, tree)?,
        latency_trial: settings.latency_trial.0,
        method,
    };
    let longest = longest_trial(&order);
    enough_packets(settings, &order, &at)?;
    let schedule = Schedule { rate: order.maximum, warm_up: settings.warm_up.0, duration: longest };
    let directions = traffic::Declared::of_search(settings.bidirectional);
    let one = schedule.packets().saturating_add(schedule.warm_up_packets());
    let all = one.saturating_mul(directions.len() as u64);
    if all > MOST_PACKETS {
        return Err(Fault::file(format!("a trial would hold {all} packets; at most {MOST_PACKETS} fit into memory"))
            .at(at("max"), format!("for {} and a warm-up of {}", Time(longest), settings.warm_up))
            .help("make `max` lower or the trials shorter"));
    }
    let drain = settings.drain.map_or(if rfc { SETTLE } else { SECOND / 10 }, |time| time.0);
    let stream = |declared: traffic::Declared| {
        let mut flows = flows.clone();
        if declared.back {
            traffic::exchange(&mut flows);
        }
        StreamLoad { name: declared.name, frame, schedule: schedule.clone(), shape: Shape { flows, ..Shape::default() } }
    };
    let streams = directions.into_iter().map(stream).collect();
    // what carries most is found out where the generator runs
    let load = Load { streams, ports: settings.port, mtu, drain };
    let pause = settings.pause.map_or(if rfc { PAUSE } else { 0 }, |time| time.0);
    Ok(SearchGoals { load, order, pause })
}

/// Of frames that the first node on their way drops for want of tags no rate is carried, and the search would take its time to say so.
pub(super) fn comes_through(load: &Load, topology: &Topology, nodes: &[Node], tree: &Table<'_>) -> Result<(), Fault> {
    for (stream, way) in load.streams.iter().zip(&topology.ways) {
        let Some(first) = way.passes.first().map(|pass| &nodes[pass.node]) else { continue };
        let gateway = matches!(first.forwarding.function, Function::Bng(_)) && !first.is_program();
        if gateway && stream.shape.flows.tags.len() < 2 {
            let forward = tree::span(tree, &["nodes", &first.name, "forward"]);
            return Err(Fault::file(format!("nothing would come through the gateway `{}`: its subscribers send two VLAN tags", first.name))
                .at(tree::span(tree, &["throughput", "flows"]), "frames without both")
                .beside(forward, "drops them")
                .help("write it like flows = { count = 100, outer_vlan = 1, vlan = { first = 1, count = 100 } }, and frame = 72 at least"));
        }
    }
    Ok(())
}

fn rates(settings: &Throughput, at: &impl Fn(&str) -> Span) -> Result<(), Fault> {
    if settings.max.0 > HIGHEST_RATE {
        return Err(Fault::file(format!("{} is more than any wire carries", settings.max))
            .at(at("max"), "at most 150Mpps is allowed")
            .help("100 Gbit/s are 148.8Mpps of the smallest frames"));
    }
    if settings.min.0 == 0 {
        return Err(Fault::file("a rate of 0 sends nothing").at(at("min"), "too low").help("write it like min = \"10kpps\""));
    }
    if settings.min >= settings.max {
        return Err(Fault::file("there is nothing between `min` and `max`")
            .at(at("max"), format!("not above the lowest rate, {}", settings.min))
            .help("raise `max`, or write a lower `min`"));
    }
    Ok(())
}

/// Keys of another mode would be read and not used.
fn foreign_keys(settings: &Throughput, at: &impl Fn(&str) -> Span) -> Result<(), Fault> {
    let search = settings.mode == Mode::Mlrsearch;
    let given = [
        ("goals", settings.goals.is_some(), search),
        ("trial", settings.trial.is_some(), !search),
        ("width", settings.width.is_some(), !search),
        ("longest_burst", settings.longest_burst.is_some(), settings.mode == Mode::BackToBack),
    ];
    let Some((key, ..)) = given.into_iter().find(|(_, given, belongs)| *given && !belongs) else { return Ok(()) };
    let help = match key {
        "goals" => "leave it out, or write mode = \"mlrsearch\"",
        "longest_burst" => "leave it out, or write mode = \"back_to_back\"",
        _ => "write it into each of [[throughput.goals]], or write mode = \"rfc2544\"",
    };
    Err(Fault::file(format!("`{key}` has no meaning in this mode")).at(at(key), "would not be used").help(help))
}

fn method(settings: &Throughput, tree: &Table<'_>) -> Result<Method, Fault> {
    let bisection = || -> Result<Bisection, Fault> {
        let trial = settings.trial.map_or(60 * SECOND, |time| time.0);
        let at = ["throughput", "width"];
        let width = width(settings.width.unwrap_or_else(half_a_percent), tree::span(tree, &at))?;
        Ok(Bisection { trial, width })
    };
    Ok(match settings.mode {
        Mode::Mlrsearch => Method::Mlrsearch(checked_goals(settings.goals.as_deref(), tree)?),
        Mode::Rfc2544 => Method::Rfc2544(bisection()?),
        Mode::BackToBack => {
            let longest = settings.longest_burst.unwrap_or(Time(2 * SECOND));
            let at = tree::span(tree, &["throughput", "longest_burst"]);
            within("longest_burst", longest, LONGEST_BURST, at)?;
            Method::BackToBack { throughput: bisection()?, longest: longest.0, settle: SETTLE.max(longest.0) }
        }
    })
}

fn checked_goals(given: Option<&[experiment::Goal]>, tree: &Table<'_>) -> Result<Vec<Goal>, Fault> {
    let usual = experiment::Goal::usual();
    let goals = given.unwrap_or(&usual);
    if goals.is_empty() {
        return Err(Fault::file("nothing is sought")
            .at(tree::span(tree, &["throughput", "goals"]), "empty")
            .help("leave `goals` out to have NDR and PDR"));
    }
    let mut checked: Vec<Goal> = Vec::new();
    for (number, goal) in goals.iter().enumerate() {
        let at = |key: &str| tree::span_of_item(tree, &["throughput", "goals"], number, key);
        if goal.name.is_empty() || checked.iter().any(|other| other.name == goal.name) {
            return Err(Fault::file(format!("there is another goal `{}`", goal.name))
                .at(at("name"), "each goal has a name of its own")
                .help("write it like name = \"NDR\""));
        }
        checked.push(checked_goal(goal, &at)?);
    }
    Ok(checked)
}

fn checked_goal(goal: &experiment::Goal, at: &impl Fn(&str) -> Span) -> Result<Goal, Fault> {
    let below_all = |key: &str, share: Share| {
        u32::try_from(share.0)
            .ok()
            .filter(|ppm| u64::from(*ppm) < Share::WHOLE)
            .ok_or_else(|| Fault::file(format!("`{key}` is {share}")).at(at(key), "less than 100% is allowed"))
    };
    let initial = goal.initial.unwrap_or(goal.trial);
    for (key, time) in [("trial", goal.trial), ("sum", goal.sum), ("initial", initial)] {
        within(key, time, LONGEST, at(key))?;
        if time == Time(0) {
            return Err(Fault::file(format!("`{key}` is 0")).at(at(key), "too short").help("write it like trial = \"1s\""));
        }
    }
    if initial > goal.trial {
        return Err(Fault::file(format!("trials that look around take {initial}, those that confirm {}", goal.trial))
            .at(at("initial"), "longer than `trial`")
            .help("make `initial` at most as long as `trial`, or leave it out"));
    }
    if goal.sum < goal.trial {
        return Err(Fault::file(format!("{} are enough to classify a load, but one trial takes {}", goal.sum, goal.trial))
            .at(at("sum"), "shorter than `trial`")
            .help("make `sum` at least as long as `trial`; RFC 9971 recommends it"));
    }
    Ok(Goal {
        name: goal.name.clone(),
        loss: below_all("loss", goal.loss)?,
        exceed: below_all("exceed", goal.exceed)?,
        width: width(goal.width, at("width"))?,
        initial: initial.0,
        trial: goal.trial.0,
        sum: goal.sum.0,
    })
}

fn width(share: Share, at: Span) -> Result<u32, Fault> {
    u32::try_from(share.0).ok().filter(|ppm| *ppm > 0 && u64::from(*ppm) <= Share::WHOLE / 2).ok_or_else(|| {
        Fault::file(format!("a width of {share} cannot be reached"))
            .at(at, "more than nothing and at most 50% is allowed")
            .help("write it like width = \"0.5%\"")
    })
}

fn latency(settings: &Throughput, tree: &Table<'_>) -> Result<Vec<u32>, Fault> {
    let mut shares = Vec::new();
    for share in &settings.latency {
        let ppm = ppm(*share, &["throughput", "latency"], tree)?;
        if ppm == 0 || shares.contains(&ppm) {
            return Err(Fault::file(format!("latency cannot be measured at {share}, or is twice"))
                .at(tree::span(tree, &["throughput", "latency"]), "each share once, more than nothing")
                .help("write it like latency = [\"10%\", \"50%\", \"90%\"]"));
        }
        shares.push(ppm);
    }
    Ok(shares)
}

/// ns.
fn longest_trial(order: &SearchOrder) -> u64 {
    let search = match &order.method {
        Method::Mlrsearch(goals) => goals.iter().map(|goal| goal.trial).max().unwrap_or_default(),
        Method::Rfc2544(bisection) => bisection.trial,
        Method::BackToBack { throughput, longest, .. } => throughput.trial.max(*longest),
    };
    if order.latency.is_empty() { search } else { search.max(order.latency_trial) }
}

/// The shortest trial at the lowest rate has to hold a packet (RFC 9971, "Min Load"), and so have those for latency.
fn enough_packets(settings: &Throughput, order: &SearchOrder, at: &impl Fn(&str) -> Span) -> Result<(), Fault> {
    let shortest = match &order.method {
        Method::Mlrsearch(goals) => goals.iter().map(|goal| goal.initial).min().unwrap_or_default(),
        Method::Rfc2544(bisection) | Method::BackToBack { throughput: bisection, .. } => bisection.trial,
    };
    let least = |rate: PacketRate| u128::from(rate.0) * u128::from(shortest) / 1_000_000_000;
    if least(settings.min) == 0 {
        return Err(Fault::file(format!("a trial of {} at {} holds no packet", Time(shortest), settings.min))
            .at(at("min"), "too low for the shortest trial")
            .help("raise `min`, or make the trials longer"));
    }
    // what is found may be the lowest rate, and latency is measured below that
    let Some(share) = order.latency.iter().min() else { return Ok(()) };
    let packets = u128::from(settings.min.0) * u128::from(*share) * u128::from(order.latency_trial) / 1_000_000 / 1_000_000_000;
    if packets == 0 {
        let (share, trial) = (Share(u64::from(*share)), Time(order.latency_trial));
        return Err(Fault::file(format!(
            "latency at {share} of {} is measured for {trial}, which holds no packet",
            settings.min
        ))
        .at(at("latency_trial"), "too short for the lowest rate there may be")
        .help("make `latency_trial` longer, raise `min`, or leave the lowest share out of `latency`"));
    }
    Ok(())
}

fn within(key: &str, time: Time, longest: u64, at: Span) -> Result<(), Fault> {
    if time.0 <= longest {
        return Ok(());
    }
    Err(Fault::file(format!("`{key}` is {time}")).at(at, format!("at most {} is allowed", Time(longest))))
}

fn positive(key: &str, time: Option<Time>, at: &impl Fn(&str) -> Span) -> Result<(), Fault> {
    if time == Some(Time(0)) {
        return Err(Fault::file(format!("`{key}` is 0")).at(at(key), "too short").help("write it like trial = \"60s\""));
    }
    Ok(())
}
