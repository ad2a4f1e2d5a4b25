# SPDX-License-Identifier: Apache-2.0
"""IP options of packets that are forwarded, and of packets to the router: filled in, kept, refused."""

from case import case, echo, host_ip, icmp, ip4, port_ip, udp, with_options

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
CASES = [
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
