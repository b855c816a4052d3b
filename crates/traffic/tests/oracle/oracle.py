"""What the network functions should do, by scapy: an implementation that shares nothing with ours.

Usage: oracle.py FUNCTION COUNT SEED TABLES…, with FUNCTION one of l3fwd, upstream, downstream; tables are files as tailbed reads them.
Prints one JSON object a line: the rule a frame comes in by, the frame, and what becomes of it.
"""

import json
import random
import sys

from scapy.contrib.mpls import MPLS
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption
from scapy.layers.l2 import ARP, GRE, Dot1AD, Dot1Q, Ether
from scapy.packet import Raw
from scapy.utils import checksum

# By rule: the addresses that frames get where it transmits.
EXITS = {0: ("02:02:02:02:02:02", "03:03:03:03:03:03"), 1: ("04:04:04:04:04:04", "05:05:05:05:05:05")}
PORTS = {"in": 1, "out": 0}
LOCAL, REMOTE = "198.19.255.1", "198.19.255.2"


class Drop(Exception):
    """A frame that is not sent on, and why."""


def number(address):
    a, b, c, d = (int(part) for part in address.split("."))
    return a << 24 | b << 16 | c << 8 | d


def dotted(value):
    return ".".join(str(value >> shift & 255) for shift in (24, 16, 8, 0))


class Routes:
    """Longest prefix match the plain way: one dictionary a length, the longest first."""

    def __init__(self, path):
        self.lengths = {length: {} for length in range(32, -1, -1)}
        for line in ["198.18.0.0/16 in", "198.19.0.0/16 out"] + open(path).read().splitlines():
            prefix, port = line.split()
            address, length = prefix.split("/")
            self.lengths[int(length)][number(address) >> 32 - int(length)] = port
        self.all = [(key << 32 - length, length) for length, keys in self.lengths.items() for key in keys]

    def port(self, address):
        for length, keys in self.lengths.items():
            port = keys.get(number(address) >> 32 - length)
            if port is not None:
                return port
        raise Drop("no_route")

    def some_address(self, draw):
        """Mostly one that a route leads to, at its edges and in between."""
        if draw.random() < 0.1:
            return dotted(draw.getrandbits(32))
        address, length = draw.choice(self.all)
        size = 1 << 32 - length
        return dotted((address + draw.choice([0, size - 1, size, draw.randrange(size)])) & 0xFFFFFFFF)


def martian(address):
    return number(address) >> 24 in (0, 127) or number(address) >> 24 >= 224


def options(raw):
    """As RFC 791, section 3.1 says: two kinds of one byte, all others with a length."""
    while raw:
        kind = raw[0]
        if kind == 0:
            return
        if kind == 1:
            raw = raw[1:]
            continue
        if kind == 137:
            raise Drop("source_route")
        if len(raw) < 2 or raw[1] < 2 or raw[1] > len(raw):
            raise Drop("malformed")
        raw = raw[raw[1] :]


def validated(raw):
    """The header of a packet and how long the packet is; RFC 1812, section 5.2.2."""
    if len(raw) < 20:
        raise Drop("malformed")
    header = IP(raw[:20])
    if header.version != 4 or header.ihl < 5 or header.len < 4 * header.ihl or header.len > len(raw):
        raise Drop("malformed")
    if checksum(raw[: 4 * header.ihl]) != 0:
        raise Drop("bad_checksum")
    return header


def passing(raw):
    header = validated(raw)
    if martian(header.src) or martian(header.dst):
        raise Drop("martian")
    options(raw[20 : 4 * header.ihl])
    return header


def hop(raw, header, ttl):
    """The packet one hop further on, with a checksum computed from scratch."""
    if ttl <= 1:
        raise Drop("ttl_expired")
    length = 4 * header.ihl
    changed = bytearray(raw[: header.len])
    changed[8] = ttl - 1
    changed[10:12] = b"\0\0"
    changed[10:12] = checksum(bytes(changed[:length])).to_bytes(2, "big")
    if length == 20:
        again = IP(raw[:20])
        again.remove_payload()
        again.ttl = ttl - 1
        del again.chksum
        assert bytes(again / Raw(raw[20 : header.len])) == bytes(changed)
    return bytes(changed)


def unframed(frame):
    if len(frame) < 14:
        raise Drop("malformed")
    if frame[0] & 1:
        raise Drop("link_broadcast")
    if frame[12:14] != b"\x08\x00":
        raise Drop("not_ip")
    return frame[14:]


def ethernet(rule, kind=0x0800):
    source, destination = EXITS[rule]
    return Ether(src=source, dst=destination, type=kind)


def l3fwd(frame, routes):
    raw = unframed(frame)
    header = passing(raw)
    rule = PORTS[routes.port(header.dst)]
    return rule, bytes(ethernet(rule) / Raw(hop(raw, header, header.ttl) + raw[header.len :]))


def upstream(frame, routes, labels):
    if len(frame) < 14:
        raise Drop("malformed")
    if frame[0] & 1:
        raise Drop("link_broadcast")
    if frame[12:14] != b"\x88\xa8":
        raise Drop("untagged")
    if len(frame) < 22:
        raise Drop("malformed")
    tagged = Ether(frame)
    if tagged[Dot1AD].type != 0x8100:
        raise Drop("untagged")
    if tagged[Dot1Q].type != 0x0800:
        raise Drop("not_ip")
    label = labels.get((tagged[Dot1AD].vlan, tagged[Dot1Q].vlan))
    if label is None:
        raise Drop("unknown_subscriber")
    raw = frame[22:]
    header = passing(raw)
    if routes.port(header.dst) != "out":
        raise Drop("no_route")
    inner = hop(raw, header, header.ttl)
    around = IP(src=LOCAL, dst=REMOTE, id=0, flags="DF", ttl=64) / GRE(proto=0x8847) / MPLS(label=label, cos=0, s=1, ttl=header.ttl - 1)
    return 0, bytes(ethernet(0) / around / Raw(inner))


def downstream(frame, pairs):
    raw = unframed(frame)
    outer = validated(raw)
    if (outer.src, outer.dst, outer.proto) != (REMOTE, LOCAL, 47):
        raise Drop("not_tunnelled")
    if outer.frag or outer.flags.MF:
        raise Drop("fragment")
    inside = raw[4 * outer.ihl : outer.len]
    if len(inside) < 4:
        raise Drop("malformed")
    flags = int.from_bytes(inside[:2], "big")
    if flags & 0x7C07:
        raise Drop("not_tunnelled")
    length = 4
    if flags & 0x8000:
        length = 8
        if len(inside) < 8:
            raise Drop("malformed")
        if checksum(inside) != 0:
            raise Drop("bad_checksum")
    if inside[2:4] != b"\x88\x47":
        raise Drop("not_tunnelled")
    if len(inside) < length + 4:
        raise Drop("malformed")
    entry = MPLS(inside[length : length + 4])
    pair = pairs.get(entry.label) if entry.s else None
    if pair is None:
        raise Drop("unknown_label")
    packet = inside[length + 4 :]
    header = passing(packet)
    inner = hop(packet, header, min(entry.ttl, header.ttl))
    out = bytes(ethernet(1, 0x88A8) / Dot1AD(vlan=pair[0], type=0x8100) / Dot1Q(vlan=pair[1], type=0x0800) / Raw(inner))
    return 1, out.ljust(60, b"\0")


def packet(draw, routes):
    """A packet by scapy: most right, some on the edge of it."""
    choice = draw.random()
    ip = IP(
        src=dotted(draw.getrandbits(32) & 0x7FFFFFFF | 0x01000000),
        dst=routes.some_address(draw),
        ttl=draw.choice([0, 1, 2, 64, 255, draw.randrange(256)]),
        tos=draw.randrange(256),
        id=draw.getrandbits(16),
        flags=draw.choice(["", "DF", "MF"]),
        frag=draw.choice([0, 0, 0, draw.randrange(8192)]),
    )
    if choice < 0.1:
        known = [b"\x01", b"\x07\x07\x04\0\0\0\0", b"\x44\x08\x05\0\0\0\0\0", b"\x83\x07\x04\x0a\0\0\x01", b"\x94\x04\0\0", b"\x89\x07\x04\x0a\0\0\x01"]
        ip.options = [IPOption(draw.choice(known)) for _ in range(draw.randrange(1, 4))]
    body = draw.randbytes(draw.choice([0, 1, 18, draw.randrange(200), draw.randrange(1400)]))
    above = draw.choice(
        [
            lambda: UDP(sport=draw.getrandbits(16), dport=draw.getrandbits(16)) / Raw(body),
            lambda: TCP(sport=draw.getrandbits(16), dport=draw.getrandbits(16), seq=draw.getrandbits(32)) / Raw(body),
            lambda: ICMP() / Raw(body),
            lambda: Raw(body),
        ]
    )()
    if isinstance(above, Raw):
        ip.proto = draw.choice([50, 89, 253, 254])
    raw = bytearray(bytes(ip / above))
    if choice > 0.94:
        # damage, of which the checksum is told half of the time
        raw[draw.randrange(min(len(raw), 60))] = draw.randrange(256)
        length = 4 * (raw[0] & 15)
        if draw.random() < 0.5 and 20 <= length <= len(raw):
            raw[10:12] = b"\0\0"
            raw[10:12] = checksum(bytes(raw[:length])).to_bytes(2, "big")
    return bytes(raw)


def frame_of(draw, inside, head):
    """The frame around it: sometimes padded, cut off, for a group, or of another protocol."""
    destination = "01:00:5e:00:00:01" if draw.random() < 0.02 else "0a:00:00:00:00:01"
    frame = bytes(Ether(src="0a:00:00:00:00:02", dst=destination, type=head[0]) / head[1](inside))
    choice = draw.random()
    if choice < 0.02:
        return frame[: draw.randrange(len(frame))]
    if choice < 0.03:
        return bytes(Ether(src="0a:00:00:00:00:02", dst="ff:ff:ff:ff:ff:ff") / ARP())
    if choice < 0.04:
        changed = bytearray(frame)
        changed[draw.choice([12, 13, 16, 17, 20, 21])] ^= 1 << draw.randrange(8)
        return bytes(changed)
    return frame + bytes(draw.choice([0, 0, max(0, 60 - len(frame)), draw.randrange(20)]))


def subscribers(path):
    lines = [tuple(int(word) for word in line.split()) for line in open(path).read().splitlines()]
    return {line[:2]: line[2] for line in lines}, {line[2]: line[:2] for line in lines}


def cases(function, count, draw, tables):
    if function == "l3fwd":
        routes = Routes(tables[0])
        for _ in range(count):
            frame = frame_of(draw, packet(draw, routes), (0x0800, Raw))
            yield draw.randrange(2), frame, lambda frame=frame: l3fwd(frame, routes)
        return
    labels, pairs = subscribers(tables[0])
    routes = Routes(tables[1])
    for _ in range(count):
        raw = packet(draw, routes)
        known = draw.choice(list(labels)) if draw.random() < 0.02 else draw.choice(KNOWN)
        if function == "upstream":
            service, customer = known if draw.random() < 0.95 else (draw.randrange(4096), draw.randrange(4096))
            prio = draw.randrange(8)
            tags = lambda inside: Dot1AD(vlan=service, prio=prio, type=0x8100) / Dot1Q(vlan=customer, prio=prio, id=1, type=0x0800) / Raw(inside)
            frame = frame_of(draw, raw, (0x88A8, tags))
            yield 0, frame, lambda frame=frame: upstream(frame, routes, labels)
        else:
            label = labels[known] if draw.random() < 0.95 else draw.randrange(1 << 20)
            entry = MPLS(label=label, cos=draw.randrange(8), s=int(draw.random() < 0.98), ttl=draw.choice([0, 1, 2, 64, 255]))
            gre = GRE(proto=0x8847, chksum_present=int(draw.random() < 0.3))
            if draw.random() < 0.03:
                gre = GRE(proto=draw.choice([0x8847, 0x0800]), key_present=draw.randrange(2), version=draw.randrange(2))
            ends = (REMOTE, LOCAL) if draw.random() < 0.97 else (LOCAL, REMOTE)
            outer = IP(src=ends[0], dst=ends[1], ttl=draw.randrange(1, 256), flags=draw.choice(["DF", "DF", ""]))
            if draw.random() < 0.02:
                outer.flags, outer.frag = "MF", draw.randrange(2)
            around = bytearray(bytes(outer / gre / entry / Raw(raw)))
            if draw.random() < 0.03:
                around[draw.randrange(min(60, len(around)))] ^= 1 << draw.randrange(8)
            frame = frame_of(draw, bytes(around), (0x0800, Raw))
            yield 1, frame, lambda frame=frame: downstream(frame, pairs)


def main():
    function, count, seed, *tables = sys.argv[1:]
    draw = random.Random(int(seed))
    if function != "l3fwd":
        global KNOWN
        KNOWN = list(subscribers(tables[0])[0])
    for rule, frame, expected in cases(function, int(count), draw, tables):
        case = {"rule": rule, "frame": frame.hex()}
        try:
            case["exit"], out = expected()
            case["sent"] = out.hex()
        except Drop as drop:
            case["drop"] = str(drop)
        print(json.dumps(case))


main()
