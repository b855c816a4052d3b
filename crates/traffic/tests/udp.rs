//! UDP sockets as ports, over a pair of interfaces in one namespace, with and without CAP_NET_RAW.
//!
//! Where these may not be made, a test counts as skipped and says why; with `TAILBED_REQUIRE_HOST_TESTS=1` it fails instead.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::fmt::Debug;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::io::Errno;
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
use support::network::{ip, on_host, veth};
use tailbed_format::order::Wait;
use tailbed_format::port::{Ports, ReceivePort, SendPort};
use tailbed_format::udp::{HEADERS, UdpPort};
use tailbed_traffic::port::{
    FanoutGroup, Opened, PortError, Receive, Rest, Steering, Transmit, UdpReceiver, UdpSender, Use, Wired, open,
};
use tailbed_traffic::stop::Stop;

const ENDS: [&str; 2] = ["tb-test-a", "tb-test-b"];

/// A pair with addresses, both ends here: as the floor has it.
fn pair() -> [UdpPort; 2] {
    veth(ENDS[0], ENDS[1]);
    let [one, other] = UdpPort::of_link(0);
    let port = |name: &str, own, peer| UdpPort { name: name.to_owned(), own, peer };
    let ports = [port(ENDS[0], one, other), port(ENDS[1], other, one)];
    let macs = ["02:00:00:00:00:0a", "02:00:00:00:00:0b"];
    for (port, own) in ports.iter().zip(macs) {
        let peer = macs[usize::from(own == macs[0])];
        ip(&["link", "set", &port.name, "address", own]);
        ip(&["address", "add", &format!("{}/{}", port.own, UdpPort::PREFIX), "dev", &port.name]);
        ip(&["neighbour", "replace", &port.peer.to_string(), "lladdr", peer, "dev", &port.name, "nud", "permanent"]);
        std::fs::write(format!("/proc/sys/net/ipv4/conf/{}/accept_local", port.name), "1").unwrap();
        std::fs::write(format!("/proc/sys/net/ipv4/conf/{}/rp_filter", port.name), "0").unwrap();
    }
    std::fs::write("/proc/sys/net/ipv4/conf/all/rp_filter", "0").unwrap();
    ports
}

/// A plain frame of so many bytes whose payload tells its number.
fn frame(length: usize, number: u8) -> Vec<u8> {
    let mut frame = vec![number; length];
    frame[12..14].copy_from_slice(&[8, 0]);
    frame
}

fn now() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()).unwrap()
}

/// What comes within two seconds, until there is as much.
fn collect(receiver: &mut UdpReceiver, count: usize) -> Vec<(Vec<u8>, u64)> {
    let stop = Stop::new().unwrap();
    let (mut came, begun) = (Vec::new(), Instant::now());
    while came.len() < count && begun.elapsed() < Duration::from_secs(2) {
        match receiver.receive(|incoming| (incoming.bytes.to_vec(), incoming.stamp, incoming.truncated)) {
            Some((bytes, stamp, truncated)) => {
                assert!(!truncated);
                came.push((bytes, stamp));
            }
            None => drop(receiver.idle(Wait::Block, 100_000_000, &stop)),
        }
    }
    came
}

#[test]
fn payloads_pass_with_stamps_between_the_call_and_now() {
    on_host(|| {
        let [a, b] = pair();
        let (mut sender, mut receiver) = (UdpSender::open(&a).unwrap(), UdpReceiver::open(&b).unwrap());
        // another that leaves by the same interface, as that of a second stream does; and the other way
        let (mut second, mut back) = (UdpSender::open(&a).unwrap(), UdpSender::open(&b).unwrap());
        let mut at_first = UdpReceiver::open(&a).unwrap();
        let frames: Vec<_> = (60_u8..=250).map(|number| frame(60 + usize::from(number - 60) * 7, number)).collect();
        let before = now();
        for batch in frames.chunks(UdpSender::QUEUE) {
            for frame in batch {
                sender.send(frame).unwrap();
            }
            sender.flush(|place, error| panic!("{place}: {error}"));
        }
        let came = collect(&mut receiver, frames.len());
        let after = now();
        assert_eq!(came.len(), frames.len());
        for ((bytes, stamp), frame) in came.iter().zip(&frames) {
            assert_eq!((bytes.len(), &bytes[HEADERS..]), (frame.len(), &frame[HEADERS..]));
            assert!((before..=after).contains(stamp), "{before} {stamp} {after}");
        }
        assert!(came.is_sorted_by_key(|(_, stamp)| stamp));
        for (sender, receiver) in [(&mut second, &mut receiver), (&mut back, &mut at_first)] {
            sender.send(&frames[3]).unwrap();
            sender.flush(|place, error| panic!("{place}: {error}"));
            assert_eq!(collect(receiver, 1)[0].0[HEADERS..], frames[3][HEADERS..]);
        }
        assert_eq!(receiver.drops(), 0);
        // longer than the interface carries in one piece, too short for headers, and not IPv4
        assert_eq!(sender.send(&frame(1515, 1)), Err(Errno::MSGSIZE));
        sender.send(&frame(1514, 1)).unwrap();
        sender.flush(|place, error| panic!("{place}: {error}"));
        assert_eq!(collect(&mut receiver, 1)[0].0.len(), 1514);
        assert_eq!(sender.send(&[8; 41]), Err(Errno::PROTONOSUPPORT));
        assert_eq!(sender.send(&[9; 60]), Err(Errno::PROTONOSUPPORT));
    });
}

/// Nobody reads: what found no room is counted by the socket.
#[test]
fn datagrams_that_find_no_room_are_counted() {
    const SENT: usize = 60_000;
    on_host(|| {
        let [a, b] = pair();
        let (mut sender, mut receiver) = (UdpSender::open(&a).unwrap(), UdpReceiver::open(&b).unwrap());
        let mut refused = 0;
        for number in 0..SENT {
            sender.send(&frame(60, number.to_le_bytes()[0])).unwrap();
            if sender.queued() == UdpSender::QUEUE || number + 1 == SENT {
                sender.flush(|_, _| refused += 1);
            }
        }
        let mut kept = 0;
        while receiver.receive(|_| ()).is_some() {
            kept += 1;
        }
        let drops = receiver.drops();
        assert!(drops > 0 && kept > 0, "{kept} kept, {drops} dropped");
        assert_eq!(kept + drops + refused, SENT as u64);
        assert_eq!(receiver.drops(), 0);
    });
}

/// Whatever was opened.
struct Kinds;

impl Use for Kinds {
    type Output = Opened;

    fn with<R, T>(self, receive: Vec<R>, transmit: Vec<T>, opened: &Opened) -> Opened
    where
        R: Receive + Rest + Debug + Send + 'static,
        T: Transmit + Debug + Send + 'static,
    {
        assert_eq!((receive.len(), transmit.len()), (1, 1));
        opened.clone()
    }
}

fn opened(ports: Ports, sockets: &[UdpPort], groups: Option<&mut [FanoutGroup]>) -> Result<Opened, PortError> {
    open(ports, Wired { receive: &[ENDS[1]], transmit: &[ENDS[0]], memory: &[], sockets, shown: false }, groups, Kinds)
}

#[test]
fn what_sockets_cannot_do_is_refused_by_name() {
    on_host(|| {
        let ports = pair();
        assert_eq!(opened(Ports::UDP, &ports, None).unwrap().ports, Some(Ports::UDP));
        let half = Ports { send: SendPort::Udp, receive: ReceivePort::Auto };
        assert_eq!(opened(half, &ports, None).unwrap().ports, Some(Ports::UDP));
        let mixed = Ports { send: SendPort::Udp, receive: ReceivePort::Packet };
        assert!(matches!(opened(mixed, &ports, None), Err(PortError::OnlyUdp(_))));
        let groups = &mut [FanoutGroup::new(Steering::Flow)];
        assert!(matches!(opened(Ports::UDP, &ports, Some(groups)), Err(PortError::SeveralUdp)));
        let unknown = opened(Ports::UDP, &ports[..1], None).unwrap_err().to_string();
        assert!(unknown.contains("`tb-test-b`") && unknown.contains("no addresses"), "{unknown}");
        let elsewhere = UdpPort { own: [198, 18, 9, 1].into(), ..ports[0].clone() };
        let wrong = UdpSender::open(&elsewhere).unwrap_err().to_string();
        assert!(wrong.contains("`tb-test-a`: bind to its own address failed"), "{wrong}");
        let missing = UdpPort { name: "tb-test-c".to_owned(), ..ports[0].clone() };
        assert!(matches!(UdpSender::open(&missing), Err(PortError::NoInterface { .. })));
    });
}

#[test]
fn sockets_need_no_capability_and_packet_sockets_say_which() {
    on_host(|| {
        let ports = pair();
        let mut held = capabilities(None).unwrap();
        held.effective = CapabilitySet::empty();
        set_capabilities(None, held).unwrap();
        let Opened { ports: kinds, downgrades } = opened(Ports::UDP, &ports, None).unwrap();
        assert_eq!(kinds, Some(Ports::UDP));
        assert!(downgrades.iter().all(|downgrade| downgrade.contains("net.core.rmem_max")), "{downgrades:?}");
        let (mut sender, mut receiver) = (UdpSender::open(&ports[0]).unwrap(), UdpReceiver::open(&ports[1]).unwrap());
        sender.send(&frame(60, 1)).unwrap();
        sender.flush(|place, error| panic!("{place}: {error}"));
        assert_eq!(collect(&mut receiver, 1).len(), 1);
        let refused = opened(Ports::LATENCY, &ports, None).unwrap_err();
        assert!(matches!(refused, PortError::NotPermitted { .. }), "{refused}");
        let said = refused.to_string();
        assert!(said.contains("CAP_NET_RAW") && said.contains("send = \"udp\""), "{said}");
    });
}
