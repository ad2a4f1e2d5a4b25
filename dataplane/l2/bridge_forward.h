// SPDX-License-Identifier: Apache-2.0
// Where a frame of a bridge domain goes: to the member that its destination is behind, or to all.
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <cstdint>

#include "dataplane/burst.h"
#include "dataplane/l2/domain.h"
#include "dataplane/l2/l2_state.h"
#include "dataplane/l2/leave.h"

namespace vethway {

// What sort a destination is that is flooded to.
FloodKind flood_kind(const Mac& destination) noexcept;

// A frame within a domain, without the tag of its VLAN, which is in vlan_tci. Nothing by default: a
// burst's are on the stack.
struct InDomain {
    rte_mbuf* m;
    Fdb::Probe destination;
    const BridgePort* own;  // the domain's own port of its VLAN; null: none, or it is from there
};

// Worker. Forwards frames of one burst that came into a domain by one member. They are often to few
// stations, and behind few members: what was found for the first of them holds for all.
class BridgeForward {
public:
    // `from`: null for frames of the switch's own. What IP is to have goes to `own`, with
    // meta().port the domain's own, and what the control thread is to hear to `punt`. The context's
    // snapshot does not change meanwhile.
    BridgeForward(Context& c, uint16_t domain, const Member* from, Burst& own, Burst& punt) noexcept
        : c_(c),
          domain_(c.snap().domains[domain]),
          number_(domain),
          from_(from),
          own_(own),
          punt_(punt) {}

    // Consumes the frame.
    void send(const InDomain& frame) noexcept {
        rte_mbuf* const m = frame.m;
        if (frame.destination.packed == station_ && m->pkt_len <= way_->most_bytes) [[likely]]
            take(*way_, m);
        else
            find_way(frame);
    }
    // A station has moved: where the last one is may not hold any more.
    void forget() noexcept { station_ = Fdb::kNobody.packed; }

private:
    // By a member that frames of a VLAN may leave by, no longer ones than that.
    struct Way {
        const Member* member;
        uint32_t most_bytes;
        bool is_plain;  // a device, and they have no tag there
    };

    void take(const Way& way, rte_mbuf* m) noexcept {
        c_.counters.bridged(meta(*m).port, Bridged::unicast);
        if (way.is_plain) [[likely]]
            leave_by_device(c_, m, way.member->port);
        else
            leave_by_member(c_, m, *way.member);
    }
    const Way* known_way(uint16_t member, uint16_t vlan) const noexcept;
    void find_way(const InDomain& frame) noexcept;
    void unicast(const InDomain& frame, uint16_t member) noexcept;
    void flood(const InDomain& frame) noexcept;
    bool tell(rte_mbuf* m) noexcept;

    Context& c_;
    const Domain& domain_;
    const uint16_t number_;
    const Member* const from_;
    Burst &own_, &punt_;
    uint64_t station_ = Fdb::kNobody.packed;  // FdbKey::packed() of the last one
    const Way* way_ = nullptr;                // to it
    uint64_t found_ = 0;                      // of which members there are ways, a bit each …
    uint16_t found_vlan_ = 0;                 // … all of this VLAN
    std::array<Way, kMaxMembers> ways_;
};

}  // namespace vethway
