# SPDX-License-Identifier: Apache-2.0
"""Frames made at random: valid packets of which some fields are something else.

A recipe is what differs from the plain packet, {field: value}; build() makes the frame. So a recipe that
shows a difference can be made smaller by leaving fields out, and printed by itself. The same seed and
number make the same recipe on every machine."""

import random
import struct

import topology
from frames import BROADCAST, host_ip, host_mac, port_ip, port_mac
from scapy.utils import checksum

STRANGER, GROUP_MAC = "02:00:00:00:01:66", "01:00:5e:00:00:05"
SENDERS = [f"10.1.0.{n}" for n in range(topology.FIRST_SENDER, topology.LAST_SENDER + 1)]


def _plain(number):
    """What is in no recipe."""
    return {
        "port": 1, "kind": "ip", "eth_dst": None, "eth_src": None, "ethertype": None, "tag": None,
        "version": 4, "ihl": None, "tos": 0, "length": 0, "id": number & 0xFFFF, "flags": 0, "offset": 0, "ttl": 64,
        "protocol": None, "header_sum": 0, "src": SENDERS[number % len(SENDERS)], "dst": host_ip(2), "options": "",
        "l4": "udp", "sport": 4000, "dport": 5000, "l4_length": 0, "l4_sum": 0, "no_sum": False, "type": 8, "code": 0,
        "tcp_flags": 2, "tcp_offset": 5, "size": 8,
        "op": 1, "htype": 1, "ptype": 0x0800, "hlen": 6, "plen": 4, "target": None, "sha": None, "tha": "00:00:00:00:00:00",
        "cut": None, "pad": 0, "flip": ()}


def _mac(text):
    return bytes.fromhex(text.replace(":", ""))


def _ip(text):
    return bytes(int(part) for part in text.split("."))


def _layer4(f, src, dst):
    data = bytes(i * 7 & 0xFF for i in range(f["size"]))
    if f["l4"] == "icmp":
        made, at, pseudo = struct.pack("!BBHHH", f["type"], f["code"], 0, 7, 1) + data, 2, b""
    elif f["l4"] == "tcp":
        made = struct.pack("!HHIIBBHHH", f["sport"], f["dport"], 1000, 2000, f["tcp_offset"] << 4, f["tcp_flags"], 512, 0, 0)
        made, at = made + data, 16
        pseudo = src + dst + struct.pack("!BBH", 0, 6, len(made))
    elif f["l4"] == "udp":
        length = len(data) + 8
        made = struct.pack("!HHHH", f["sport"], f["dport"], length + f["l4_length"] & 0xFFFF, 0) + data
        at, pseudo = 6, src + dst + struct.pack("!BBH", 0, 17, length)
        if f["no_sum"]:
            return made
    else:
        return data
    total = (checksum(pseudo + made) or 0xFFFF) + f["l4_sum"] & 0xFFFF
    return made[:at] + struct.pack("!H", total) + made[at + 2:]


PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17, "raw": 99}


def _ip_packet(f):
    src, dst = _ip(f["src"]), _ip(f["dst"])
    options = bytes.fromhex(f["options"])
    options += bytes(-len(options) % 4)
    body = _layer4(f, src, dst)
    words = 5 + len(options) // 4
    protocol = PROTOCOLS[f["l4"]] if f["protocol"] is None else f["protocol"]
    length = words * 4 + len(body) + f["length"]
    head = struct.pack("!BBHHHBBH4s4s", f["version"] << 4 | (words if f["ihl"] is None else f["ihl"]), f["tos"],
                       length & 0xFFFF, f["id"], f["flags"] << 13 | f["offset"], f["ttl"], protocol, 0, src, dst)
    head += options
    # As long as the header says that it is, which may be into the data.
    covered = (head + body)[:(head[0] & 15) * 4]
    return head[:10] + struct.pack("!H", checksum(covered) + f["header_sum"] & 0xFFFF) + head[12:] + body


def _arp_packet(f):
    n = f["port"]
    sender = _mac(f["sha"] or host_mac(n))
    return struct.pack("!HHBBH6s4s6s4s", f["htype"], f["ptype"], f["hlen"], f["plen"], f["op"], sender, _ip(f["src"]),
                       _mac(f["tha"]), _ip(f["target"] or port_ip(n)))


def build(recipe, number):
    """(port, frame)"""
    f = {**_plain(number), **recipe}
    n = f["port"]
    if n != 1 and "src" not in recipe:
        f["src"] = host_ip(n)
    arp = f["kind"] == "arp"
    ethertype = (0x0806 if arp else 0x0800) if f["ethertype"] is None else f["ethertype"]
    frame = _mac(f["eth_dst"] or (BROADCAST if arp else port_mac(n))) + _mac(f["eth_src"] or host_mac(n))
    if f["tag"] is not None:
        frame += struct.pack("!HH", 0x8100, f["tag"])
    frame += struct.pack("!H", ethertype) + (_arp_packet(f) if arp else _ip_packet(f))
    frame = bytearray(frame[:f["cut"]] + bytes(f["pad"]))
    for at, bit in f["flip"]:
        if 14 <= at < len(frame):
            frame[at] ^= bit
    return n, bytes(frame[:topology.PORTS[n].mtu + 14])


# --- Choosing --------------------------------------------------------------------------------------
ADDRESSES = ["10.2.0.2", "10.2.0.9", "10.3.0.2", "10.3.1.1", "10.2.1.2", "10.1.0.2", "10.8.0.1", "10.8.1.1", "10.8.1.9",
             "10.8.2.1", "10.8.2.200", "10.9.0.1", "10.7.0.1", "192.0.2.1", "198.51.100.1", "203.0.113.1", "172.16.0.1",
             "10.1.0.1", "10.2.0.1", "10.2.1.1", "10.3.0.1", "10.3.1.0", "10.1.0.0", "10.1.0.255", "10.2.0.255", "10.2.0.0",
             "255.255.255.255", "224.0.0.1", "239.1.2.3", "127.0.0.1", "169.254.1.1", "10.2.0.220"]
SIZES = [0, 1, 2, 3, 7, 8, 9, 16, 63, 64, 100, 500, 1000, 1371, 1372, 1373, 1374, 1375, 1376, 1471, 1472]
OPTIONS = ["00", "01", "0101", "94040000", "94040001", "070300", "070704" + "00" * 4, "070b04" + "00" * 8,
           "070b08" + "00" * 8, "070b0c" + "11" * 8, "070b05" + "00" * 8, "0703ff", "0702", "0700", "440c0500" + "00" * 8,
           "440c0501" + "00" * 8, "440c0503" + "00" * 8, "440c0d00" + "00" * 8, "440c0df0" + "00" * 8,
           "440c09" + "00" * 9, "440404", "8307040a02000a", "8907040a020002", "8303ff", "820b" + "00" * 9, "88040001",
           "9904aabb", "1e04aabb", "1e02", "1e01", "1e05aabb"]


def _some(rng, values, more):
    return rng.choice(values) if rng.random() < 0.9 else rng.randrange(more)


def _options(rng):
    text = "".join(rng.choice(OPTIONS) for _ in range(rng.randint(1, 3)))
    data = bytearray.fromhex(text)[:40]
    if rng.random() < 0.3:
        data[rng.randrange(len(data))] = rng.randrange(256)
    return data.hex()


IP_FIELDS = {
    "eth_dst": lambda r: r.choice([BROADCAST, GROUP_MAC, STRANGER, port_mac(2)]),
    "eth_src": lambda r: r.choice([STRANGER, host_mac(3)]),
    "ethertype": lambda r: _some(r, [0x86DD, 0x88B5, 0x0806, 0x0600, 0x8847], 0x10000),
    "tag": lambda r: _some(r, [0, 1, 10, 0xE000], 0x10000),
    "version": lambda r: r.randrange(16),
    "ihl": lambda r: r.randrange(16),
    "tos": lambda r: r.randrange(256),
    "length": lambda r: _some(r, [-1, 1, -8, 8, -28, 1000, -20], 3000),
    "flags": lambda r: r.randrange(8),
    "offset": lambda r: _some(r, [1, 2, 100, 8191], 8192),
    "ttl": lambda r: _some(r, [0, 1, 2, 255], 256),
    "protocol": lambda r: _some(r, [0, 1, 2, 4, 6, 17, 47, 50, 89, 132, 255], 256),
    "header_sum": lambda r: _some(r, [1, 0xFFFF, 0x0100], 0x10000),
    "src": lambda r: r.choice(ADDRESSES + SENDERS[:20]),
    "dst": lambda r: r.choice(ADDRESSES),
    "options": _options,
    "l4": lambda r: r.choice(["udp", "tcp", "icmp", "raw"]),
    "sport": lambda r: r.randrange(0x10000),
    "dport": lambda r: r.randrange(0x10000),
    "l4_length": lambda r: _some(r, [-1, 1, -8, 100], 0x10000),
    "l4_sum": lambda r: _some(r, [1, 0xFFFF], 0x10000),
    "no_sum": lambda r: True,
    "type": lambda r: r.randrange(42),
    "code": lambda r: r.randrange(17),
    "tcp_flags": lambda r: r.randrange(256),
    "tcp_offset": lambda r: r.randrange(16),
    "size": lambda r: _some(r, SIZES, 1473),
}
ARP_FIELDS = {
    "eth_dst": lambda r: r.choice([GROUP_MAC, STRANGER, port_mac(1), port_mac(2)]),
    "eth_src": lambda r: r.choice([STRANGER, host_mac(3)]),
    "tag": lambda r: _some(r, [0, 10], 0x10000),
    "op": lambda r: _some(r, [2, 0, 3, 8], 0x10000),
    "htype": lambda r: _some(r, [6, 0, 256], 0x10000),
    "ptype": lambda r: _some(r, [0x86DD, 0], 0x10000),
    "hlen": lambda r: r.randrange(256),
    "plen": lambda r: r.randrange(256),
    "src": lambda r: r.choice(ADDRESSES + ["0.0.0.0"] + SENDERS[:20]),
    "target": lambda r: r.choice(ADDRESSES + ["0.0.0.0"]),
    "sha": lambda r: r.choice([STRANGER, host_mac(2), BROADCAST, GROUP_MAC]),
    "tha": lambda r: r.choice([BROADCAST, port_mac(1), STRANGER]),
}


def recipe(seed, number):
    """{field: value}: of most frames one to four fields are not plain, of some the bytes."""
    rng = random.Random(f"{seed}/{number}")
    made = {}
    fields = IP_FIELDS
    if rng.random() < 0.15:
        made["kind"], fields = "arp", ARP_FIELDS
    if rng.random() < 0.25:
        made["port"] = rng.choice([2, 3])
    if rng.random() < 0.4:
        made["dst"] = rng.choice(ADDRESSES)
    if rng.random() < 0.5:
        made["l4"] = rng.choice(["tcp", "icmp"])
    for name in rng.sample(sorted(fields), rng.choice([0, 1, 1, 2, 2, 3, 4])):
        made[name] = fields[name](rng)
    if rng.random() < 0.08:
        made["cut"] = rng.randrange(14, 60)
    if rng.random() < 0.15:
        made["pad"] = rng.randrange(1, 60)
    if rng.random() < 0.08:
        made["flip"] = [(rng.randrange(14, 60), 1 << rng.randrange(8)) for _ in range(rng.randint(1, 3))]
    return made


def smaller(made):
    """Recipes with less in them, the smallest steps last."""
    for name in sorted(made):
        yield {k: v for k, v in made.items() if k != name}
    if made.get("size", 0) > 1:
        yield {**made, "size": made["size"] // 2}
        yield {**made, "size": made["size"] - 1}
    if len(made.get("options", "")) > 2:
        for at in range(0, len(made["options"]), 2):
            yield {**made, "options": made["options"][:at] + made["options"][at + 2:]}
    if len(made.get("flip", ())) > 1:
        for one in made["flip"]:
            yield {**made, "flip": [f for f in made["flip"] if f != one]}
