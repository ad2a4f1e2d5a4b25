// SPDX-License-Identifier: Apache-2.0
// Any frames, in any bursts, through the whole pipeline: nothing is read or written beside them
// (ASan), every packet is accounted for, no mbuf is lost, and what leaves is a frame that a host
// would take.
//
// The input is a list of records: control, length (2 bytes, little endian), frame. The bits of
// control: 0-1 port, 2 the burst ends here, 3 the frame's lengths and sums are set right first, so
// that the fuzzer need not guess them, 4 a second passes before, 5 a VnetHeader is in front of it,
// 6 it comes by one of the ports that are only bridged: bits 0-1 are then 0, 2 and 3 for the first
// to third member of the LAG, 1 for port 5.
//
// Ports 1 to 3 are routed. A bridge domain of VLANs 10 and 20 has port 4 (a trunk, and a LAG), port
// 5 (access of 10, with offloads) and port 6 (access of 20), which is VLAN 100 of port 3; port 7 is
// its own to IP, in VLAN 10. Ports 8 and 9 are members of the LAG that carry frames, port 10 is one
// that does not; 9 and 10 hear LACP.
#include <cstdio>
#include <cstdlib>

#include "dataplane/l2/vlan_tag.h"
#include "dataplane/offload/vnet_header.h"
#include "dataplane/rx_repair.h"
#include "tests/unit/eal_for_tests.h"
#include "tests/unit/world.h"

namespace vethway::test {
namespace {

[[noreturn]] void fail(const char* what) {
    std::fprintf(stderr, "packet_fuzz: %s\n", what);
    std::abort();
}

constexpr uint16_t kTrunk = 4, kAccess = 5, kVlanPort = 6, kBridge = 7, kVlanBelow = 100;
constexpr uint16_t kLagMembers[] = {8, 9, 10}, kCarrying[] = {8, 9};
constexpr uint16_t kBridgedPorts[] = {kLagMembers[0], kAccess, kLagMembers[1], kLagMembers[2]};
constexpr uint16_t kVlans[] = {10, 20};
constexpr Mac kBridgeMac{{0x02, 0, 0, 0, 0, 0xbb}};

// Where the EtherType is that no tag is in front of.
size_t type_offset(const Bytes& frame) {
    size_t at = offsetof(EtherHeader, type);
    const auto is_tag = [&] {
        const auto type = *reinterpret_cast<const Be16*>(&frame[at]);
        return type == kEtherTypeVlan || type == kEtherTypeQinq;
    };
    while (at + sizeof(VlanTag) + sizeof(Be16) <= frame.size() && is_tag()) at += sizeof(VlanTag);
    return at;
}

// Makes the frame one for `port`, if that is routed, as far as it is long enough: address, total
// length, sums.
void mend(Bytes& frame, uint16_t port) {
    if (frame.size() < sizeof(EtherHeader) + sizeof(Ip4Header)) return;
    auto& eth = *reinterpret_cast<EtherHeader*>(frame.data());
    if (!eth.dst.is_group() && port <= kPorts && eth.type != kEtherTypeVlan)
        eth.dst = kPortMac[port];
    const size_t type = type_offset(frame);
    if (*reinterpret_cast<const Be16*>(&frame[type]) != kEtherTypeIp4 ||
        frame.size() < type + sizeof(Be16) + sizeof(Ip4Header))
        return;
    const std::span l3 = std::span(frame).subspan(type + sizeof(Be16));
    auto& ip = *reinterpret_cast<Ip4Header*>(l3.data());
    ip.version_ihl = static_cast<uint8_t>(0x40 | (ip.version_ihl & 15));
    ip.total_length = static_cast<uint16_t>(l3.size());
    const size_t header = ip.header_bytes();
    if (header < sizeof ip || header > l3.size()) return;
    ip.checksum = 0;
    ip.checksum = reference_checksum(l3.first(header));
    const std::span l4 = l3.subspan(header);
    if (ip.protocol != kProtocolIcmp || l4.size() < sizeof(IcmpHeader)) return;
    auto& icmp = *reinterpret_cast<IcmpHeader*>(l4.data());
    icmp.checksum = 0;
    icmp.checksum = reference_checksum(l4);
}

class Switch : private World {
public:
    Switch() : World(1023, 256, 128) {
        permanent(1, kHostIp[1], kHostMac[1]);
        permanent(2, kHostIp[2], kHostMac[2]);
        permanent(3, kHostIp[3], kHostMac[3]);
        route("10.8.0.0/16", RouteType::forward,
              {{2, kHostIp[2], UINT32_MAX / 2}, {3, kHostIp[3], UINT32_MAX}});
        route("10.9.0.0/16", RouteType::forward, {{3, Ip4{10, 0, 3, 77}, UINT32_MAX}});
        route("192.0.2.0/24", RouteType::blackhole);
        route("198.51.100.0/24", RouteType::unreachable);
        route("203.0.113.0/24", RouteType::prohibit);
        snap_.ports[1].partial_checksums = snap_.ports[1].may_truncate = true;
        knob(2, PortKnob::rp_filter, 1);
        snap_.any_source_check = true;
        for (const PortKnob k :
             {PortKnob::accept_source_route, PortKnob::bc_forwarding, PortKnob::proxy_arp,
              PortKnob::proxy_arp_pvlan, PortKnob::arp_accept, PortKnob::arp_filter})
            knob(3, k, 1);
        knob(Ip4Knob::icmp_echo_ignore_broadcasts, 0);
        make_bridge();
        make_lag();
    }

    // `vnet`: it begins with what the kernel says that its sender left to the device.
    void add(Bytes frame, uint16_t port, bool right, bool vnet) {
        VnetHeader header;
        if (vnet && frame.size() >= sizeof header) {
            std::memcpy(&header, frame.data(), sizeof header);
            frame.erase(frame.begin(), frame.begin() + sizeof header);
        }
        if (right) mend(frame, port);
        if (frame.size() >= sizeof(EtherHeader)) speakers_.push_back(ether_of(frame).src);
        rte_mbuf* m = new_mbuf(frame, port);
        if (m == nullptr) return;  // larger than any frame: no driver hands one over
        if (!read_vnet_header(header, 0, *m)) return rte_pktmbuf_free(m);
        if (!burst_.empty() && meta(*burst_[0]).port != port) run();  // a burst is of one port
        counters_->received(port, 1, 0);
        burst_.push(m);
        if (burst_.size() == kBurst) run();
    }
    void pass_second() { context_->now += kHz; }
    void run() {
        pipeline_->receive(burst_);
        while (pipeline_->receive_loopback() > 0) continue;
        if (!burst_.empty()) fail("the pipeline left packets in its burst");
        if (!is_balanced()) fail("the accounting does not balance");
        for (uint16_t p = 1; p <= kPorts; ++p) check_sent(p);
        check_bridged(access_, false);
        check_bridged(lag_[0], true);
        check_bridged(lag_[1], true);
        if (!lag_[2].sent.empty()) fail("sent by a member that carries nothing");
    }
    // What is learned and held goes, so that every input finds the same switch.
    void reset() {
        free_punted();
        const uint64_t waiting = held();
        expire_held();
        counters_->taken_up(waiting);
        for (uint64_t i = 0; i < waiting; ++i) counters_->dropped(1, Drop::neighbour_failed);
        forget_learned();
        forget_stations();
        if (rte_mempool_in_use_count(pool_) + rte_mempool_in_use_count(large_pool_) != 0)
            fail("mbufs are lost");
        context_->now += 1000 * kHz;
    }

private:
    static std::shared_ptr<VlanMap> vlan_map(std::initializer_list<uint16_t> tagged,
                                             uint16_t untagged = VlanMap::kRefused) {
        auto map = std::make_shared<VlanMap>();
        for (const uint16_t v : tagged) map->from_wire[v] = map->to_wire[v] = v;
        map->untagged = untagged;
        if (untagged != VlanMap::kRefused) map->to_wire[untagged] = VlanMap::kUntagged;
        return map;
    }
    void make_bridge() {
        snap_.any_l2 = true;
        snap_.ports.resize(kLagMembers[2] + 1U);
        snap_.domains.resize(1);
        Domain& domain = snap_.domains[0];
        domain.drops_unlearned = true;
        domain.group_fwd_mask = 1U << 14;
        domain.group_punt_mask = 1U << 2;
        domain.members = {{.port = kTrunk, .storm_pps = {0, 0, 50}, .vlans = vlan_map({10, 20})},
                          {.port = kAccess,
                           .split_horizon = 1,
                           .hairpin = true,
                           .learn = {.member_limit = 8, .moves_a_second = 3},
                           .vlans = vlan_map({}, 10)},
                          {.port = kVlanPort, .split_horizon = 1, .vlans = vlan_map({}, 20)}};
        for (const Member& m : domain.members) {
            PortState& port = snap_.ports[m.port];
            port = {.up = true, .mtu = 1500, .tx_queues = 1, .mac = {{2, 0, 0, 0, 1, 1}}};
            port.domain = 0;
            port.member = static_cast<uint16_t>(&m - domain.members.data());
            l2_.set_state(m.port, MemberState::forwarding);
        }
        PortState& access = snap_.ports[kAccess];
        access.device = &access_;
        access.offloads = access.super_frames = access.shares_mbufs = true;
        PortState& vlan = snap_.ports[kVlanPort];
        vlan.kind = PortKind::vlan;
        vlan.parent = 3;
        vlan.vlan = kVlanBelow;
        vlan.tpid = kEtherTypeVlan;
        auto above = std::make_shared<SubPorts>();
        above->dot1q[kVlanBelow] = kVlanPort;
        snap_.ports[3].sub_ports = above;
        const Ip4 address{10, 0, 9, 1};
        snap_.ports[kBridge] = {.up = true,
                                .mtu = 1500,
                                .mac = kBridgeMac,
                                .addresses = {{address, 24}},
                                .kind = PortKind::bridge,
                                .domain = 0,
                                .vlan = kVlans[0]};
        domain.own_ports = {{.vlan = kVlans[0], .port = kBridge, .mac = kBridgeMac}};
        snap_.own.add(address);
        route("10.0.9.0/24", RouteType::forward, {{kBridge, {}, UINT32_MAX}});
        route("10.0.9.1", RouteType::local, {{kBridge, {}, UINT32_MAX}});
        permanent(kBridge, Ip4{10, 0, 9, 2}, kHostMac[2]);
    }
    void make_lag() {
        LagTable table{.hash = LagHash::layer3_4, .carrying = std::size(kCarrying), .buckets = {}};
        table.buckets.fill(kNoPort);
        deal_out(table.buckets, kCarrying);
        PortState& lag = snap_.ports[kTrunk];
        lag.kind = PortKind::lag;
        lag.lag_table = std::make_shared<const LagTable>(table);
        for (size_t i = 0; i < lag_.size(); ++i) {
            PortState& member = snap_.ports[kLagMembers[i]];
            member = {.device = &lag_[i], .up = true, .mtu = 1500, .tx_queues = 1, .mac = lag.mac};
            member.lag = {.lag = kTrunk, .carries = i<std::size(kCarrying), .lacp = i> 0};
        }
        lag_[0].wants_own = true;
        snap_.ports[kLagMembers[1]].shares_mbufs = true;
    }

    // Bridged frames are anybody's, and may be broken.
    void check_bridged(FakePort& device, bool is_trunk) {
        for (const Bytes& frame : device.sent) {
            if (frame.size() < sizeof(EtherHeader)) fail("bridged a runt");
            if (is_trunk && !has_tag(frame, kVlans[0]) && !has_tag(frame, kVlans[1]))
                fail("sent a frame without a tag on a trunk");
        }
        forget_sent(device);
    }
    static bool has_tag(const Bytes& frame, uint16_t vlan) {
        if (frame.size() < sizeof(EtherHeader) + sizeof(VlanTag)) return false;
        const auto& tag = *reinterpret_cast<const VlanTag*>(&frame[offsetof(EtherHeader, type)]);
        return tag.tpid == kEtherTypeVlan && (tag.tci & kVlanMask) == vlan;
    }
    static void forget_sent(FakePort& port) {
        port.sent.clear();
        port.queues.clear();
        port.offloads.clear();
    }
    void forget_stations() {
        for (const Mac& mac : speakers_)
            for (const uint16_t vlan : kVlans)
                l2_.fdb.remove({.domain = 0, .vlan = vlan, .mac = mac});
        speakers_.clear();
        if (l2_.fdb.learned_in(0) != 0) fail("a station was learned that did not speak");
    }
    void check_sent(uint16_t port) {
        for (const Bytes& frame : ports_[port].sent) {
            if (frame.size() < sizeof(EtherHeader)) fail("sent a runt");
            if (port == 3 && has_tag(frame, kVlanBelow)) continue;
            const EtherHeader& eth = ether_of(frame);
            if (eth.src != kPortMac[port]) fail("sent from a MAC that is not the port's");
            if (eth.dst.is_zero()) fail("sent to no MAC");
            if (frame.size() > sizeof eth + snap_.ports[port].mtu) fail("sent more than the MTU");
            if (eth.type == kEtherTypeIp4 && !is_valid_ip4_frame(frame))
                fail("sent a broken packet");
            if (eth.type == kEtherTypeIp4 && ip4_of(frame).ttl == 0) fail("sent a TTL of 0");
        }
        forget_sent(ports_[port]);
    }
    void forget_learned() {
        std::vector<Neighbour*> learned;
        neighbours_.for_each([&](Neighbour& n) {
            if (n.read().state != NeighbourState::permanent) learned.push_back(&n);
        });
        for (Neighbour* n : learned) {
            neighbours_.remove(*n);
            neighbours_.recycle(*n);
        }
    }

    FakePort access_;
    std::array<FakePort, std::size(kLagMembers)> lag_;
    std::vector<Mac> speakers_;  // the sources of frames since the last reset
    Burst burst_;
};

Switch& the_switch() {
    static Switch one;
    return one;
}

}  // namespace
}  // namespace vethway::test

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    if (vethway::test::init_eal() < 0) std::abort();
    vethway::test::the_switch();
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using vethway::test::Bytes;
    using vethway::test::kBridgedPorts;
    auto& sw = vethway::test::the_switch();
    for (size_t at = 0; at + 3 <= size;) {
        const uint8_t control = data[at];
        const size_t wanted = data[at + 1] | size_t{data[at + 2]} << 8;
        at += 3;
        const size_t length = std::min(wanted, size - at);
        const auto* frame = reinterpret_cast<const std::byte*>(data + at);
        if ((control & 16) != 0) sw.pass_second();
        const uint8_t port = control & 3;
        sw.add(Bytes(frame, frame + length),
               static_cast<uint16_t>((control & 64) != 0 ? kBridgedPorts[port] : port % 3 + 1),
               (control & 8) != 0, (control & 32) != 0);
        if ((control & 4) != 0) sw.run();
        at += length;
    }
    sw.run();
    sw.reset();
    return 0;
}
