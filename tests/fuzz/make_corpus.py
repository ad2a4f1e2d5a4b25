#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/fuzz/corpus/: what the fuzzers start from. Run by hand when packet_fuzz's or protocol_fuzz's input changes;
the result is committed.

    make_corpus.py [--harmful DIR]

--harmful: into DIR, instead, each of the frames cut at every length and with each of its bytes changed. What
a corpus grown from them reaches beside the named ones is in packet_fuzz/grown:
    make_corpus.py --harmful build-fuzz/harmful
    build-fuzz/tests/fuzz/packet_fuzz -max_total_time=600 build-fuzz/corpus/packet_fuzz build-fuzz/harmful
    build-fuzz/tests/fuzz/packet_fuzz -set_cover_merge=1 -max_len=2000 NEW tests/fuzz/corpus/packet_fuzz build-fuzz/corpus/packet_fuzz
"""

import hashlib
import os
import shutil
import struct
import sys

from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_LSRR, IPOption_RR, IPOption_SSRR, IPOption_Timestamp
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Raw

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.append(os.path.join(HERE, "..", "system"))
from harm import harmful  # noqa: E402

ROOT = os.path.join(HERE, "..", "..")
END, MEND, SECOND, VNET, BRIDGED = 4, 8, 16, 32, 64  # packet_fuzz.cpp: the bits of a record's control byte


def port_mac(n):
    return f"02:00:00:00:00:{n:02x}"


def host_mac(n):
    return f"06:00:00:00:00:{n:02x}"


def record(frame, port=1, control=END | MEND):
    data = bytes(frame)
    return bytes([control | (port - 1)]) + len(data).to_bytes(2, "little") + data


def left_to_device(frame, gso_type=0, gso_size=0, offset=16):
    """With a struct virtio_net_hdr: a partial checksum, and segments of gso_size."""
    header = struct.pack("<BBHHHH", 1, gso_type, 0, gso_size, 34, offset)
    return record(header + bytes(frame), control=END | MEND | VNET)


def from_host(packet, port=1, dst=None):
    return Ether(src=host_mac(port), dst=dst or port_mac(port)) / packet


def ip(port=1, **fields):
    return IP(**{"src": f"10.0.{port}.2", "dst": "10.0.2.2", **fields})


def arp(port=1, **fields):
    return ARP(**{"op": 1, "hwsrc": host_mac(port), "psrc": f"10.0.{port}.2", "pdst": f"10.0.{port}.1", **fields})


def bridged():
    """{name: records}: by ports 1, 3, 4 (members of a LAG, a trunk of VLANs 10 and 20; the last carries nothing) and 2
    (access of 10) of those that are bridged, and by VLAN 100 of port 3 (access of 20)."""
    udp = IP(src="10.0.9.2", dst="10.0.9.3") / UDP(dport=9) / Raw(b"0123456789")
    one, two, own = "06:00:00:00:09:01", "06:00:00:00:09:02", "02:00:00:00:00:bb"

    def frame(dst, src, *tags, payload=udp):
        made = Ether(src=src, dst=dst)
        for tag in tags:
            made /= Dot1Q(vlan=tag)
        return made / payload

    def trunk(*args, member=1, **more):
        return record(frame(*args, **more), member, END | MEND | BRIDGED)

    def access(*args, control=END, **more):
        return record(frame(*args, **more), 2, control | MEND | BRIDGED)

    def below(dst, src, **more):
        return record(frame(dst, src, 100, **more), 3)

    learned = trunk(two, one, 10) + access(one, two)
    big = IP(src="10.0.9.2", dst="10.0.9.3") / TCP(dport=80, flags="PA") / Raw(bytes(range(256)) * 5)
    flows = [IP(src="10.0.9.2", dst=f"10.0.9.{n + 3}") / UDP(sport=n * 77, dport=9) / Raw(b"0123456789") for n in range(12)]
    agreement = lacp(one.replace(":", ""), "0101")
    return {
        "lag_flows": learned + b"".join(access(one, two, control=0, payload=flow) for flow in flows) + access(one, two),
        "lag_flood": b"".join(access("ff:ff:ff:ff:ff:ff", two, control=0, payload=flow) for flow in flows) + access(one, two),
        "lag_either": trunk(two, one, 10) + trunk(two, one, 10, member=3) + trunk(two, one, 10, member=4),
        "lag_loop": trunk("ff:ff:ff:ff:ff:ff", one, 20) + trunk("ff:ff:ff:ff:ff:ff", one, 20, member=3),
        "lag_slow": b"".join(record(agreement, member, END | BRIDGED) for member in (1, 3, 4)),
        "lag_routed": learned + b"".join(record(from_host(ip(dst="10.0.9.2") / UDP(sport=n, dport=9))) for n in range(9)),
        "lag_short": record(bytes(frame(two, one, 10))[:13], 3, END | BRIDGED) + record(agreement[:20], 4, END | BRIDGED),
        "bridge_unknown": trunk(two, one, 10),
        "bridge_known": learned + trunk(two, one, 10),
        "bridge_burst": learned + access(one, two, control=0) * 3 + access("ff:ff:ff:ff:ff:ff", two, control=0) + access(one, two),
        "bridge_moved": learned + access(two, one) + trunk(two, one, 10) + access(two, one) + trunk(two, one, 10) * 2,
        "bridge_broadcast": trunk("ff:ff:ff:ff:ff:ff", one, 20),
        "bridge_multicast": below("01:00:5e:01:02:03", one),
        "bridge_vlan_below": below(two, one) + trunk(one, two, 20),
        "bridge_priority_tag": trunk(two, one, 0) + access(one, two, 0),
        "bridge_refused": trunk(two, one, 30) + access(one, two, 20),
        "bridge_reserved": trunk("01:80:c2:00:00:02", one, 10) + trunk("01:80:c2:00:00:0e", one, 10) + access("01:80:c2:00:00:00", two),
        "bridge_own_port": access(own, two, payload=IP(src="10.0.9.2", dst="10.0.2.2") / UDP(dport=9)),
        "bridge_arp": access("ff:ff:ff:ff:ff:ff", two, payload=ARP(hwsrc=two, psrc="10.0.9.2", pdst="10.0.9.1")),
        "bridge_routed_to": learned + record(from_host(ip(dst="10.0.9.2") / UDP(dport=9))),
        "bridge_held": record(from_host(ip(dst="10.0.9.3") / UDP(dport=9))) + access(
            own, two, payload=ARP(op=2, hwsrc=two, psrc="10.0.9.3", pdst="10.0.9.1", hwdst=own)),
        "bridge_super_frame": learned + record(struct.pack("<BBHHHH", 1, 1, 0, 500, 34, 16) + bytes(frame(one, two, payload=big)), 2,
                                               END | MEND | VNET | BRIDGED),
        "bridge_super_frame_flooded": record(struct.pack("<BBHHHH", 1, 1, 0, 500, 34, 16) + bytes(frame(
            "ff:ff:ff:ff:ff:ff", two, payload=big)), 2, END | MEND | VNET | BRIDGED),
        "bridge_storm": b"".join(trunk("ff:ff:ff:ff:ff:ff", one, 10) for _ in range(12)),
        "bridge_many": b"".join(access(one, f"06:00:00:00:0a:{n:02x}") for n in range(12)),
        "bridge_short": record(bytes(frame(two, one, 10))[:15], 1, END | BRIDGED),
    }


def packets():
    """{name: records}"""
    big = Raw(bytes(range(256)) * 5)
    udp = UDP(sport=4000, dport=9) / Raw(b"0123456789")
    error = ICMP(type=3, code=1) / IP(src="10.0.1.2", dst="10.0.2.2") / udp
    return {
        "udp_forwarded": record(from_host(ip() / udp)),
        "tcp_partial": left_to_device(from_host(ip() / TCP(dport=80) / big)),
        "tcp_super_frame": left_to_device(from_host(ip() / TCP(dport=80, flags="PA") / big), 1, 500),
        "tcp_super_frame_refused": left_to_device(from_host(ip(dst="10.0.3.2", flags="DF") / TCP() / big), 1, 1000),
        "udp_super_frame": left_to_device(from_host(ip(dst="10.0.3.2") / UDP(dport=9) / big), 5, 700, 6),
        "super_frame_to_us": left_to_device(from_host(ip(dst="10.0.1.1") / TCP() / big), 1, 500),
        "udp_to_us": record(from_host(ip(dst="10.0.1.1") / udp)),
        "tcp": record(from_host(ip(dst="10.8.3.4") / TCP(dport=80))),
        "echo": record(from_host(ip(dst="10.0.2.1") / ICMP() / Raw(b"x" * 56))),
        "echo_options": record(from_host(ip(dst="10.0.1.1", options=IPOption_RR(length=7)) / ICMP())),
        "icmp_error": record(from_host(ip(dst="10.0.1.1") / error)),
        "ttl": record(from_host(ip(ttl=1) / udp)),
        "no_route": record(from_host(ip(dst="172.16.0.1") / udp)),
        "blackhole": record(from_host(ip(dst="192.0.2.1") / udp)),
        "unreachable": record(from_host(ip(dst="198.51.100.1") / udp)),
        "prohibit": record(from_host(ip(dst="203.0.113.1") / udp)),
        "broadcast": record(from_host(ip(dst="10.0.2.255") / udp, dst="ff:ff:ff:ff:ff:ff")),
        "fragmented": record(from_host(ip(dst="10.0.3.2") / UDP() / big)),
        "fragmented_options": record(from_host(ip(dst="10.0.3.2", options=IPOption_Timestamp()) / UDP() / big)),
        "df": record(from_host(ip(dst="10.0.3.2", flags="DF") / UDP() / big)),
        "fragment": record(from_host(ip(frag=64, flags="MF") / Raw(b"y" * 1200))),
        "arp_request": record(from_host(arp(), dst="ff:ff:ff:ff:ff:ff")),
        "arp_probe": record(from_host(arp(psrc="0.0.0.0"), dst="ff:ff:ff:ff:ff:ff")),
        "held_then_released": record(from_host(ip(dst="10.0.3.77") / udp)) * 3 + record(
            from_host(arp(3, op=2, hwsrc="06:00:00:00:03:77", psrc="10.0.3.77"), 3), 3),
        "held_again_later": record(from_host(ip(dst="10.9.1.1") / udp)) + record(
            from_host(ip(dst="10.9.1.1") / udp), control=END | MEND | SECOND),
        "rp_filter": record(from_host(ip(2, src="10.0.1.7", dst="10.0.1.2") / udp, 2), 2),
        "burst": b"".join(record(from_host(ip(dst=f"10.{n}.0.1", ttl=n) / udp), control=MEND) for n in range(40)),
        "source_route": record(from_host(ip(3, dst="10.0.3.1", options=IPOption_LSRR(routers=["10.0.1.2"])) / udp, 3), 3),
        "source_route_done": record(from_host(ip(3, dst="10.0.3.1", options=IPOption_SSRR(
            pointer=8, routers=["10.0.3.9"])) / ICMP(), 3), 3),
        "redirect": record(from_host(ip(3, dst="10.9.1.1") / udp, 3), 3),
        "directed_broadcast": record(from_host(ip(3, dst="10.0.2.255") / udp, 3), 3),
        "echo_to_all": record(from_host(ip(dst="255.255.255.255") / ICMP(), dst="ff:ff:ff:ff:ff:ff")),
        "proxy_arp": record(from_host(arp(3, pdst="10.0.1.2"), 3, dst="ff:ff:ff:ff:ff:ff"), 3),
        "gratuitous_arp": record(from_host(arp(3, pdst="10.0.3.2"), 3, dst="ff:ff:ff:ff:ff:ff"), 3),
        "vlan": record(from_host(Dot1Q(vlan=10) / ip() / udp)),
        "ip6": record(Ether(src=host_mac(1), dst="33:33:00:00:00:01", type=0x86dd) / Raw(b"`" + bytes(39))),
        "partial_checksum": record(from_host(ip() / UDP(sport=1, dport=2, chksum=0x142f) / Raw(b"abcd"))),
        "short": record(bytes(from_host(ip() / udp))[:20], control=END),
        **bridged(),
    }


def write(directory, name, data):
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, name), "wb") as f:
        f.write(data)


def stp(mac, *fields):
    body = bytes.fromhex("424203" + "".join(fields))
    return bytes.fromhex("0180c2000000" + mac) + struct.pack(">H", len(body)) + body


def lacp(mac, *fields):
    return (bytes.fromhex("0180c2000002" + mac + "8809" + "".join(fields))).ljust(124, b"\0")


# As Linux sends them; joined, left, asked for.
ABOUT_GROUPS = {
    "igmp3_report": "01005e00001602000000ca02080046c00028000040000102f9ee0a090002e000001694040000"
                    "2200e8f90000000104000000ef010203",
    "igmp2_report": "01005e01020302000000ca02080046c00020000040000102e9080a090002ef010203940400001600f8faef010203",
    "igmp_leave": "01005e00000202000000ca02080046c00020000040000102fa0a0a090002e0000002940400001700f7faef010203",
    "igmp3_query": "01005e000001d22c4b212814080046c00024000040000102041300000000e000000194040000"
                   "1164ec1e00000000027d0000",
    "mld2_report": "33330000001602000000ca0286dd6000000000240001fe80000000000000000000fffe00ca02"
                   "ff0200000000000000000000000000163a000502000001008f00a8010000000103000000ff050000000000000000000000010003",
    "mld1_query": "333300000001d22c4b21281486dd6000000000200001fe800000000000006cc5a2fffeb2b7d0"
                  "ff0200000000000000000000000000013a00050200000000820092cf2710" + 18 * "00",
}


def protocol_frames():
    """{name: frames}: who is better, who is worse, the old protocol, a partner, a marker, this switch itself."""
    a, b, us = "800002000000000a", "f00002000000000b", "8000020000000001"
    times, aged = "00001400" "02000f00", "01001400" "02000f00"
    rst = "00000202"
    actor = "0114fffe02000000000a0002ffff0003{:02x}000000"
    partner = "0214ffff0200000000010001ffff0001{:02x}0000000310"
    mac = "02000000000a"
    return {
        "proposal": stp(mac, rst, "0e", a, "00000000", a, "8001", times, "00"),
        "agreement": stp(mac, rst, "79", us, "000007d0", b, "8001", aged, "00"),
        "inferior": stp(mac, rst, "3c", b, "00000000", b, "8001", times, "00"),
        "superior": stp(mac, rst, "3d", a, "000007d0", b, "8002", aged, "00"),
        "own": stp("020000000001", rst, "0e", us, "00000000", us, "8001", times, "00"),
        "config": stp(mac, "00000000", "81", a, "00000000", a, "8001", times),
        "notification": stp(mac, "00000080"),
        "partner": lacp(mac, "0101", actor.format(0x3D), partner.format(0x05)),
        "short_timeout": lacp(mac, "0101", actor.format(0x47), partner.format(0x3D)),
        "marker": lacp(mac, "02010110" "0001" "02000000000a" "00000007" "0000"),
        **{name: bytes.fromhex(text) for name, text in ABOUT_GROUPS.items()},
    }


def protocol_record(what, frame):
    return bytes([what, len(frame)]) + frame


def protocols():
    """{name: records}: each alone, time by time, and all of them to each port."""
    frames = protocol_frames()
    seeds = {name: protocol_record(0x10, frame) * 4 for name, frame in frames.items()}
    seeds["all"] = b"".join(protocol_record(0x10 + n % 3, f) for n, f in enumerate(list(frames.values()) * 3))
    seeds["links"] = b"".join(protocol_record(w, frames["proposal"]) for w in (0x80, 0xF0, 0x91, 0xE1, 0x30, 0x31))
    return seeds


def write_harmful(directory):
    """The first frame of each seed is what is changed."""
    for seed in packets().values():
        size = int.from_bytes(seed[1:3], "little")
        for frame in harmful(seed[3:3 + size]):
            harm = record(frame, control=seed[0] & ~MEND) + seed[3 + size:]
            write(directory, hashlib.sha1(harm).hexdigest(), harm)


def main(args):
    if args:
        return write_harmful(args[args.index("--harmful") + 1])
    corpus = os.path.join(HERE, "corpus")
    for name, records in packets().items():
        write(os.path.join(corpus, "packet_fuzz"), name, records)
    for name, records in protocols().items():
        write(os.path.join(corpus, "protocol_fuzz"), name, records)
    for name in ("minimal", "example"):
        shutil.copy(os.path.join(ROOT, "config", f"{name}.yaml"), os.path.join(corpus, "config_fuzz", name))
    write(os.path.join(corpus, "config_fuzz"), "not_utf8", b"control: {socket: /run/\xff\xffb.sock}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
