// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "dataplane/burst.h"
#include "dataplane/meta.h"

namespace vethway {

// Any number of packets in order, linked by meta().next_held: where one packet may set free many.
class PacketList {
public:
    bool empty() const noexcept { return head_ == nullptr; }
    unsigned size() const noexcept { return size_; }
    // Begins the list by meta().next_held; null when empty.
    rte_mbuf* front() const noexcept { return head_; }
    void push(rte_mbuf* m) noexcept {
        meta(*m).next_held = nullptr;
        (head_ == nullptr ? head_ : meta(*tail_).next_held) = m;
        tail_ = m;
        ++size_;
    }
    // Null when empty.
    rte_mbuf* pop() noexcept {
        rte_mbuf* const m = head_;
        if (m == nullptr) return nullptr;
        head_ = meta(*m).next_held;
        --size_;
        return m;
    }
    // Moves up to kBurst packets; false when there were none.
    bool pop_burst(Burst& out) noexcept {
        while (out.size() < kBurst && !empty()) out.push(pop());
        return !out.empty();
    }

private:
    rte_mbuf *head_ = nullptr, *tail_ = nullptr;
    unsigned size_ = 0;
};

}  // namespace vethway
