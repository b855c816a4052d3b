//! A forwarder's ports as an order names them. Where all are interfaces, the loop is compiled for those alone.

use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags};
use tailbed_format::order::{Forward, Wait};

use super::any::{self, AnyFunction};
use super::{ForwardError, Ports};
use crate::port::{self, AnyReceiver, AnySender, FanoutGroup, PacketRing, PacketSocket, RING_FRAMES};
use crate::stop::Stop;
use tailbed_format::message::Forwarded;

/// The ports of one worker.
#[derive(Debug)]
pub(super) enum AnyPorts {
    /// All are interfaces.
    Interfaces(Ports<PacketRing, PacketSocket>),
    /// Some are in shared memory.
    Mixed(Ports<AnyReceiver, AnySender>),
}

impl AnyPorts {
    /// Opens those of one worker; several share an interface's frames by the groups.
    pub(super) fn open(order: &Forward, groups: &mut [FanoutGroup]) -> Result<Self, ForwardError> {
        if order.memory.is_empty() {
            let mut ports = Vec::new();
            for (rule, group) in order.rules.iter().zip(groups) {
                let mut ring = PacketRing::open(&rule.receive, RING_FRAMES)?;
                if order.workers > 1 {
                    ring.join(group)?;
                }
                ports.push((ring, PacketSocket::open(&rule.transmit)?));
            }
            return Ok(Self::Interfaces(Ports::new(ports)));
        }
        // a ring in shared memory has one reader, and nobody deals its frames out
        if order.workers > 1 {
            return Err(ForwardError::Shared(order.workers));
        }
        let mut ports = Vec::new();
        for rule in &order.rules {
            let receiver = AnyReceiver::open(&rule.receive, &order.memory)?;
            ports.push((receiver, AnySender::open(&rule.transmit, &order.memory)?));
        }
        Ok(Self::Mixed(Ports::new(ports)))
    }

    /// Forwards until the flag is raised.
    pub(super) fn run(mut self, function: &mut AnyFunction, batch: u32, wait: Wait, stop: &Stop) -> Forwarded {
        let rules = match &mut self {
            Self::Interfaces(ports) => {
                let rest = |rings: &[PacketRing]| {
                    if wait == Wait::Block {
                        let rings = rings.iter().map(AsFd::as_fd);
                        let mut descriptors: Vec<_> =
                            rings.chain([stop.as_fd()]).map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
                        port::sleep(&mut descriptors, u64::MAX);
                    }
                };
                any::run(function, ports, batch, stop, rest);
                ports.counts()
            }
            Self::Mixed(ports) => {
                let rest = |receivers: &[AnyReceiver]| {
                    if wait == Wait::Block {
                        port::rest(receivers, stop);
                    }
                };
                any::run(function, ports, batch, stop, rest);
                ports.counts()
            }
        };
        Forwarded { rules }
    }
}
