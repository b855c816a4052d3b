//! What deadlines there are, whose packets they are of, and whether the measurement can tell.

use tailbed_format::slo::{Slo, Subject};
use tailbed_format::unit::Time;

use super::{Load, Purpose};
use crate::experiment::{Experiment, Whose};
use crate::text::Span;
use crate::text::error::Fault;
use crate::text::tree::{self, Table};

/// More deadlines than this are a slip: each looks at every packet.
const MOST: usize = 64;

/// Checks `[[slo]]`.
pub(super) fn of(experiment: &Experiment, purpose: &Purpose, tree: &Table<'_>) -> Result<Vec<Slo>, Fault> {
    let given = &experiment.slo;
    if given.is_empty() {
        return Ok(Vec::new());
    }
    let Purpose::Traffic(load) = purpose else {
        return Err(Fault::file("a deadline is one of packets, and none are measured here")
            .at(tree::span_of_item(tree, &["slo"], 0, "below"), "of no packets")
            .help("put [[slo]] into a file with [traffic], or leave it out"));
    };
    if given.len() > MOST {
        return Err(Fault::file(format!("{} deadlines are too many", given.len()))
            .at(tree::span_of_item(tree, &["slo"], MOST, "below"), format!("at most {MOST} are judged")));
    }
    let mut all: Vec<Slo> = Vec::new();
    for (number, slo) in given.iter().enumerate() {
        let at = |key: &str| tree::span_of_item(tree, &["slo"], number, key);
        let checked = Slo {
            subject: subject(slo.flow.as_ref(), load, &at)?,
            percentile: slo.percentile.0,
            below: below(slo.below, load, tree, &at)?,
        };
        if let Some(first) = all.iter().position(|other| *other == checked) {
            return Err(Fault::file("a deadline is there twice")
                .at(at("below"), format!("`{checked}` again"))
                .beside(tree::span_of_item(tree, &["slo"], first, "below"), "here first")
                .help("leave one of them out"));
        }
        all.push(checked);
    }
    Ok(all)
}

fn below(time: Time, load: &Load, tree: &Table<'_>, at: &impl Fn(&str) -> Span) -> Result<u64, Fault> {
    if time.0 == 0 {
        return Err(Fault::file("no packet takes less than no time")
            .at(at("below"), "too short")
            .help("write it like below = \"0.5ms\""));
    }
    if time.0 > load.drain {
        return Err(Fault::file(format!(
            "packets that take up to {time} are to be in time, but the sink listens only {} after the last",
            Time(load.drain)
        ))
        .at(at("below"), "longer than the sink listens")
        .beside(tree::span(tree, &["traffic", "drain"]), format!("`drain` is {}", Time(load.drain)))
        .help(format!("write drain = \"{time}\" or more in [traffic]: what comes later counts as lost")));
    }
    Ok(time.0)
}

fn subject(whose: Option<&Whose>, load: &Load, at: &impl Fn(&str) -> Span) -> Result<Subject, Fault> {
    match whose {
        None => Ok(Subject::All),
        Some(Whose::Stream(name)) => {
            if load.streams.iter().any(|stream| stream.name == *name && !name.is_empty()) {
                return Ok(Subject::Stream(name.clone()));
            }
            let names: Vec<_> =
                load.streams.iter().filter(|stream| !stream.name.is_empty()).map(|stream| stream.name.as_str()).collect();
            let fault =
                Fault::file(format!("there is no stream `{}`", name.escape_debug())).at(at("flow"), "not a stream of this load");
            Err(match names.as_slice() {
                [] => fault.help("the load is one stream without a name: leave `flow` out, or give the number of a flow"),
                names => crate::text::advice::suggest(fault, name, "streams", names),
            })
        }
        Some(Whose::Flow(number)) => {
            let flows = load.streams.iter().map(|stream| u64::from(stream.shape.flows.count.max(1))).sum::<u64>();
            if u64::from(*number) < flows {
                return Ok(Subject::Flow(*number));
            }
            Err(Fault::file(format!("there is no flow {number}")).at(at("flow"), "beyond the last").help(match flows {
                1 => "the load is one flow: leave `flow` out".to_owned(),
                flows => format!("flows are numbered from 0 to {} through all streams", flows - 1),
            }))
        }
    }
}

/// Of each deadline that so few packets cannot show to be held, even if none is late: the number it takes at least.
///
/// Of `n` independent packets none is late with probability (1 - share)^n; 2.5 % of that is what an interval leaves out on a side (Clopper and
/// Pearson 1934).
pub(crate) fn too_few(slo: &Slo, packets: u64) -> Option<u64> {
    let allowed = f64::from(slo.allowed()) / 1e6;
    let needed = (0.025_f64.ln() / (-allowed).ln_1p()).ceil();
    (needed > packets as f64).then(|| whole(needed))
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "casts of floats saturate, and counts are not negative"
)]
fn whole(number: f64) -> u64 {
    number as u64
}

/// How many packets of a run a deadline is of.
pub(crate) fn packets(slo: &Slo, load: &Load) -> u64 {
    let of = |stream: &super::StreamLoad| stream.schedule.packets_as(&stream.shape.pattern);
    match &slo.subject {
        Subject::All => load.streams.iter().map(of).sum(),
        Subject::Stream(name) => load.streams.iter().filter(|stream| stream.name == *name).map(of).sum(),
        Subject::Flow(number) => {
            let mut first = 0;
            for stream in &load.streams {
                let flows = stream.shape.flows.count.max(1);
                if *number < first + flows {
                    return of(stream) / u64::from(flows);
                }
                first += flows;
            }
            0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tailbed_format::percentile::Percentile;

    #[test]
    fn a_millionth_takes_millions() {
        let slo = Slo { subject: Subject::All, percentile: Percentile::from_ppm(999_999).unwrap(), below: 1 };
        assert_eq!(too_few(&slo, 3_688_877), Some(3_688_878));
        assert_eq!(too_few(&slo, 3_688_878), None);
    }
}
