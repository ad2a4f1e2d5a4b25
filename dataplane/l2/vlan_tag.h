// SPDX-License-Identifier: Apache-2.0
// An 802.1Q tag in front of a frame's EtherType, taken off and put on. While a frame is within a
// bridge domain its tag is not in it: VLAN and priority are in the mbuf's vlan_tci.
#pragma once

#include <rte_mbuf.h>

#include <cstring>
#include <optional>

#include "dataplane/meta.h"

namespace vethway {

inline constexpr uint16_t kVlanMask = 0x0fff;  // of a tag; above it priority and drop eligibility

// Of a frame within a domain.
inline uint16_t vlan_of(const rte_mbuf& m) noexcept { return m.vlan_tci & kVlanMask; }

struct VlanTag {
    Be16 tpid, tci;
};
static_assert(sizeof(VlanTag) == kVlanTagBytes);

// The outermost tag, where it is of this TPID and a whole EtherType follows.
inline const VlanTag* find_tag(rte_mbuf& m, uint16_t tpid) noexcept {
    constexpr size_t kAt = 2 * sizeof(Mac);
    if (m.data_len < kAt + sizeof(VlanTag) + sizeof(Be16)) return nullptr;
    const auto* tag = rte_pktmbuf_mtod_offset(&m, const VlanTag*, kAt);
    return tag->tpid == tpid ? tag : nullptr;
}

// Only where find_tag() has found one, in a frame that nobody shares.
inline void pop_tag(rte_mbuf& m) noexcept {
    char* const at = rte_pktmbuf_mtod(&m, char*);
    std::memmove(at + sizeof(VlanTag), at, 2 * sizeof(Mac));
    rte_pktmbuf_adj(&m, sizeof(VlanTag));
}

// Into a frame that nobody shares. False: there is no room in front of it.
inline bool push_tag(rte_mbuf& m, uint16_t tpid, uint16_t tci) noexcept {
    char* const at = rte_pktmbuf_prepend(&m, sizeof(VlanTag));
    if (at == nullptr) return false;
    std::memmove(at, at + sizeof(VlanTag), 2 * sizeof(Mac));
    const VlanTag tag{.tpid = tpid, .tci = tci};
    std::memcpy(at + 2 * sizeof(Mac), &tag, sizeof tag);
    return true;
}

}  // namespace vethway
