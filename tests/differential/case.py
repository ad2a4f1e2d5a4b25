# SPDX-License-Identifier: Apache-2.0
"""What a case is, and the words that cases are written in.

The builders are those of tests/system/frames.py, with a sender of its own for every packet: both routers
limit ICMP errors by address, and a case shall not depend on those before it."""

import dataclasses
import functools
import itertools

import frames
from frames import arp, arp_reply, ether, host_ip, host_mac, patched, port_ip, port_mac
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.packet import Raw
from scapy.utils import checksum
from topology import FIRST_SENDER, LAST_SENDER

__all__ = ["Case", "ICMP", "IP", "Raw", "TCP", "UDP", "arp", "arp_reply", "case", "echo", "ether", "fresh",
           "host_ip", "host_mac", "icmp", "ip4", "knobs", "patched", "port_ip", "port_mac", "tcp", "udp",
           "with_checksum", "with_options", "BROADCAST", "FROM"]

BROADCAST = frames.BROADCAST
_senders = itertools.cycle(range(FIRST_SENDER, LAST_SENDER + 1))


@dataclasses.dataclass(frozen=True)
class Case:
    """steps: (port, frame), each followed by markers before the next.
    level: how the rule is worded: must, should, or report when it is only what Linux does. For whoever
    reads a failure; a difference that is not listed fails at every level.
    learns: the routers may come to know neighbours that the next case must not find.
    until: (count, seconds): not done before so many frames came out, of all ports.
    knobs: ((where, knob, value), …) that both routers have in this case alone; where: a port's name, or
    "ip4" for the router's own.
    punts: the frames are the control thread's business, too: it has seen each before the next.
    restarts: a port that goes down and comes up again after the frames; the routers are of no use then."""
    name: str
    rule: str
    steps: tuple
    level: str = "must"
    learns: bool = False
    until: tuple = ()
    knobs: tuple = ()
    punts: bool = False
    restarts: str = ""


def case(name, rule, *sent, port=1, level="must", **more):
    """sent: frames that enter `port`, or (port, frame)."""
    assert level in ("must", "should", "report")
    return Case(name, rule, tuple(s if isinstance(s, tuple) else (port, s) for s in sent), level, **more)


def knobs(**of):
    """knobs(p1={"arp_ignore": 1}, ip4={…}), for a case."""
    return tuple((where, name, value) for where, many in of.items() for name, value in many.items())


def fresh():
    return f"10.1.0.{next(_senders)}"


def _fresh(build):
    @functools.wraps(build)
    def made(*args, **fields):
        return build(*args, **{"src": fresh() if "src" not in fields else fields.pop("src"), **fields})
    return made


ip4, udp, tcp, echo, icmp = (_fresh(f) for f in (frames.ip4, frames.udp, frames.tcp, frames.echo, frames.icmp))

# From the hosts of the other ports: udp(**FROM[2]).
FROM = {n: {"src": host_ip(n), "eth": ether(src=host_mac(n), dst=port_mac(n))} for n in (2, 3)}


def with_options(frame, hexadecimal):
    """The frame with these bytes as its IP options, padded by end-of-list to a full word. (scapy would
    repair what is broken.)"""
    data = bytes.fromhex(hexadecimal)
    data += bytes(-len(data) % 4)
    total = int.from_bytes(frame[16:18], "big") + len(data)
    header = bytearray(frame[14:34] + data)
    header[0] = 0x45 + len(data) // 4
    header[2:4], header[10:12] = total.to_bytes(2, "big"), bytes(2)
    header[10:12] = checksum(bytes(header)).to_bytes(2, "big")
    return frame[:14] + bytes(header) + frame[34:]


def with_checksum(frame, wanted):
    """The frame with the IP id that makes its header checksum this one (0 and 0xffff are both right)."""
    zeroed = patched(patched(frame, 18, bytes(2)), 24, bytes(2))
    sum_without = ~checksum(zeroed[14:34]) & 0xFFFF
    identifier = (~wanted - sum_without) % 0xFFFF
    return patched(patched(frame, 18, identifier.to_bytes(2, "big")), 24, wanted.to_bytes(2, "big"))
