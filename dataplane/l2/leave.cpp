// SPDX-License-Identifier: Apache-2.0
#include "dataplane/l2/leave.h"

#include "dataplane/l2/lag_hash.h"
#include "dataplane/l2/vlan_tag.h"

namespace vethway {

namespace {

// Puts a tag on; where others have the frame's bytes as well, on headers of its own. Null: dropped.
rte_mbuf* with_tag(Context& c, rte_mbuf* m, uint16_t tpid, uint16_t vid) noexcept {
    rte_mbuf* const own = c.buffers.with_own_headers(m);
    const auto tci = static_cast<uint16_t>((m->vlan_tci & ~kVlanMask) | vid);
    if (own != nullptr && push_tag(*own, tpid, tci)) [[likely]]
        return own;
    c.drops.add(own != nullptr ? own : m, Drop::no_buffer);
    return nullptr;
}

// The member of a LAG that the frame's flow leaves by; kNoPort: none carries.
uint16_t lag_member(Context& c, rte_mbuf* m, uint16_t lag) noexcept {
    const LagTable& table = *c.port(lag).lag_table;
    const uint32_t bucket = lag_hash(frame_bytes(*m), table.hash) % kLagBuckets;
    const uint16_t member = table.buckets[bucket];
    meta(*m).egress = member;
    if (member == kNoPort) [[unlikely]]
        return member;
    c.counters.passed_out(lag, m->pkt_len);
    c.note(m, Step::spread, bucket | static_cast<uint32_t>(table.hash) << 16,
           lag | uint32_t{table.carrying} << 16);
    return member;
}

}  // namespace

rte_mbuf* alone(Context& c, rte_mbuf* m) noexcept {
    rte_mbuf* const copy = c.buffers.gather(m);
    if (copy == nullptr) c.drops.add(m, Drop::no_buffer);
    return copy;
}

void leave_by_port(Context& c, rte_mbuf* m, uint16_t port) noexcept {
    while (c.port(port).kind == PortKind::vlan) {
        const PortState& vlan = c.port(port);
        c.counters.passed_out(port, m->pkt_len);
        c.note(m, Step::left_vlan, port, vlan.vlan);
        m = with_tag(c, m, vlan.tpid, vlan.vlan);
        if (m == nullptr) return;
        port = vlan.parent;
    }
    if (c.port(port).kind == PortKind::lag) {
        port = lag_member(c, m, port);
        if (port == kNoPort) [[unlikely]]
            return c.drops.add(m, Drop::egress_down);
    }
    leave_by_device(c, m, port);
}

void leave_with_tags(Context& c, rte_mbuf* m, const Member& member) noexcept {
    if (member.vlans != nullptr) {
        const uint16_t vid = member.vlans->to_wire[m->vlan_tci & kVlanMask];
        if (vid != VlanMap::kUntagged) m = with_tag(c, m, member.vlans->tpid, vid);
        if (m == nullptr) return;
    }
    leave_by_port(c, m, member.port);
}

}  // namespace vethway
