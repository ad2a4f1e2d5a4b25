// SPDX-License-Identifier: Apache-2.0
// Why a packet ended here. One row a reason: the enumerator, the stage that drops, what it means to
// a user, and what the user can do about it. Enum, metric labels, CLI and help are all made from
// these rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace vethway {

// clang-format off
#define DROP_REASONS(X) \
    X(none, "-", \
      "not dropped", \
      "nothing") \
    X(truncated, "rx", \
      "the IP packet is longer than the frame that arrived: the port's driver cut it", \
      "use a veth: port, or keep the MTUs of both ends alike and turn segmentation off at the peer: ethtool -K DEV gso off tso off") \
    X(oversize, "rx", \
      "larger than a packet buffer: the sender's MTU is above the port's", \
      "make both ends alike: vethway port set PORT mtu N, or ip link set DEV mtu N at the sender") \
    X(mtu_exceeded, "xconnect", \
      "the frame is longer than the MTU of the port at the wire's other end", \
      "give both ports of the xconnect the same MTU: vethway port set PORT mtu N") \
    X(runt, "classify", \
      "the frame ends before its Ethernet header does", \
      "no host sends such a frame by itself: look at its bytes with vethway show drops --last 20 --reason runt and mend what makes it") \
    X(ingress_down, "rx", \
      "the ingress port is down", \
      "vethway port set PORT up") \
    X(lag_inactive, "lag", \
      "by a member of a LAG that carries no frames: LACP has not agreed on it", \
      "vethway show lag says why: let the partner speak LACP, with one system and key on all links; or mode: static, where it speaks none") \
    X(bad_source, "bridge", \
      "the frame's source MAC is a group's or zero, which no station has", \
      "vethway show drops --last 20 --reason bad_source tells who sends it: mend that sender") \
    X(l2_blocked, "bridge", \
      "the member of the bridge is not forwarding", \
      "vethway show bridge tells the state of each: state: forwarding of the member; or nothing, where a loop is to be kept open") \
    X(vlan_refused, "bridge", \
      "the member of the bridge does not carry the frame's VLAN, or none without a tag, or with one", \
      "vethway show vlan tells which it carries: add it to trunk: of the member, or give it native: for frames without a tag") \
    X(mac_guard, "bridge", \
      "the source MAC is none of those that may come in by the member of the bridge (macs)", \
      "look for a host that makes up addresses; if it may speak there: its MAC in macs: of the member") \
    X(source_guard, "bridge", \
      "no binding gives the source MAC that IPv4 address at this member of the bridge, or any (source_guard)", \
      "vethway show bindings tells who has which; if this is right: its address, MAC and port in bindings: of the bridge") \
    X(arp_guard, "bridge", \
      "ARP of a sender that no binding knows at this member of the bridge, or that is another than the frame's (arp_guard)", \
      "vethway show bindings tells who has which; if this is right: its address, MAC and port in bindings: of the bridge") \
    X(dhcp_guard, "bridge", \
      "from a DHCP server, by a member of the bridge that is to have none behind it (dhcp_guard)", \
      "look for the server; if it belongs there: dhcp_guard: false of the member, or nothing said of it") \
    X(ra_guard, "bridge", \
      "an IPv6 router advertisement, by a member of the bridge that is to have no router behind it (ra_guard)", \
      "look for the router; if it belongs there: ra_guard: false of the member, or nothing said of it") \
    X(group_reserved, "bridge", \
      "to a group address that stays on its link (01:80:c2:00:00:0x, IEEE 802.1Q 8.6.3)", \
      "if a lab needs it passed: the bit x of group_fwd_mask: of the bridge") \
    X(learn_limit, "bridge", \
      "from a station that is one more than the bridge or its member may learn (learn_action: drop)", \
      "vethway show fdb tells which are known; raise learn_limit, or look for who makes up addresses") \
    X(storm_limit, "bridge", \
      "more broadcast, multicast or unknown unicast by the member than its storm limit", \
      "look for the loop or the host that floods; or raise storm_broadcast, storm_multicast, storm_unknown_unicast of the member") \
    X(same_member, "bridge", \
      "the destination is behind the member that the frame came by", \
      "nothing: its hosts hear each other without us; where they don't, hairpin: true of the member") \
    X(split_horizon, "bridge", \
      "the destination is behind a member of the same split-horizon group", \
      "if they should reach each other: another split_horizon, or 0, of one of the members") \
    X(flood_nowhere, "bridge", \
      "no other member of the bridge is up and takes what is flooded", \
      "vethway show bridge tells which are up, and what they flood; of a VLAN, vethway show vlan") \
    X(group_unknown, "bridge", \
      "to an IP multicast group that no member of the bridge is said to want (unknown_multicast)", \
      "vethway show groups tells what is; its group in groups:, multicast_router: true of a member, or unknown_multicast: flood of the bridge") \
    X(bridge_mtu, "bridge", \
      "the frame is longer than the MTU of the member that it would leave by", \
      "give all members of the bridge the same MTU: vethway port set PORT mtu N") \
    X(not_for_us, "classify", \
      "unicast frame to another station's MAC address", \
      "if it was meant for the switch, have the sender ask for the MAC address again: ip neigh flush dev DEV") \
    X(own_source, "classify", \
      "the frame's source MAC is the port's own: a loop, or two stations with one address", \
      "take the loop out of the cabling, or give one of the two another address: ip link set DEV address MAC, or mac: of the port") \
    X(vlan_unknown, "classify", \
      "802.1Q or 802.1ad tag, but the port has no such VLAN", \
      "give it one, vethway port add PORT.N vlan N parent PORT, put the sender's address on DEV in place of DEV.VLAN, or pass tagged frames through with xconnects or a bridge") \
    X(ip6, "classify", \
      "IPv6, which this version does not route", \
      "silence it at the host, sysctl net.ipv6.conf.DEV.disable_ipv6=1, or pass it through with xconnects: [[A, B]]") \
    X(ethertype_unknown, "classify", \
      "neither IPv4 nor ARP", \
      "vethway show drops --last 20 --reason ethertype_unknown tells what it is; xconnects: [[A, B]] would pass it through") \
    X(arp_malformed, "arp", \
      "short, or not Ethernet and IPv4, or an operation other than request and reply", \
      "vethway show drops --last 20 --reason arp_malformed tells who sends it: mend or silence that host") \
    X(arp_bad_sender, "arp", \
      "sender address is ours, a group's or loopback, or its MAC is a group's or zero", \
      "look for a host that has an address of the switch: vethway arping -D -I PORT ADDRESS, and give it another; two ports on one cable: accept_local: true of both") \
    X(arp_not_ours, "arp", \
      "asks for an address that the port does not have", \
      "usual where several hosts share a link; if the port should have the address: vethway address add ADDRESS/LENGTH port PORT") \
    X(arp_ignored, "arp", \
      "asks for an address of ours for which the port does not answer (arp_ignore, arp_filter)", \
      "if it should answer: vethway port set PORT arp_ignore 0 arp_filter off; vethway show knobs tells what is set") \
    X(arp_gratuitous, "arp", \
      "a host announces itself, which the port does not believe (drop_gratuitous_arp)", \
      "if it should: vethway port set PORT drop_gratuitous_arp off") \
    X(arp_unsolicited, "arp", \
      "reply about an address nobody asked for", \
      "nothing, if hosts announce themselves; to have them known anyway: vethway port set PORT arp_accept 1") \
    X(ip4_short, "ip4_input", \
      "the frame ends before the IPv4 header or total length does", \
      "vethway show drops --last 20 --reason ip4_short tells who sends it; compare the MTUs of both ends with vethway doctor") \
    X(ip4_version, "ip4_input", \
      "version is not 4, or IHL below 5", \
      "vethway show drops --last 20 --reason ip4_version tells who sends it: mend that sender") \
    X(ip4_checksum, "ip4_input", \
      "header checksum is wrong", \
      "look for what changes packets on the way to PORT; a generator of packets has to compute the checksum itself") \
    X(martian_source, "ip4_input", \
      "source address that no sender can have: 0/8, loopback, multicast, reserved, broadcast or our own", \
      "mend the sender's address; if it is one of ours on purpose: accept_local: true of the port") \
    X(martian_destination, "ip4_input", \
      "destination that must not be on a link: 0/8 or loopback", \
      "mend the sender's route: such an address stays within a host") \
    X(link_broadcast, "ip4_forward", \
      "came in a broadcast or multicast frame: never forwarded (RFC 1812 5.3.4)", \
      "send it to the MAC address of the next hop, not to a group: static entries of ip neigh at the sender") \
    X(multicast, "ip4_input", \
      "IPv4 multicast, which is not routed", \
      "keep its senders and receivers on one link, or join two links with xconnects: [[A, B]]") \
    X(ip4_options, "ip4_options", \
      "an IP option that makes no sense: its length or pointer, or one that is there twice", \
      "vethway show drops --last 20 --reason ip4_options tells who sends it; the parameter problem that the sender gets names the byte") \
    X(source_route, "ip4_options", \
      "the sender wrote the way into the packet (loose or strict source route), which the port does not accept (accept_source_route), or can't be gone", \
      "let the sender leave the way to the routers: without ping -k or traceroute -g; or let it have its way: vethway port set PORT accept_source_route on") \
    X(rp_filter, "ip4_source", \
      "the route back to the source does not leave by the ingress port (rp_filter)", \
      "add the route back, vethway route add PREFIX via ADDRESS, or set rp_filter: loose or off of the port") \
    X(no_route, "ip4_lookup", \
      "no route to the destination", \
      "vethway route add PREFIX via ADDRESS; vethway route get ADDRESS shows what is found") \
    X(blackhole, "ip4_lookup", \
      "a blackhole route", \
      "if it should pass: vethway route del PREFIX, or a longer prefix with vethway route add") \
    X(unreachable, "ip4_lookup", \
      "an unreachable route", \
      "if it should pass: vethway route del PREFIX, or a longer prefix with vethway route add") \
    X(prohibited, "ip4_lookup", \
      "a prohibit route", \
      "if it should pass: vethway route del PREFIX, or a longer prefix with vethway route add") \
    X(broadcast, "ip4_lookup", \
      "a broadcast address: nothing but ping would be answered there (icmp_echo_ignore_broadcasts), nothing is forwarded (bc_forwarding)", \
      "send to each host by itself; or let subnets be reached: vethway port set PORT bc_forwarding on") \
    X(ttl_expired, "ip4_forward", \
      "TTL ran out here", \
      "nothing for traceroute; else look for a loop of routes: traceroute -n ADDRESS") \
    X(fragment_needed, "ip4_forward", \
      "larger than the egress MTU and marked do-not-fragment", \
      "TCP adapts by itself; else raise the egress port's MTU, vethway port set PORT mtu N, or let the sender send less or without DF") \
    X(icmp_malformed, "local", \
      "ICMP to the switch that is short or has a wrong checksum", \
      "vethway show drops --last 20 --reason icmp_malformed tells who sends it: mend that sender") \
    X(icmp_unhandled, "local", \
      "ICMP to the switch that asks for nothing: no error comes back either", \
      "nothing: the switch has no answer to such a message; vethway show drops --last 20 --reason icmp_unhandled tells who sends it") \
    X(icmp_ignored, "local", \
      "echo request to the switch that is not to be answered (icmp_echo_ignore_all)", \
      "if the switch should answer to ping: ip4: {icmp_echo_ignore_all: false}") \
    X(icmp_limited, "local", \
      "request to the switch that would be answered by more ICMP than the limits allow (icmp_ratemask)", \
      "ping more slowly; or leave replies out of what is limited: ip4: {icmp_ratemask: 6168}") \
    X(fragment_malformed, "ip4_reassemble", \
      "fragment to the switch without data, past the datagram's end or past 65535, or of another mind about ECN: all of its datagram", \
      "vethway show drops --last 20 --reason fragment_malformed tells who sends it: mend that sender") \
    X(fragment_overlap, "ip4_reassemble", \
      "fragment to the switch that overlaps another one: all of its datagram, as it may be forged", \
      "vethway show drops --last 20 --reason fragment_overlap tells who sends it: mend that sender, or refuse it on the way") \
    X(fragment_duplicate, "ip4_reassemble", \
      "fragment to the switch that was there already", \
      "look for what sends frames twice on the way to PORT: a loop, or two paths joined") \
    X(fragment_limit, "ip4_reassemble", \
      "too many fragments to the switch wait for others: 4 MiB, 1024 datagrams, an eighth of the mbufs, or 64 of others of one source", \
      "vethway show drops --last 20 --reason fragment_limit tells who sends them; send to the switch in packets that fit: ping -s 1400") \
    X(fragment_timeout, "ip4_reassemble", \
      "fragment to the switch whose datagram was not whole after 30 seconds", \
      "look for what loses fragments on the way to PORT: vethway capture tells which came; or send in packets that fit") \
    X(l4_malformed, "local", \
      "UDP or TCP to the switch that is short or has a wrong length or checksum", \
      "vethway show drops --last 20 --reason l4_malformed tells who sends it: mend that sender") \
    X(port_closed, "local", \
      "UDP or TCP to the switch: nobody listens", \
      "ask a host instead of the switch, or tell whoever asks to stop; vethway show drops --last 20 --reason port_closed shows the TCP or UDP port") \
    X(protocol_unknown, "local", \
      "IP protocol that the switch does not speak", \
      "address a host instead of the switch: it speaks ICMP only") \
    X(neighbour_failed, "neighbour", \
      "the next hop did not answer ARP", \
      "see whether the host is up and has the address: vethway ping ADDRESS; or tell its MAC address: vethway neighbour add ADDRESS MAC") \
    X(neighbour_queue_full, "neighbour", \
      "too many packets wait for the next hop's MAC address: the oldest made way", \
      "nothing at the first packets to a host; if it lasts the host does not answer ARP: vethway show neighbours, vethway neighbour add ADDRESS MAC") \
    X(neighbour_table_full, "neighbour", \
      "no room for another neighbour: neighbour_table.gc_thresh3 of them are known or asked for", \
      "vethway neighbour flush; if it fills again, somebody scans a subnet of ours: blackhole what has no hosts, vethway route add PREFIX blackhole; or there are that many: raise gc_thresh3") \
    X(gso_malformed, "egress", \
      "a super-frame for a port that takes none, whose headers don't say how to cut it", \
      "vethway show drops --last 20 --reason gso_malformed tells who sends it; turn segmentation off there: ethtool -K DEV gso off tso off") \
    X(tx_refused, "tx", \
      "the egress interface refused the frame: too long for it, or what it left to the device makes no sense", \
      "raise the MTU of the interface by 4 bytes for each VLAN tag beyond the first, and compare both ends with vethway doctor") \
    X(egress_down, "tx", \
      "the egress port is down", \
      "vethway show ports says why: vethway port set PORT up, or ip link set DEV up at the other end") \
    X(tx_ring_full, "tx", \
      "the egress port did not take the packet: its ring is full", \
      "the receiver is slower than its senders: give it CPU, or slow the senders, tc qdisc add dev DEV root tbf") \
    X(tx_share_full, "tx", \
      "the ring to the worker that owns the egress queue is full", \
      "give the worker that owns the queue a CPU of its own: dataplane: {workers: [N]}; vethway show lcores tells which is busy") \
    X(loopback_full, "tx", \
      "too many packets from the switch to itself at once", \
      "ping the switch's own addresses more slowly") \
    X(punt_full, "punt", \
      "the ring to the control thread is full", \
      "the control thread gets no CPU: vethway show lcores; leave it one by naming others in dataplane: {workers: [N]}") \
    X(no_buffer, "any", \
      "no free mbuf for a packet of our own or a fragment", \
      "raise dataplane: {mbufs: N} and restart vethwayd; vethway status tells how many are used") \
    X(port_removed, "any", \
      "its port was removed while the packet waited", \
      "nothing: it was lost with its port")
// clang-format on

#define DROP_NAME(name, stage, help, remedy) name,
#define DROP_ROW(name, stage, help, remedy) {#name, stage, help, remedy},
enum class Drop : uint8_t { DROP_REASONS(DROP_NAME) };
struct DropInfo {
    const char *name, *stage, *help, *remedy;
};
inline constexpr DropInfo kDropInfo[] = {DROP_REASONS(DROP_ROW)};
#undef DROP_NAME
#undef DROP_ROW
inline constexpr size_t kDropReasons = sizeof kDropInfo / sizeof kDropInfo[0];

// Of its name; Drop::none where there is no such reason.
constexpr Drop drop_named(std::string_view name) noexcept {
    for (size_t i = 1; i < kDropReasons; ++i)
        if (name == kDropInfo[i].name) return static_cast<Drop>(i);
    return Drop::none;
}

}  // namespace vethway
