//! Every way to send with every way to receive, byte for byte, over interfaces of every kind that can be made here.
//!
//! Where these may not be made, a test counts as skipped and says why; with `TAILBED_REQUIRE_HOST_TESTS=1` it fails instead.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small numbers, patterns of bytes, and times of this century"
)]

mod support;

use std::fmt::Debug;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::io::Errno;
use support::network::{ip, on_host, tap, veth};
use tailbed_format::order::Wait;
use tailbed_format::port::{Ports, ReceivePort, SendPort};
use tailbed_traffic::port::{Opened, PortError, Receive, Rest, Transmit, Use, Wired, open};
use tailbed_traffic::stop::Stop;

const SENDS: [SendPort; 3] = [SendPort::Packet, SendPort::PacketBatch, SendPort::XdpCopy];
const RECEIVES: [ReceivePort; 3] = [ReceivePort::Packet, ReceivePort::PacketBlocks, ReceivePort::Xdp];

/// Any two ports, for the length of a test.
struct Trial<F>(F);

/// What a test does with them: sends frames, gets back what came.
trait Exchange {
    fn exchange(&mut self, frames: &[Vec<u8>]) -> Vec<(Vec<u8>, u64)>;
    fn collect(&mut self, count: usize) -> Vec<(Vec<u8>, u64)>;
    fn send(&mut self, frames: &[Vec<u8>]) -> Vec<(usize, Errno)>;
    fn waiting(&mut self) -> Vec<Vec<u8>>;
    fn drops(&mut self) -> u64;
}

struct Both<R, T> {
    receive: R,
    transmit: T,
    stop: Stop,
}

impl<R: Receive, T: Transmit> Exchange for Both<R, T> {
    fn exchange(&mut self, frames: &[Vec<u8>]) -> Vec<(Vec<u8>, u64)> {
        assert_eq!(self.send(frames), []);
        self.collect(frames.len())
    }

    /// What comes in within two seconds, until there are so many.
    fn collect(&mut self, count: usize) -> Vec<(Vec<u8>, u64)> {
        let mut received = Vec::new();
        let begun = Instant::now();
        while received.len() < count && begun.elapsed() < Duration::from_secs(2) {
            if let Some(frame) = self.receive.receive(|incoming| (incoming.bytes.to_vec(), incoming.stamp)) {
                received.push(frame);
                continue;
            }
            self.receive.idle(Wait::Block, 100_000_000, &self.stop);
        }
        received.extend(self.receive.receive(|incoming| (incoming.bytes.to_vec(), incoming.stamp)));
        received
    }

    fn waiting(&mut self) -> Vec<Vec<u8>> {
        self.receive.idle(Wait::Block, 100_000_000, &self.stop);
        self.receive.waiting().map(<[u8]>::to_vec).collect()
    }

    fn send(&mut self, frames: &[Vec<u8>]) -> Vec<(usize, Errno)> {
        let mut refused = Vec::new();
        for (number, frame) in frames.iter().enumerate() {
            if let Err(error) = self.transmit.send(frame) {
                refused.push((number, error));
            }
            if self.transmit.queued() >= T::QUEUE.max(1) || number + 1 == frames.len() {
                let first = number + 1 - self.transmit.queued();
                self.transmit.flush(|place, error| refused.push((first + place, error)));
            }
        }
        assert_eq!(self.transmit.queued(), 0);
        refused
    }

    fn drops(&mut self) -> u64 {
        self.receive.drops()
    }
}

impl<F: FnOnce(&mut dyn Exchange, &Opened) -> V, V> Use for Trial<F> {
    type Output = V;

    fn with<R, T>(self, receive: Vec<R>, transmit: Vec<T>, opened: &Opened) -> V
    where
        R: Receive + Rest + Debug + Send + 'static,
        T: Transmit + Debug + Send + 'static,
    {
        let (receive, transmit) = (receive.into_iter().next().unwrap(), transmit.into_iter().next().unwrap());
        (self.0)(&mut Both { receive, transmit, stop: Stop::new().unwrap() }, opened)
    }
}

fn with_ports<V>(
    ports: Ports,
    transmit: &str,
    receive: &str,
    test: impl FnOnce(&mut dyn Exchange, &Opened) -> V,
) -> Result<V, PortError> {
    open(ports, Wired { receive: &[receive], transmit: &[transmit], memory: &[], sockets: &[], shown: false }, None, Trial(test))
}

fn every_pair() -> impl Iterator<Item = Ports> {
    SENDS.into_iter().flat_map(|send| RECEIVES.into_iter().map(move |receive| Ports { send, receive }))
}

/// A frame to nobody, of an EtherType for experiments (RFC 5342), with its number in it.
fn frame(length: usize, number: usize) -> Vec<u8> {
    let mut frame: Vec<u8> = (0..length).map(|at| (at * 7 + number) as u8).collect();
    frame[..12].copy_from_slice(&[2, 2, 0, 0, 0, 9, 2, 1, 0, 0, 0, 9]);
    frame[12..14].copy_from_slice(&[0x88, 0xb5]);
    frame
}

fn tagged(mut frame: Vec<u8>, tags: &[[u8; 4]]) -> Vec<u8> {
    for tag in tags.iter().rev() {
        frame.splice(12..12, *tag);
    }
    frame
}

/// Every length, tags of both kinds, more than a batch; and stamps between the call and now.
#[test]
fn every_pair_carries_every_frame_as_it_is() {
    on_host(|| {
        veth("tb-test-a", "tb-test-b");
        let mut frames: Vec<_> = (60..1515).step_by(7).map(|length| frame(length, length)).collect();
        frames.push(tagged(frame(60, 1), &[[0x81, 0, 0x20, 5]]));
        frames.push(tagged(frame(1514, 2), &[[0x81, 0, 0x0f, 0xff]]));
        frames.push(tagged(frame(100, 3), &[[0x88, 0xa8, 0, 9], [0x81, 0, 0, 7]]));
        for ports in every_pair() {
            let sent = frames.clone();
            let (received, opened, drops, before) = with_ports(ports, "tb-test-a", "tb-test-b", |exchange, opened| {
                let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
                (exchange.exchange(&sent), opened.clone(), exchange.drops(), before)
            })
            .unwrap();
            let after = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
            assert_eq!(opened, Opened { ports: Some(ports), downgrades: vec![] });
            assert_eq!(received.len(), frames.len(), "{ports}");
            for (number, ((bytes, stamp), frame)) in received.iter().zip(&frames).enumerate() {
                assert_eq!(bytes, frame, "{ports}, frame {number}");
                // the clocks are related to within some ten nanoseconds
                assert!((before - 1_000..=after + 1_000).contains(stamp), "{ports}: {before} {stamp} {after}");
            }
            assert!(received.is_sorted_by_key(|(_, stamp)| stamp), "{ports}");
            assert_eq!(drops, 0, "{ports}");
        }
    });
}

/// What waits is what is then received, in that order, before as after a part of it has been taken.
#[test]
fn packet_rings_tell_what_waits() {
    on_host(|| {
        veth("tb-test-a", "tb-test-b");
        let frames: Vec<_> = (60..90).map(|length| frame(length, length)).collect();
        for receive in [ReceivePort::Packet, ReceivePort::PacketBlocks] {
            let ports = Ports { send: SendPort::Packet, receive };
            let seen = with_ports(ports, "tb-test-a", "tb-test-b", |exchange, _| {
                assert_eq!(exchange.send(&frames), []);
                let first = exchange.waiting();
                let taken = exchange.collect(10);
                (first, taken.into_iter().map(|(bytes, _)| bytes).collect::<Vec<_>>(), exchange.waiting())
            });
            let (first, taken, rest) = seen.unwrap();
            assert!(!first.is_empty() && frames.starts_with(&first), "{ports}: {} wait", first.len());
            assert!(taken.len() >= 10 && frames.starts_with(&taken), "{ports}");
            assert!(
                !rest.is_empty() && frames[taken.len()..].starts_with(&rest),
                "{ports}: {} wait behind {}",
                rest.len(),
                taken.len()
            );
        }
    });
}

/// Packet rings take frames of any length; AF_XDP says which MTU it has room for.
#[test]
fn long_frames_are_carried_or_refused_by_name() {
    on_host(|| {
        veth("tb-test-a", "tb-test-b");
        for end in ["tb-test-a", "tb-test-b"] {
            ip(&["link", "set", end, "mtu", "9000"]);
        }
        let frames = [frame(9014, 1), frame(60, 2), tagged(frame(9014, 3), &[[0x81, 0, 0, 1]])];
        for ports in every_pair() {
            let tried = with_ports(ports, "tb-test-a", "tb-test-b", |exchange, _| exchange.exchange(&frames));
            match tried {
                Ok(received) => {
                    let bytes: Vec<_> = received.into_iter().map(|(bytes, _)| bytes).collect();
                    assert_eq!(bytes, frames, "{ports}");
                }
                Err(error) => {
                    assert!(ports.send == SendPort::XdpCopy || ports.receive == ReceivePort::Xdp, "{ports}: {error}");
                    let text = error.to_string();
                    assert!(text.contains("lets packets of 9000 bytes through"), "{ports}: {text}");
                    assert!(text.contains("room for 3"), "{ports}: {text}");
                }
            }
        }
        // what an interface lets through but a chunk does not hold is refused frame by frame
        let ports = Ports { send: SendPort::XdpCopy, receive: ReceivePort::Packet };
        for end in ["tb-test-a", "tb-test-b"] {
            ip(&["link", "set", end, "mtu", "1500"]);
        }
        let refused = with_ports(ports, "tb-test-a", "tb-test-b", |exchange, _| exchange.send(&[frame(60, 1), frame(4097, 2)]));
        assert_eq!(refused.unwrap(), [(1, Errno::MSGSIZE)]);
    });
}

/// An interface that goes down refuses all, whatever the way; what was refused does not leave later.
#[test]
fn refused_frames_are_told_and_do_not_leave_later() {
    on_host(|| {
        veth("tb-test-a", "tb-test-b");
        for send in SENDS {
            let ports = Ports { send, receive: ReceivePort::Packet };
            with_ports(ports, "tb-test-a", "tb-test-b", |exchange, _| {
                ip(&["link", "set", "tb-test-a", "down"]);
                let frames: Vec<_> = (0..70).map(|number| frame(60, number)).collect();
                let expected: Vec<_> = (0..70).map(|number| (number, Errno::NETDOWN)).collect();
                assert_eq!(exchange.send(&frames), expected, "{send}");
                ip(&["link", "set", "tb-test-a", "up"]);
                let late = [frame(61, 1)];
                let received: Vec<_> = exchange.exchange(&late).into_iter().map(|(bytes, _)| bytes).collect();
                assert_eq!(received, late, "{send}");
            })
            .unwrap();
        }
    });
}

/// Nobody reads; what found no room is counted, what did is there, in order.
#[test]
fn frames_that_find_no_room_are_counted() {
    const SENT: usize = 260_000;
    on_host(|| {
        veth("tb-test-a", "tb-test-b");
        for receive in RECEIVES {
            let ports = Ports { send: SendPort::PacketBatch, receive };
            with_ports(ports, "tb-test-a", "tb-test-b", |exchange, _| {
                let count = match receive {
                    ReceivePort::PacketBlocks => SENT,
                    _ => 20_000,
                };
                let batch: Vec<_> = (0..1000).map(|number| frame(60, number)).collect();
                for _ in 0..count / 1000 {
                    assert_eq!(exchange.send(&batch), [], "{receive}");
                }
                let mut kept = 0;
                while !exchange.collect(0).is_empty() {
                    kept += 1;
                }
                let drops = exchange.drops();
                assert!(drops > 0, "{receive}");
                assert_eq!(kept as u64 + drops, count as u64, "{receive}");
                assert_eq!(exchange.drops(), 0);
                // it goes on where it was
                let again = [frame(80, 1)];
                assert_eq!(exchange.exchange(&again)[0].0, again[0], "{receive}");
            })
            .unwrap();
        }
    });
}

/// Both directions of one interface share one AF_XDP socket, since a queue has room for one.
#[test]
fn one_interface_both_ways() {
    on_host(|| {
        veth("tb-test-a", "tb-test-b");
        let xdp = Ports { send: SendPort::XdpCopy, receive: ReceivePort::Xdp };
        with_ports(xdp, "tb-test-a", "tb-test-a", |here, _| {
            with_ports(xdp, "tb-test-b", "tb-test-b", |there, _| {
                let frames = [frame(60, 1), frame(61, 2)];
                assert_eq!(here.send(&frames), []);
                let received: Vec<_> = there.collect(2).into_iter().map(|(bytes, _)| bytes).collect();
                assert_eq!(received, frames);
                assert_eq!(there.send(&frames), []);
                assert_eq!(here.collect(2).len(), 2);
            })
            .unwrap();
        })
        .unwrap();
        // all of it is gone: the interfaces can be used again, by other ports too
        let frames = [frame(60, 1)];
        let received = with_ports(Ports::LATENCY, "tb-test-a", "tb-test-b", |exchange, _| exchange.exchange(&frames));
        assert_eq!(received.unwrap()[0].0, frames[0]);
    });
}

/// What is asked for is taken or refused; nothing else takes its place.
#[test]
fn what_cannot_be_had_is_refused_with_the_kernels_reason() {
    on_host(|| {
        veth("tb-test-a", "tb-test-b");
        let zero_copy = Ports { send: SendPort::XdpZeroCopy, receive: ReceivePort::Packet };
        let error = with_ports(zero_copy, "tb-test-a", "tb-test-b", |_, _| ()).unwrap_err().to_string();
        assert!(error.contains("XDP_ZEROCOPY") && error.contains("not supported"), "{error}");
        // somebody else's program is on the interface
        let xdp = Ports { send: SendPort::Packet, receive: ReceivePort::Xdp };
        with_ports(xdp, "tb-test-a", "tb-test-b", |_, _| {
            let error = with_ports(xdp, "tb-test-a", "tb-test-b", |_, _| ()).unwrap_err().to_string();
            assert!(error.contains("Device or resource busy"), "{error}");
        })
        .unwrap();
        let missing = with_ports(xdp, "tb-test-a", "tb-test-x", |_, _| ()).unwrap_err();
        assert!(matches!(missing, PortError::NoInterface { interface, .. } if interface == "tb-test-x"));
        let open = with_ports(Ports::default(), "tb-test-a", "tb-test-b", |_, opened| opened.clone()).unwrap();
        let most = Ports { send: SendPort::XdpCopy, receive: ReceivePort::PacketBlocks };
        assert_eq!(open, Opened { ports: Some(most), downgrades: vec![] });
    });
}

/// Interfaces besides virtual Ethernet pairs: a bridge between two pairs, and macvlan on a pair; by AF_XDP where it can.
#[test]
fn bridges_and_macvlan_carry_frames_too() {
    on_host(|| {
        veth("tb-test-a", "tb-test-b");
        veth("tb-test-c", "tb-test-d");
        // one that snoops reports by IGMP to its ports that it wants to hear, some time after it is up
        ip(&["link", "add", "tb-test-br", "type", "bridge", "mcast_snooping", "0"]);
        for port in ["tb-test-b", "tb-test-c"] {
            ip(&["link", "set", port, "master", "tb-test-br"]);
        }
        ip(&["link", "set", "tb-test-br", "up"]);
        ip(&["link", "add", "link", "tb-test-d", "name", "tb-test-m", "type", "macvlan", "mode", "passthru"]);
        ip(&["link", "set", "tb-test-m", "up"]);
        let frames: Vec<_> = (60..400).map(|length| frame(length, length)).collect();
        for ports in every_pair().filter(|ports| ports.receive != ReceivePort::Xdp) {
            for (transmit, receive) in
                [("tb-test-a", "tb-test-d"), ("tb-test-a", "tb-test-m"), ("tb-test-m", "tb-test-a"), ("tb-test-br", "tb-test-a")]
            {
                let received = with_ports(ports, transmit, receive, |exchange, _| exchange.exchange(&frames)).unwrap();
                let bytes: Vec<_> = received.into_iter().map(|(bytes, _)| bytes).collect();
                assert!(bytes == frames, "{ports}, {transmit} to {receive}: {} frames", bytes.len());
            }
        }
        let xdp = Ports { send: SendPort::XdpCopy, receive: ReceivePort::Xdp };
        let received = with_ports(xdp, "tb-test-a", "tb-test-d", |exchange, _| exchange.exchange(&frames)).unwrap();
        assert_eq!(received.len(), frames.len());
        // macvlan has no driver of its own that a program could run in
        let refused = with_ports(xdp, "tb-test-a", "tb-test-m", |_, _| ()).unwrap_err().to_string();
        assert!(refused.contains("native XDP"), "{refused}");
    });
}

/// A tap as a virtual machine's emulator has it open: what is written to it comes in, what is sent is read from it.
#[test]
fn taps_carry_frames_both_ways() {
    on_host(|| {
        let Some(mut tap) = tap("tb-test-t") else { return };
        ip(&["link", "set", "tb-test-t", "up"]);
        let frames: Vec<_> = (60..160).map(|length| frame(length, length)).collect();
        for ports in every_pair().filter(|ports| ports.receive != ReceivePort::Xdp) {
            with_ports(ports, "tb-test-t", "tb-test-t", |exchange, _| {
                for frame in &frames {
                    tap.write_all(frame).unwrap();
                }
                let received: Vec<_> = exchange.collect(frames.len()).into_iter().map(|(bytes, _)| bytes).collect();
                assert!(received == frames, "{ports}: {} frames", received.len());
                assert_eq!(exchange.send(&frames), [], "{ports}");
                for frame in &frames {
                    let mut bytes = vec![0; 2048];
                    let length = tap.read(&mut bytes).unwrap();
                    assert_eq!(&bytes[..length], frame, "{ports}");
                }
            })
            .unwrap();
        }
    });
}

/// The program on an interface goes with the process that put it there, however it ends.
#[test]
fn nothing_is_left_on_an_interface_when_its_user_is_killed() {
    const HELD: &str = "TAILBED_TEST_HOLDS";
    let xdp = Ports { send: SendPort::XdpCopy, receive: ReceivePort::Xdp };
    if let Some(interface) = std::env::var_os(HELD) {
        let interface = interface.to_string_lossy().into_owned();
        with_ports(xdp, &interface, &interface, |_, _| {
            println!("held");
            std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
        })
        .unwrap();
        return;
    }
    on_host(move || {
        veth("tb-test-a", "tb-test-b");
        let program = || {
            let shown = Command::new("ip").args(["-d", "link", "show", "tb-test-b"]).output().unwrap();
            String::from_utf8_lossy(&shown.stdout).contains("prog/xdp")
        };
        assert!(!program());
        let mut holder = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "nothing_is_left_on_an_interface_when_its_user_is_killed", "--nocapture"])
            .env(HELD, "tb-test-b")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(holder.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert!(said.into_iter().any(|line| line.contains("held")), "the interface was not opened");
        assert!(program());
        holder.kill().unwrap();
        holder.wait().unwrap();
        assert!(!program());
        let frames = [frame(60, 1)];
        let received = with_ports(xdp, "tb-test-a", "tb-test-b", |exchange, _| exchange.exchange(&frames)).unwrap();
        assert_eq!(received[0].0, frames[0]);
    });
}
