// SPDX-License-Identifier: Apache-2.0
// What is behind a frame's VLAN tags, for who looks into frames that may have any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/net/headers.h"

namespace vethway {

struct TypedBytes {
    uint16_t type = 0;                 // the EtherType
    std::span<const std::byte> bytes;  // behind it
    bool is_tag() const noexcept { return type == kEtherTypeVlan || type == kEtherTypeQinq; }
};

// Looks through the tags that `outer` may begin with, of which it takes as many from `most`. Where
// the frame ends among them, or there are more, what is returned is_tag() still.
inline TypedBytes skip_tags(TypedBytes outer, int& most) noexcept {
    while (outer.is_tag() && outer.bytes.size() >= kVlanTagBytes && most > 0) {
        --most;
        outer.type = *reinterpret_cast<const Be16*>(&outer.bytes[kVlanTagBytes - sizeof(Be16)]);
        outer.bytes = outer.bytes.subspan(kVlanTagBytes);
    }
    return outer;
}

}  // namespace vethway
