# SPDX-License-Identifier: Apache-2.0
"""Where vethway and Linux are known to differ, and why. A difference that is not here fails the run; one
that is here and no longer there, or that has become another, fails it too."""

import collections.abc
import dataclasses
import fnmatch
import ipaddress

from frames import port_mac


@dataclasses.dataclass(frozen=True)
class Difference:
    """cases: names or patterns of names, with spaces between. linux, vethway: a pattern of what
    decode.outcome() says of each."""
    cases: str
    linux: str
    vethway: str
    why: str

    def about(self, name):
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self.cases.split())


SILENT = "nothing"
FORWARDED = "p2: * from 10.1.0.* len *"

# --- Decided so: the RFC or a design of ours against a habit of Linux -------------------------------
INTENDED = [
    Difference("ip_source_class_e ip_source_class_e_last ip_source_zero_network", "p2: udp from *", SILENT,
               "RFC 1812 5.3.7: no packet from 240/4 or 0/8; Linux has come to take both as unicast"),
    Difference("ip_target_class_e ip_target_zero_network", "p1: icmp 3/0 *", SILENT,
               "RFC 1812 5.3.7: martian destinations, silently; for Linux just addresses without a route"),
    Difference("arp_request_sender_class_e", "p1: arp reply 10.1.0.1 > 240.0.0.1", SILENT, "as for IPv4: 240/4"),
    Difference("ip_source_*subnet*_broadcast_ttl_1", "p?: icmp 11/0 *", SILENT,
               "RFC 1812 4.3.2.7: no error to what is not one host; Linux sends it to the broadcast address"),
    Difference("ip_source_*subnet*_broadcast_to_the_router", "p?: echo reply *", SILENT,
               "RFC 1122 3.2.1.3: a broadcast address is never a source; Linux answers to all hosts"),
    Difference("link_source_own", "p2: udp *", SILENT, "the port's own MAC as source: a loop (drop own_source)"),
    Difference("arp_request_sender_mac_own", "p1: arp reply *", SILENT, "the port's own MAC as source: a loop"),
    Difference("arp_request_sender_mac_group arp_request_sender_mac_broadcast arp_request_sender_mac_zero",
               "p1: arp reply *", SILENT, "RFC 1812 3.3.2: a MAC that no station has is not believed"),
    Difference("arp_learns_not_from_group_mac", "p1: arp reply *; p1: udp *", "p1: arp request *",
               "RFC 1812 3.3.2: a MAC that no station has is not believed"),
    Difference("resolve_reply_with_*_mac", "p2: arp request *; p2: udp *", "p2: arp request *",
               "RFC 1812 3.3.2: a MAC that no station has is not believed"),
    Difference("echo_in_a_broadcast_frame echo_in_a_multicast_frame", "p1: echo reply *", SILENT,
               "RFC 1122 3.3.6; Linux answers unless drop_unicast_in_l2_multicast is set"),
    Difference("timestamp_in_a_broadcast_frame", "p1: timestamp reply *", SILENT, "RFC 1122 3.3.6, as for echo"),
    Difference("bc_forwarding_1_its_own", "p1: icmp 5/1 *; p1: udp *", "p1: udp *",
               "RFC 1812 4.3.2.7: no ICMP about a packet to a broadcast address"),
    Difference("path_mtu_about_later_fragment path_mtu_about_ip_version_6", "p1: echo reply * frag 0+; *", "p1: echo reply *",
               "RFC 5927 4: only what quotes a packet that we may have sent is believed; Linux looks at type and addresses"),
    Difference("redirect_of_forwarded_packets", "*; p2: udp *", "*; p2: udp *",
               "RFC 1812 5.2.7.2: a router forwards by its routes; Linux's forwarded packets follow redirects, too"),
    Difference("redirect_to_240.0.0.1", "p2: arp request *; p2: echo reply *", "p2: echo reply *", "as everywhere: nobody has an address in 240/4"),
    Difference("path_mtu_locked_of_forwarded_packets", "p2: udp * frag 0+; *", "p2: udp *",
               "RFC 5927 7: whoever says that our own packets are too large has no say about others'"),
    Difference("fragment_options_*", "p3: *; p3: * options *", "p3: *; p3: *",
               "RFC 791: what is not to be copied is left out of later fragments; Linux puts NOPs in its place"),
    Difference("fragment_past_65535", "p3: *+; p3: * frag 171+", "p3: * frag 8191+",
               "what lies past 65535 is left off; in Linux its offset starts again at 0"),
    Difference("echo_checksum_wraps", "p1: echo reply *", "p1: echo reply *",
               "RFC 1071: the checksum of a message of zeros is all ones; Linux sends 0, which no receiver takes"),
    Difference("resolve_request_releases", "*; p2: udp *; p2: arp reply *", "*; p2: arp reply *; p2: udp *",
               "what waited for who asks leaves behind the answer, in Linux before it; no rule asks for either"),
]



def listed(name):
    return next((d for d in INTENDED if d.about(name)), None)


# --- The same for frames made at random: what a frame is decides ------------------------------------
@dataclasses.dataclass(frozen=True)
class Rule:
    """when(port, frame): whether the sides may differ about it so. linux, vethway: as above."""
    when: collections.abc.Callable
    linux: str
    vethway: str
    why: str


def _payload(frame):
    """(EtherType, what follows); a priority tag is as none."""
    if frame[12:14] == b"\x81\0" and int.from_bytes(frame[14:16], "big") & 0xFFF == 0:
        frame = frame[:12] + frame[16:]
    return int.from_bytes(frame[12:14], "big"), frame[14:]


def _ip_from(*networks, at=12):
    wanted = [ipaddress.ip_network(n) for n in networks]

    def when(port, frame):
        kind, data = _payload(frame)
        return kind == 0x0800 and len(data) >= 20 and any(ipaddress.ip_address(data[at:at + 4]) in n for n in wanted)
    return when


def _arp_from(*networks):
    wanted = [ipaddress.ip_network(n) for n in networks]

    def when(port, frame):
        kind, data = _payload(frame)
        return kind == 0x0806 and len(data) >= 28 and any(ipaddress.ip_address(data[14:18]) in n for n in wanted)
    return when


def _arp_from_no_station(port, frame):
    kind, data = _payload(frame)
    return kind == 0x0806 and len(data) >= 28 and \
        (data[8] & 1 or data[8:14] in (bytes(6), bytes.fromhex(port_mac(port).replace(":", ""))))


def _ip_in_a_group_frame(port, frame):
    return frame[0] & 1 and _payload(frame)[0] == 0x0800


def _ip_with_options(port, frame):
    kind, data = _payload(frame)
    return kind == 0x0800 and len(data) >= 20 and data[0] & 15 > 5


RESERVED = "0.0.0.0/8", "240.0.0.0/4"
BROADCASTS = tuple(f"10.{n}.{m}.{end}/32" for n, m in ((1, 0), (2, 0), (2, 1), (3, 0)) for end in (0, 255))
RULES = [
    Rule(_ip_from(*RESERVED), "*", SILENT, "RFC 1812 5.3.7: no packet from 240/4 or 0/8"),
    Rule(_ip_from(*RESERVED, at=16), "*", SILENT, "RFC 1812 5.3.7: martian destinations, silently"),
    Rule(_arp_from(*RESERVED), "p?: arp reply *", SILENT, "as for IPv4: 240/4 and 0/8"),
    Rule(_arp_from_no_station, "p?: arp reply *", SILENT, "RFC 1812 3.3.2: a MAC that no station has, or our own"),
    Rule(_ip_in_a_group_frame, "p?: echo reply *", SILENT, "RFC 1122 3.3.6: a unicast packet in a group frame"),
    Rule(_ip_with_options, "p?: * options *; p?: * frag * options *", "p?: * options *; p?: * frag *",
         "RFC 791: options that are not to be copied are not in later fragments; Linux puts NOPs in their place"),
    Rule(_ip_from(*BROADCASTS), "p?: *", SILENT, "RFC 1812 4.3.2.7, RFC 1122 3.2.1.3: no answer to a broadcast address"),
]


def explained(port, frame, outcomes):
    """Why the sides may differ so about this frame, or None."""
    for rule in RULES:
        if rule.when(port, frame) and all(fnmatch.fnmatchcase(got, pattern) for got, pattern in
                                          zip(outcomes, (rule.linux, rule.vethway))):
            return rule.why
    return None


def mistakes(names):
    """Patterns that fit no case, and cases with two entries."""
    for d in INTENDED:
        for pattern in d.cases.split():
            if not fnmatch.filter(names, pattern):
                yield f"differences.py: {pattern!r} fits no case"
    for name in names:
        if len(fitting := [d.cases for d in INTENDED if d.about(name)]) > 1:
            yield f"differences.py: {name} is listed more than once: {', '.join(fitting)}"
