# SPDX-License-Identifier: Apache-2.0
"""Fragments to the router itself: of what, in which order, twice, overlapping, with gaps, past the end."""

import itertools
import random

from case import (BROADCAST, ICMP, TCP, UDP, Raw, case, echo, ether, fresh, ip4, patched, port_ip, tcp, udp,
                  with_options)

REASSEMBLY = "RFC 791 3.2; RFC 1122 3.3.2; RFC 1812 4.2.2.8"
LINUX = "Linux net/ipv4/ip_fragment.c"
US = port_ip(1)
# A datagram has an id of its own: what stays incomplete must not meet the next case's fragments.
_ids = itertools.count(0x5000)


class Datagram:
    """A packet of which pieces are asked for, by place; as long as its payload is, they may overlap."""

    def __init__(self, frame, **fields):
        self.fields = {"src": ".".join(str(x) for x in frame[26:30]), "dst": US, "proto": frame[23],
                       "id": next(_ids), **fields}
        self.body = frame[14 + (frame[14] & 15) * 4:]

    def piece(self, begin, end=None, more=None, **fields):
        """begin and end in bytes; `begin` may lie past the body, which is then repeated."""
        end = len(self.body) if end is None else end
        more = end < len(self.body) if more is None else more
        data = (self.body * (end // len(self.body) + 1))[begin:end]
        flags = [f for f in ("MF" if more else "", fields.pop("flags", "")) if f]
        return ip4(Raw(data), **{**self.fields, "flags": "+".join(flags) or 0, "frag": begin // 8, **fields})

    def pieces(self, size, **fields):
        return [self.piece(at, min(at + size, len(self.body)), **fields) for at in range(0, len(self.body), size)]


def an_echo(size=56, **fields):
    return Datagram(echo(dst=US, size=size, **fields))


def a_udp(size=56, **fields):
    return Datagram(udp(dst=US, size=size, **fields))


def of(name, rule, make, choose, **more):
    """choose(pieces) of the datagram's three."""
    return case(name, rule, *choose(make().pieces(24)), **more)


def shuffled(pieces, seed):
    random.Random(seed).shuffle(pieces)
    return pieces


ORDERS = [
    case("fragments_of_an_echo", REASSEMBLY, *an_echo(64).pieces(16)),
    case("fragments_of_an_echo_reversed", REASSEMBLY, *reversed(an_echo(64).pieces(40))),
    case("fragments_of_a_datagram", REASSEMBLY, *a_udp(64).pieces(40)),
    *[of(f"fragments_order_{''.join(map(str, order))}", REASSEMBLY, an_echo,
         lambda p, order=order: [p[i] for i in order]) for order in itertools.permutations(range(3))],
    *[case(f"fragments_shuffled_{seed}", REASSEMBLY, *shuffled(an_echo(200).pieces(16), seed)) for seed in range(12)],
    *[case(f"fragments_of_udp_shuffled_{seed}", REASSEMBLY, *shuffled(a_udp(700).pieces(64), seed))
      for seed in range(4)],
    case("fragments_of_8_reversed", REASSEMBLY, *reversed(an_echo(120).pieces(8))),
]
SIZES = [
    *[case(f"fragments_last_of_{n}", REASSEMBLY, *an_echo(40 + n).pieces(48)) for n in range(1, 10)],
    *[case(f"fragments_first_of_8_then_{n}", REASSEMBLY, *[d.piece(0, 8), d.piece(8)])
      for n in (1, 8, 9, 1400) for d in [an_echo(n)]],
    *[case(f"fragments_of_echo_{n}", REASSEMBLY, *an_echo(n).pieces(1480)) for n in (1473, 2952, 2953, 9000)],
    case("fragments_of_echo_65507", REASSEMBLY, *an_echo(65507).pieces(1480)),
    case("fragments_of_echo_65507_reversed", REASSEMBLY, *reversed(an_echo(65507).pieces(1480))),
    case("fragments_of_echo_65500_of_552_shuffled", REASSEMBLY, *shuffled(an_echo(65500).pieces(1400), 7)),
    case("fragments_of_udp_65507", REASSEMBLY, *a_udp(65507).pieces(1480)),
    case("fragments_back_by_a_small_mtu", REASSEMBLY, *Datagram(echo(dst=US, size=3000, src="10.3.0.3")).pieces(1480)),
]
LOST = [
    *[of(f"fragments_without_{n}", REASSEMBLY, an_echo, lambda p, n=n: p[:n] + p[n + 1:]) for n in range(3)],
    case("fragment_first_alone", REASSEMBLY, an_echo().piece(0, 24)),
    case("fragment_last_alone", REASSEMBLY, an_echo().piece(24)),
    case("fragment_of_protocol_253", REASSEMBLY, ip4(Raw(bytes(64)), proto=253, flags="MF", dst=US, id=next(_ids))),
    *[case("fragments_with_a_gap", REASSEMBLY, *[d.piece(0, 24), d.piece(32)]) for d in [an_echo()]],
]
TWICE = [
    *[of(f"fragments_twice_{a}_after_{b}", LINUX, an_echo,
         lambda p, a=a, b=b: p[:b + 1] + [p[a]] + p[b + 1:]) for b in range(2) for a in range(b + 1)],
    *[of(f"fragments_twice_{a}_reversed", LINUX, an_echo,
         lambda p, a=a: [p[2], p[1], p[a], p[0]]) for a in (1, 2)],
    of("fragments_twice_when_whole", LINUX, an_echo, lambda p: p + [p[1]]),
    of("fragments_twice_all", LINUX, an_echo, lambda p: p + p),
    of("fragments_three_times_first", LINUX, an_echo, lambda p: [p[0], p[0], p[0], p[1], p[2]]),
]


def overlap(name, make, before, odd, after, level="report"):
    """Pieces (begin, end[, more]) before and after an odd one; then the whole again, as it must go on."""
    d = make()
    return case(f"fragments_overlap_{name}", f"RFC 5722 for IPv4; {LINUX}",
                *[d.piece(*p) for p in (*before, odd, *after)], *d.pieces(24), level=level)


A, B, C = (0, 24), (24, 48), (48, 64)
OVERLAPS = [
    overlap("tail", an_echo, [A], (16, 48), [C]),
    overlap("head", an_echo, [B], (0, 32), [C]),
    overlap("inside_a_run", an_echo, [A, B], (8, 40), [C]),
    overlap("inside_one", an_echo, [A], (8, 16), [B, C]),
    overlap("same_begin_longer", an_echo, [A], (0, 32), [C]),
    overlap("same_begin_shorter", an_echo, [A], (0, 16), [B, C]),
    overlap("same_end", an_echo, [A, B], (32, 48), [C]),
    overlap("two_runs_exactly", an_echo, [C, B], (24, 64), [A]),
    overlap("two_runs_partly", an_echo, [C, B], (32, 56), [A]),
    overlap("two_runs_and_beyond", an_echo, [A, C], (16, 56), [B]),
    overlap("the_whole", an_echo, [B], (0, 56), [C]),
    overlap("last_on_last", an_echo, [C], (40, 64), [A]),
    overlap("last_within_last", an_echo, [C], (56, 64), [A, B]),
    overlap("by_one_unit", an_echo, [A, C], (24, 56), [B]),
    overlap("behind_the_last_run", an_echo, [A, (32, 48)], (40, 56), [C]),
    overlap("of_udp", a_udp, [A], (16, 48), [C]),
]


def odd(name, make, *places, **more):
    d = make()
    return case(f"fragments_odd_{name}", LINUX, *[d.piece(*p) for p in places], level="report", **more)


ODD = [
    odd("two_ends", an_echo, A, (48, 64, False), (48, 72, False), B),
    odd("end_before_what_is_there", an_echo, A, B, (48, 64, True), (24, 40, False)),
    odd("more_behind_the_end", an_echo, C, (64, 72, True), A, B),
    odd("end_within", an_echo, B, (0, 24, False), A, C),
    odd("empty_first", an_echo, (0, 0, True), A, B, C),
    odd("empty_last", an_echo, A, B, (48, 48, False), C),
    odd("empty_last_at_the_end", an_echo, A, B, (48, 64, True), (64, 64, False)),
    odd("empty_between", an_echo, A, (24, 24, True), B, C),
    *[odd(f"more_of_{n}", an_echo, (0, n, True), (n // 8 * 8, 64, False)) for n in (1, 7, 9, 15, 17, 23, 31)],
    odd("more_of_5_then_whole", an_echo, (0, 5, True), A, B, C),
    odd("middle_of_21", an_echo, A, (24, 45, True), (40, 64, False)),
    odd("last_without_others_twice", an_echo, C, C),
    odd("past_65535", an_echo, A, (65528, 65536, False)),
    odd("past_65535_more", an_echo, A, (65528, 65600, True), B, C),
    odd("at_65528", an_echo, (65528, 65535, False), A),
]


def whole_of(size, name):
    """All of a datagram with so many bytes behind its header."""
    d = Datagram(udp(dst=US, size=1000))
    at = [*range(0, size, 1480), size]
    return case(f"fragments_sum_{name}", LINUX,
                *[d.piece(a, b, b < size) for a, b in zip(at, at[1:])], level="report")


ODD += [whole_of(65515, "65515"), whole_of(65516, "65516_too_large"), whole_of(66000, "66000_too_large")]

HEADERS = [
    *[case(f"fragments_ecn_{a}{b}", "RFC 3168 5.3; Linux ip_frag_ecn_table",
           *[d.piece(0, 24, tos=a), d.piece(24, tos=b)], level="report")
      for a in range(4) for b in range(4) for d in [a_udp()]],
    *[case(f"fragments_tos_{a:02x}_{b:02x}", LINUX, *[d.piece(0, 24, tos=a), d.piece(24, tos=b)], level="report")
      for a, b in ((0xB8, 0), (0, 0xB8), (0xB8, 0xBA)) for d in [an_echo()]],
    *[case(f"fragments_df_{name}", LINUX, *[d.piece(0, 40, flags=a), d.piece(40, flags=b)], level="report")
      for name, a, b in (("all", "DF", "DF"), ("first", "DF", ""), ("last", "", "DF")) for d in [a_udp()]],
    *[case(f"fragments_df_echo_{name}", LINUX, *[d.piece(0, 40, flags=a), d.piece(40, flags=b)], level="report")
      for name, a, b in (("all", "DF", "DF"), ("last", "", "DF")) for d in [an_echo()]],
    *[case("fragments_ttl", LINUX, *[d.piece(0, 24, ttl=1), d.piece(24, ttl=200)], level="report") for d in [a_udp()]],
    *[case("fragments_nops_in_first", LINUX, with_options(d.piece(0, 24), "01010101"), d.piece(24)) for d in [a_udp()]],
    *[case("fragments_nops_in_last", LINUX, d.piece(0, 24), with_options(d.piece(24), "01010101")) for d in [a_udp()]],
    *[case("fragments_by_two_ports", LINUX, d.piece(0, 24), (2, d.piece(24, eth=ether(dst="02:00:00:00:02:01"))),
           level="report") for d in [an_echo()]],
    case("fragments_of_two_interleaved", REASSEMBLY, *[p for pair in zip(an_echo().pieces(24), an_echo().pieces(24))
                                                       for p in pair]),
    *[case("fragments_of_one_id_to_two_addresses", REASSEMBLY, d.piece(0, 24),
           d.piece(24, dst=port_ip(2))) for d in [an_echo()]],
    *[case("fragments_of_one_id_of_two_protocols", REASSEMBLY, d.piece(0, 24),
           d.piece(24, proto=17)) for d in [an_echo()]],
    *[case("fragments_of_one_id_from_two", REASSEMBLY, d.piece(0, 24), d.piece(24, src=fresh())) for d in [an_echo()]],
    *[case("fragments_first_in_a_broadcast_frame", LINUX, d.piece(0, 24, eth=ether(dst=BROADCAST)), d.piece(24),
           level="report") for d in [a_udp()]],
    *[case("fragments_last_in_a_broadcast_frame", LINUX, d.piece(0, 24), d.piece(24, eth=ether(dst=BROADCAST)),
           level="report") for d in [a_udp()]],
]
KINDS = [
    case("fragments_of_tcp_syn", REASSEMBLY, *Datagram(tcp(dst=US)).pieces(8)),
    case("fragments_of_tcp_data", REASSEMBLY,
         *Datagram(ip4(TCP(flags="S", seq=7) / Raw(bytes(2000)), dst=US)).pieces(1480)),
    case("fragments_of_tcp_broken_checksum", REASSEMBLY,
         *Datagram(ip4(TCP(flags="S", chksum=0xBAD) / Raw(bytes(20)), dst=US)).pieces(24)),
    case("fragments_of_protocol_253", REASSEMBLY, *Datagram(ip4(Raw(bytes(64)), proto=253, dst=US)).pieces(24)),
    case("fragments_of_udp_broken_checksum", REASSEMBLY,
         *Datagram(ip4(UDP(chksum=0xBAD) / Raw(bytes(40)), dst=US)).pieces(24)),
    case("fragments_of_udp_without_checksum", REASSEMBLY,
         *Datagram(ip4(UDP(chksum=0) / Raw(bytes(40)), dst=US)).pieces(24)),
    case("fragments_of_echo_bad_checksum", REASSEMBLY,
         *Datagram(patched(echo(dst=US, size=56), 36, b"\1\2")).pieces(24)),
    case("fragments_of_echo_cut_header", REASSEMBLY,
         *Datagram(ip4(Raw(bytes(ICMP(type=8, id=7) / Raw(b"vethway!"))), dst=US, proto=1)).pieces(8)),
    *[case("fragments_to_subnet_broadcast", REASSEMBLY,
           *[d.piece(0, 24, dst="10.1.0.255", eth=ether(dst=BROADCAST)),
             d.piece(24, dst="10.1.0.255", eth=ether(dst=BROADCAST))]) for d in [an_echo()]],
]

CASES = ORDERS + SIZES + LOST + TWICE + OVERLAPS + ODD + HEADERS + KINDS
