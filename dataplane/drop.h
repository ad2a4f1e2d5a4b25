// SPDX-License-Identifier: Apache-2.0
// Why a packet ended here. One row a reason: the enumerator, the stage that drops, and what it
// means to a user. Enum, metric labels, CLI and help are all made from these rows.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vethway {

// clang-format off
#define DROP_REASONS(X)                                                                                     \
    X(none,                 "-",         "not dropped")                                                       \
    X(truncated,            "rx",        "the IP packet is longer than the frame that arrived: the port's driver cut it; turn off GSO at the peer or use a veth port") \
    X(oversize,             "rx",        "larger than a packet buffer: the sender's MTU is above the port's")       \
    X(mtu_exceeded,         "xconnect",  "the frame is longer than the MTU of the port at the wire's other end") \
    X(runt,                 "classify",  "the frame ends before its Ethernet header does")                    \
    X(ingress_down,         "rx",        "the ingress port is down")                                          \
    X(not_for_us,           "classify",  "unicast frame to another station's MAC address")                    \
    X(own_source,           "classify",  "the frame's source MAC is the port's own: a loop, or two stations with one address") \
    X(vlan_unknown,         "classify",  "802.1Q or 802.1ad tag, but the port has no VLANs")                  \
    X(ip6,                  "classify",  "IPv6, which this version does not route")                           \
    X(ethertype_unknown,    "classify",  "neither IPv4 nor ARP")                                               \
    X(arp_malformed,        "arp",       "short, or not Ethernet and IPv4, or an operation other than request and reply") \
    X(arp_bad_sender,       "arp",       "sender address is ours, a group's or loopback, or its MAC is a group's or zero") \
    X(arp_not_ours,         "arp",       "asks for an address that the port does not have")                   \
    X(arp_unsolicited,      "arp",       "reply about an address nobody asked for")                           \
    X(ip4_short,            "ip4_input", "the frame ends before the IPv4 header or total length does")        \
    X(ip4_version,          "ip4_input", "version is not 4, or IHL below 5")                                  \
    X(ip4_checksum,         "ip4_input", "header checksum is wrong")                                          \
    X(martian_source,       "ip4_input", "source address that no sender can have: 0/8, loopback, multicast, reserved, broadcast or our own") \
    X(martian_destination,  "ip4_input", "destination that must not be on a link: 0/8 or loopback")           \
    X(link_broadcast,       "ip4_forward","came in a broadcast or multicast frame: never forwarded (RFC 1812 5.3.4)") \
    X(multicast,            "ip4_input", "IPv4 multicast, which is not routed")                               \
    X(rp_filter,            "ip4_source","the route back to the source does not leave by the ingress port (rp_filter)") \
    X(no_route,             "ip4_lookup","no route to the destination")                                       \
    X(blackhole,            "ip4_lookup","a blackhole route")                                                 \
    X(unreachable,          "ip4_lookup","an unreachable route")                                              \
    X(prohibited,           "ip4_lookup","a prohibit route")                                                  \
    X(broadcast,            "ip4_lookup","a broadcast address of a subnet: taken in nowhere, forwarded nowhere") \
    X(ttl_expired,          "ip4_forward","TTL ran out here")                                                 \
    X(fragment_needed,      "ip4_forward","larger than the egress MTU and marked do-not-fragment")            \
    X(icmp_malformed,       "local",     "ICMP to the switch that is short or has a wrong checksum")          \
    X(icmp_unhandled,       "local",     "ICMP to the switch that asks for nothing: no error comes back either") \
    X(fragment_local,       "local",     "fragment addressed to the switch, which does not reassemble")       \
    X(l4_malformed,         "local",     "UDP or TCP to the switch that is short or has a wrong length or checksum") \
    X(port_closed,          "local",     "UDP or TCP to the switch: nobody listens")                          \
    X(protocol_unknown,     "local",     "IP protocol that the switch does not speak")                        \
    X(neighbour_failed,     "neighbour", "the next hop did not answer ARP")                                   \
    X(neighbour_queue_full, "neighbour", "too many packets wait for the next hop's MAC address: the oldest made way") \
    X(neighbour_table_full, "neighbour", "no room for another neighbour")                                     \
    X(gso_malformed,        "egress",    "a super-frame for a port that takes none, whose headers don't say how to cut it") \
    X(tx_refused,           "tx",        "the egress interface refused the frame: too long for it, or what it left to the device makes no sense") \
    X(egress_down,          "tx",        "the egress port is down")                                           \
    X(tx_ring_full,         "tx",        "the egress port did not take the packet: its ring is full")         \
    X(tx_share_full,        "tx",        "the ring to the worker that owns the egress queue is full")         \
    X(loopback_full,        "tx",        "too many packets from the switch to itself at once")                \
    X(punt_full,            "punt",      "the ring to the control thread is full")                            \
    X(no_buffer,            "any",       "no free mbuf for a packet of our own or a fragment")                \
    X(port_removed,         "any",       "its port was removed while the packet waited")
// clang-format on

#define DROP_NAME(name, stage, help) name,
#define DROP_ROW(name, stage, help) {#name, stage, help},
enum class Drop : uint8_t { DROP_REASONS(DROP_NAME) };
struct DropInfo {
    const char *name, *stage, *help;
};
inline constexpr DropInfo kDropInfo[] = {DROP_REASONS(DROP_ROW)};
#undef DROP_NAME
#undef DROP_ROW
inline constexpr size_t kDropReasons = sizeof kDropInfo / sizeof kDropInfo[0];

}  // namespace vethway
