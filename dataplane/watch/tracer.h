// SPDX-License-Identifier: Apache-2.0
// A worker's hand that writes down what watched packets meet; the control thread has one, too, for
// those that it gives up. While nobody watches it costs one test of `active()` at each place that
// has something to say; and so for a burst of which nobody wants to see anything.
#pragma once

#include <rte_mbuf_dyn.h>

#include <span>

#include "dataplane/burst.h"
#include "dataplane/meta.h"
#include "dataplane/watch/watch.h"

namespace vethway {

class Tracer {
public:
    // Throws std::runtime_error where mbufs have no room for a mark.
    explicit Tracer(uint16_t worker);

#ifdef VETHWAY_WITHOUT_TRACE  // what perf/trace_cost.py compares with
    static constexpr bool active() noexcept { return false; }
#else
    bool active() const noexcept { return any_; }
#endif
    // From now on; until somebody watches a packet at hand, there is nothing to write down.
    void use(const WatchSet& set) noexcept {
        set_ = &set;
        mask_ = set.mask;
        any_ = false;
    }
    bool watching() const noexcept { return mask_ != 0; }
    // A packet is at hand again that was put aside, perhaps by another worker.
    void taken_up(const rte_mbuf* m) noexcept {
        if ((meta(*const_cast<rte_mbuf*>(m)).watched & mask_) != 0) any_ = true;
    }
    // Marks whom somebody wants to see, of a burst that one port has received: none is marked yet.
    void received(Burst& burst) noexcept;
    // One of them, which comes in by a port without a wire (in its meta by now), too: whoever
    // watches that sees it from here on.
    void came_in(rte_mbuf& m) noexcept;
    // A packet of ours, made because of `parent` (null: of our own accord).
    void born(rte_mbuf& m, rte_mbuf* parent) noexcept;
    void note(rte_mbuf& m, Step step, uint32_t a = 0, uint32_t b = 0, Drop why = Drop::none,
              const Mac& mac = {}) noexcept {
        if (const uint8_t who = meta(m).watched & mask_; who != 0)
            write(who, m, step, a, b, why, mac);
    }

private:
    // An mbuf's mark, in a dynamic field: only of those that are watched is it of any meaning.
    struct Mark {
        uint32_t story, packet, parent;
    };
    Mark& mark(rte_mbuf& m) const noexcept { return *RTE_MBUF_DYNFIELD(&m, offset_, Mark*); }
    uint32_t next_id() noexcept;
    // A first packet's mark.
    void begin_story(rte_mbuf& m) noexcept;
    // By their meta; whether any of them is wanted.
    bool mark_wanted(std::span<rte_mbuf* const> frames) noexcept;
    void write(uint8_t who, rte_mbuf& m, Step step, uint32_t a, uint32_t b, Drop why,
               const Mac& mac) noexcept;

    uint8_t mask_ = 0;
    bool any_ = false;  // watched, of the packets at hand
    uint16_t worker_;
    int offset_;
    uint32_t last_ = 0;
    const WatchSet* set_ = nullptr;
};

}  // namespace vethway
