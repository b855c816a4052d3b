//! The lengths of the frames.

use tailbed_format::traffic::{Flows, Mix, SizeShare};

use super::place::Place;
use crate::experiment::{Frame, FrameShare, Traffic};
use crate::text::Span;
use crate::text::error::Fault;

/// Shortest frame on the wire (IEEE 802.3-2022, 3.2.7: 46 bytes of data, 18 of header and check sequence), and the longest there is
/// equipment for: 9 000 bytes of data, which no standard names but most devices carry.
const FRAME: std::ops::RangeInclusive<u64> = 64..=9018;

/// Bytes the interface appends to each frame (IEEE 802.3-2022, 3.2.9).
const FRAME_CHECK_SEQUENCE: u32 = 4;

/// Bytes of a frame that its interface's MTU does not count: header and check sequence.
const AROUND_DATA: u32 = 18;

/// What interfaces carry without being told (RFC 894: 1 500 bytes of data).
const USUAL_MTU: u32 = 1500;

/// Lengths on the wire, check sequence included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lengths {
    /// The longest.
    pub(super) longest: u32,
    /// All of them without check sequence, where they differ.
    pub(super) mix: Mix,
}

/// Checks `frame`.
pub(super) fn of(frame: &Frame, flows: &Flows, at: &Place<'_>) -> Result<Lengths, Fault> {
    let tags = u64::try_from(flows.tags.len()).unwrap_or(0) * u64::from(Flows::TAG);
    let place = || at.span(&["frame"]);
    let length = |size: u64| {
        let fits = existing(size, place())?;
        if size < FRAME.start() + tags {
            return Err(Fault::file(format!("a frame of {size} bytes has no room for its VLAN tags, headers and identifier"))
                .at(place(), format!("at least {} is needed", FRAME.start() + tags))
                .beside(at.key_span(&["flows", "vlan"]), "4 bytes for each tag"));
        }
        Ok(fits)
    };
    let shares = frame.shares();
    if let Frame::One(size) = frame {
        return Ok(Lengths { longest: length(size.0)?, mix: Mix::default() });
    }
    let cycle: u64 = shares.iter().map(|share| u64::from(share.weight)).sum();
    if shares.iter().any(|share| share.weight == 0) || shares.is_empty() || cycle > Mix::LONGEST_CYCLE {
        let found = if shares.is_empty() {
            "no size"
        } else if cycle > Mix::LONGEST_CYCLE {
            "too long a cycle"
        } else {
            "a weight of 0"
        };
        return Err(Fault::file(format!("the mix of frames has {found}"))
            .at(place(), format!("weights of 1 or more, together at most {}", Mix::LONGEST_CYCLE))
            .help("write it like frame = [{ size = 64, weight = 7 }, { size = 1518, weight = 1 }]"));
    }
    let share = |share: &FrameShare| Ok(SizeShare { frame: length(share.size.0)? - FRAME_CHECK_SEQUENCE, weight: share.weight });
    let mix = Mix { shares: shares.iter().map(share).collect::<Result<_, Fault>>()? };
    Ok(Lengths { longest: mix.longest().unwrap_or(0) + FRAME_CHECK_SEQUENCE, mix })
}

/// A size that there is on Ethernet.
fn existing(size: u64, place: Span) -> Result<u32, Fault> {
    u32::try_from(size).ok().filter(|_| FRAME.contains(&size)).ok_or_else(|| {
        Fault::file(format!("a frame of {size} bytes does not exist on Ethernet"))
            .at(place, format!("{} to {} is allowed", FRAME.start(), FRAME.end()))
            .help("the size counts everything from the destination address to the frame check sequence")
    })
}

/// Of a replay: the longest frame that the capture may hold, for which the links are made.
pub(super) fn of_replay(traffic: &Traffic, at: &Place<'_>) -> Result<Lengths, Fault> {
    if traffic.flows.is_some() {
        return Err(Fault::file("a replay sends the packets of its capture, which have their own addresses")
            .at(at.span(&["flows"]), "not beside a replay")
            .beside(at.key_span(&["pattern"]), "the replay")
            .help("leave [traffic.flows] out"));
    }
    match traffic.frame {
        _ if at.get(&["frame"]).is_none() => Ok(Lengths { longest: USUAL_MTU + AROUND_DATA, mix: Mix::default() }),
        Frame::One(_) => of(&traffic.frame, &Flows::default(), at),
        Frame::Imix | Frame::Mix(_) => {
            Err(Fault::file("a replay sends the packets of its capture, which have their own lengths")
                .at(at.span(&["frame"]), "a mix")
                .help("write the longest there may be, frame = 9018, or leave `frame` out for 1518"))
        }
    }
}

impl Lengths {
    /// The MTU that all links of the path need, where the usual one is too small. Tags count as data: an interface does not know
    /// that there are any.
    pub(super) fn mtu(&self) -> Option<u32> {
        let mtu = self.longest - AROUND_DATA;
        (mtu > USUAL_MTU).then_some(mtu)
    }
}
