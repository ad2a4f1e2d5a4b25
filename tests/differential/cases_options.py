# SPDX-License-Identifier: Apache-2.0
"""IP options of packets that are forwarded, and of packets to the router: filled in, kept, refused."""

from case import case, echo, host_ip, icmp, ip4, port_ip, tcp, udp, with_options

FORWARD = "RFC 1812 4.2.2.1, 5.3.13; Linux ip_forward_options"
PROBLEM = "RFC 1812 4.3.3.5, 5.3.13.3; Linux __ip_options_compile"

# Nothing to do for a router.
KEPT = {"nops": "01010101", "end": "00000000", "end_and_rubbish": "00aabbcc", "nop_end": "01000000",
        "unknown": "1e041122", "unknown_copied": "9e041122", "unknown_class_3": "7e041122",
        "unknown_shortest": "1e020101", "unknown_to_the_end": "1e28" + "aa" * 38, "stream_id": "88041234",
        "security": "820b" + "00" * 9, "router_alert": "94040000", "router_alert_value": "94040001",
        "router_alert_twice": "9404000094040000", "traceroute": "520c" + "00" * 10,
        "two_unknown": "1e0411229e043344",
        "timestamp_flag_2": "440c0502" + "00" * 8, "record_route_full": "07070801020304",
        "record_route_past_full": "07070c01020304",
        "record_route_empty": "070304", "timestamp_prespecified_other": "440c0503" + "0a020002" + "00" * 4}
# A router writes its address or the time of day into these.
FILLED = {"record_route": "070b04" + "00" * 8, "record_route_one_left": "070b080a09090900000000",
          "record_route_9": "072704" + "00" * 36,
          "record_route_after_nop": "01070b04" + "00" * 8, "timestamp": "440c0500" + "00" * 8,
          "timestamp_full": "44080900" + "00" * 4, "timestamp_full_overflow_14": "440809e0" + "00" * 4,
          "timestamp_and_address": "44140501" + "00" * 16,
          "timestamp_prespecified_us": "440c0503" + "0a010001" + "00" * 4,
          "timestamp_prespecified_zero_network": "440c0503" + "009a0000" + "00" * 4,
          "timestamp_prespecified_zero": "440c0503" + "00" * 8,
          "timestamp_prespecified_egress": "440c0503" + "0a020001" + "00" * 4,
          "record_route_pointer_odd": "070b05" + "00" * 8}
SOURCE_ROUTED = {"loose": "830704" + "0a020002", "strict": "890704" + "0a020002",
                 "loose_done": "830708" + "0a020002",
                 "loose_empty": "830304"}
BROKEN = {"length_0": "1e001122", "length_1": "1e011122", "length_past_the_header": "1e051122",
          "length_past_the_header_far": "1eff1122", "length_missing": "0101011e",
          "record_route_length_2": "07020000",
          "record_route_pointer_0": "070b00" + "00" * 8, "record_route_pointer_3": "070b03" + "00" * 8,
          "record_route_no_room_for_4": "070a08" + "00" * 7,
          "record_route_twice": "07070400000000" + "07070400000000", "timestamp_length_3": "44030500",
          "timestamp_overflow_15": "440809f0" + "00" * 4,
          "timestamp_pointer_4": "440c0400" + "00" * 8, "timestamp_no_room": "440a0900" + "00" * 6,
          "timestamp_twice": "4408050000000000" * 2,
          "router_alert_length_3": "94030000", "loose_length_2": "83020000",
          "loose_pointer_3": "830703" + "0a020002",
          "loose_twice": "830704" + "0a020002" + "830704" + "0a020002"}


def family(name, rule, table, level="must", only=(), **fields):
    return [case(f"{name}_{n}", rule, with_options(udp(**fields), o), level=level)
            for n, o in table.items() if n in only or not only]


ONE_EACH = ("length_0", "record_route_pointer_3")


# --- Made by rule: each option of each length with each pointer, whole and with its end missing
def option(kind, length, *fields, room=None):
    """`room`: how many bytes there are of it."""
    data = bytes([kind, length, *fields])
    return (data + bytes(max(0, (length if room is None else room) - len(data)))).hex()


def table(prefix, kind, lengths, pointers, *more):
    return {f"{prefix}_{length}_at_{pointer}": option(kind, length, pointer, *more, room=max(length, 3 + len(more)))
            for length in lengths for pointer in pointers}


POINTERS = (0, 1, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 39, 40, 41, 254, 255)
MADE = {
    **table("route", 7, (3, 4, 6, 7, 8, 11, 39, 40), POINTERS),
    **table("loose", 131, (3, 7, 11), (0, 3, 4, 5, 8, 255)), **table("strict", 137, (3, 7, 11), (0, 3, 4, 5, 8, 255)),
    **{f"{n}_{o}": v for o in (0, 1, 2, 3, 15) for n, v in
       table(f"time_flags_{o}", 68, (4, 8, 11, 12, 16, 20, 36, 40), POINTERS, o).items()},
    **{f"time_overflow_{o}_flags_{f}": option(68, 4, 5, o << 4 | f) for o in range(16) for f in (0, 1, 2, 3)},
    **{f"time_of_{n}": option(68, 12, 5, 3, *(int(x) for x in a.split("."))) for n, a in
       {"us": "10.1.0.1", "other_port": "10.2.1.1", "neighbour": "10.2.0.2", "broadcast": "10.1.0.255",
        "multicast": "224.0.0.5", "zero": "0.0.0.0", "all": "255.255.255.255", "nowhere": "172.16.0.1",
        "blackhole": "192.0.2.1", "class_e": "240.0.0.1"}.items()},
    **{f"time_of_us_then_{n}": option(68, 20, 5, 3, 10, 1, 0, 1, 0, 0, 0, 0, *a) for n, a in
       {"us": (10, 1, 0, 1), "neighbour": (10, 2, 0, 2), "nobody": (0, 0, 0, 0)}.items()},
    **{f"alert_{length}": option(148, length, 0, 0, room=max(length, 4)) for length in (0, 1, 2, 3, 4, 5, 8)},
    **{f"kind_{kind}_length_{length}": option(kind, length, room=4) for length in (0, 1, 2, 3, 4, 5, 255)
       for kind in (2, 6, 30, 82, 85, 94, 130, 136, 144, 149, 158, 222, 255)},
}
GOOD = {"nop": "01", "route": option(7, 7, 4), "route_full": option(7, 7, 8), "time": option(68, 8, 5),
        "time_and_address": option(68, 12, 5, 1), "time_flag_2": option(68, 8, 5, 2),
        "time_full": option(68, 4, 5, 0x20), "alert": "94040000", "unknown": "1e041122", "loose": option(131, 7, 4),
        "end": "00", "bad": "0702", "bad_length": "1eff"}
PAIRS = {f"{a}_then_{b}": x + y for a, x in GOOD.items() for b, y in GOOD.items()}
BEHIND = {f"{n}_nops_then_{name}": "01" * n + o for n in (1, 2, 3, 5) for name, o in GOOD.items()}
ROUTE_AND_TIME = option(7, 15, 4) + option(68, 20, 5, 1)
MANY = {"route_and_time": ROUTE_AND_TIME, "time_and_route": option(68, 20, 5, 1) + option(7, 15, 4),
        "route_time_alert": ROUTE_AND_TIME + "94040000", "end_first": "00" + ROUTE_AND_TIME,
        "end_between": option(7, 7, 4) + "00" + option(68, 8, 5), "rubbish_behind": option(7, 7, 4) + "00" + "aabbccdd"}
EVERYTHING = {**MADE, **PAIRS, **BEHIND, **MANY}


def everywhere():
    """Each table where it is forwarded, answered, and told about."""
    yield from family("options_made", FORWARD, EVERYTHING)
    for n, o in EVERYTHING.items():
        yield case(f"options_made_echo_{n}", "RFC 1122 3.2.2.6; Linux ip_options_echo",
                   with_options(echo(dst=port_ip(1)), o))
    yield from (case(f"options_made_reset_{n}", "Linux ip_send_unicast_reply()", with_options(tcp(dst=port_ip(1)), o))
                for n, o in {**GOOD, **MANY}.items())
    few = {**PAIRS, **MANY, **{n: o for n, o in MADE.items() if "_at_" not in n or n.endswith(("_at_5", "_at_9"))}}
    yield from family("options_made_ttl_1", f"{PROBLEM}: before the TTL", few, ttl=1)
    yield from family("options_made_no_route", f"{PROBLEM}: before the route", {**PAIRS, **MANY}, dst="172.16.0.1")
    yield from family("options_made_to_us", PROBLEM, {**PAIRS, **MANY}, dst=port_ip(2))
    yield from family("options_made_blackhole", PROBLEM, {**GOOD, **MANY}, dst="192.0.2.1")
    yield from family("options_made_broadcast", PROBLEM, {**GOOD, **MANY}, dst="10.2.0.255")
    yield from family("options_made_gateway", FORWARD, {**GOOD, **MANY}, dst="10.8.1.1")
    yield from family("options_made_df_large", f"{PROBLEM}: before the MTU", {**GOOD, **MANY}, dst=host_ip(3),
                      flags="DF", size=1400)
    yield from family("options_made_sender_elsewhere", FORWARD, {**GOOD, **MANY}, src="172.16.0.9")
    yield from family("options_made_sender_behind_a_gateway", FORWARD, {**GOOD, **MANY}, src="10.8.1.1")


CASES = [
    *everywhere(),
    *family("options_kept", FORWARD, KEPT),
    *family("options_filled", FORWARD, FILLED),
    *family("options_filled_by_second_subnet", FORWARD, FILLED, only=("record_route", "timestamp_and_address"),
            dst="10.2.1.2"),
    *family("options_filled_back_out", FORWARD, FILLED, only=("record_route",), dst="10.1.0.3"),
    *family("options_source_route", "RFC 1812 5.3.13.4: may be refused; Linux accept_source_route 0",
            SOURCE_ROUTED,
            level="should"),
    *family("options_broken", PROBLEM, BROKEN),
    *family("options_to_us_broken", PROBLEM, BROKEN, dst=port_ip(1)),
    *family("options_ttl_1_broken", PROBLEM, BROKEN, only=ONE_EACH, ttl=1),
    *family("options_no_route_broken", PROBLEM, BROKEN, only=ONE_EACH, dst="172.16.0.1"),
    *family("options_df_large_broken", PROBLEM, BROKEN, only=("length_0",), dst=host_ip(3), flags="DF", size=1450),
    case("options_bad_about_an_icmp_error", "RFC 1812 4.3.2.7",
         with_options(icmp(3, 1, bytes(28)), BROKEN["length_0"])),
    case("options_bad_in_a_later_fragment", "RFC 1812 4.3.2.7",
         with_options(ip4(b"12345678", proto=17, frag=10), BROKEN["length_0"])),
    case("options_to_us_loose", "RFC 1812 5.3.13.4; Linux accept_source_route 0",
         with_options(echo(dst=port_ip(1)), "830704" + "0a020002"), level="should"),
    case("options_full_header_echo", FORWARD, with_options(echo(size=8), "01" * 40)),
]
