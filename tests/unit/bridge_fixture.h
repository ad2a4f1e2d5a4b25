// SPDX-License-Identifier: Apache-2.0
// The switch of world.h with a bridge of all its ports.
#pragma once

#include "dataplane/l2/l2_state.h"
#include "dataplane/l2/vlan_tag.h"
#include "tests/unit/stage_fixture.h"

namespace vethway::test {

inline constexpr uint16_t kOwn = 4;  // the port that IP has of the bridge, or of a VLAN
inline constexpr Mac kOwnMac{{0x02, 0, 0, 0, 0, 0xbb}};
inline constexpr Mac kGroup{{0x01, 0, 0x5e, 1, 2, 3}};

// Ports 1 to 3 are members of domain 0.
class BridgeTest : public StageTest {
protected:
    BridgeTest() {
        snap_.any_l2 = true;
        snap_.domains.resize(kMaxDomains);
        for (uint16_t p = 1; p <= kPorts; ++p) {
            snap_.ports[p].domain = 0;
            snap_.ports[p].member = static_cast<uint16_t>(p - 1);
            snap_.ports[p].shares_mbufs = true;
            snap_.ports[p].mtu = 1500;
            domain().members.push_back({.port = p});
            l2_.set_state(p, MemberState::forwarding);
        }
    }
    Domain& domain() { return snap_.domains[0]; }
    Member& member(uint16_t port) { return domain().members[port - 1U]; }

    // Between hosts, or from one to a group.
    static Bytes between(size_t from, const Mac& to, size_t size = 100) {
        return ethernet(to, kHostMac[from], 0x88b5, counting(size - sizeof(EtherHeader)));
    }
    static Bytes tagged(const Bytes& plain, uint16_t tci, uint16_t tpid = kEtherTypeVlan) {
        const VlanTag tag{.tpid = tpid, .tci = tci};
        return join(join(first(plain, 12), as_bytes(tag)), vethway::test::from(plain, 12));
    }
    void expect_sent(std::initializer_list<size_t> frames) {
        uint16_t port = 1;
        for (const size_t n : frames) {
            EXPECT_EQ(sent(port).size(), n) << "by port " << port;
            ports_[port++].sent.clear();
        }
        expect_accounted();
    }
    uint64_t bridged(Bridged what, uint16_t port = 1) const {
        return counters_->ports[port].bridged[static_cast<size_t>(what)].value();
    }
    void give_own_port(uint16_t vlan = 0) {
        snap_.ports.push_back({.up = true,
                               .mtu = 1500,
                               .mac = kOwnMac,
                               .addresses = {{Ip4{10, 0, 9, 1}, 24}},
                               .kind = PortKind::bridge,
                               .domain = 0,
                               .vlan = vlan});
        domain().own_ports.push_back({.vlan = vlan, .port = kOwn, .mac = kOwnMac});
        snap_.own.add(Ip4{10, 0, 9, 1});
        route("10.0.9.0/24", RouteType::forward, {{kOwn, {}, UINT32_MAX}});
        route("10.0.9.1", RouteType::local, {{kOwn, {}, UINT32_MAX}});
    }
    // By port 1, while no mbuf is free.
    void receive_without_buffers(const Bytes& frame) {
        std::vector<rte_mbuf*> taken;
        rte_mbuf* m = mbuf(frame);
        while (rte_mbuf* one = rte_pktmbuf_alloc(pool_)) taken.push_back(one);
        Burst rx;
        rx.push(m);
        counters_->received(1, 1, 0);
        pipeline_->receive(rx);
        for (rte_mbuf* one : taken) rte_pktmbuf_free(one);
    }
    void learn_all() {
        for (uint16_t p = 1; p <= kPorts; ++p) receive(between(p, kHostMac[p]), p);
        for (auto& p : ports_) p.sent.clear();
    }
};

// VLANs of a member.
inline std::shared_ptr<VlanMap> access(uint16_t vlan) {
    auto map = std::make_shared<VlanMap>();
    map->untagged = vlan;
    map->to_wire[vlan] = VlanMap::kUntagged;
    return map;
}
inline std::shared_ptr<VlanMap> trunk(std::initializer_list<uint16_t> vlans) {
    auto map = std::make_shared<VlanMap>();
    for (const uint16_t v : vlans) map->from_wire[v] = map->to_wire[v] = v;
    return map;
}

}  // namespace vethway::test
