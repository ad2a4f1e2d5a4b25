// SPDX-License-Identifier: Apache-2.0
// Somebody who looks at packets: which, at which steps, how much of each. Made by the control
// thread, read by workers while it is in the published WatchSet, drained by one reader.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <span>

#include "dataplane/counters.h"
#include "dataplane/watch/filter.h"
#include "dataplane/watch/record_ring.h"

namespace vethway {

static_assert(static_cast<unsigned>(Step::dropped) < 64);
constexpr uint64_t bit(Step s) noexcept { return uint64_t{1} << static_cast<unsigned>(s); }
inline constexpr uint64_t kAllSteps = UINT64_MAX;

struct WatchOptions {
    Filter filter;
    std::optional<uint16_t> port;      // only what comes in there, or is made because of it
    bool looks_again = false;          // without a port: also where it comes in by one without wire
    uint64_t steps = kAllSteps;        // by bit(): those written down
    uint64_t frame_steps = kAllSteps;  // those with the frame's bytes
    uint16_t snaplen = 128;            // of each frame
    uint64_t stories = UINT64_MAX;     // that each worker writes down
    uint32_t one_in = 1;               // sampling: of the packets that match
    size_t ring_bytes = size_t{1} << 20;
};

class Watch {
public:
    // `workers`: those who write, the control thread among them. Throws std::bad_alloc.
    Watch(WatchOptions options, unsigned workers);

    // The reader: the next record of any worker, and whether there was one.
    bool pop(Record& record, std::vector<std::byte>& frame);
    uint64_t lost() const noexcept;

private:
    friend class Tracer;
    struct PerWorker {
        explicit PerWorker(size_t bytes) : ring(bytes) {}
        RecordRing ring;
        alignas(64) uint64_t stories = 0, matched = 0;  // the worker's
    };
    // Sets `bit` in the meta of those of the frames, received at once by one port or born there,
    // that are wanted; returns whether there are any.
    bool mark(std::span<rte_mbuf* const> frames, uint8_t bit, PerWorker& mine) const noexcept;
    // Whether it looks at what comes in by that port, which has no wire.
    bool looks_at_logical(uint16_t port) const noexcept {
        return options_.port ? *options_.port == port : options_.looks_again;
    }
    bool passes(rte_mbuf* m) const noexcept {
        const Filter& filter = options_.filter;
        if (!filter.may_pass(*m)) return false;
        if (jit_.func != nullptr) return jit_.func(m) != 0;
        return !filter.program || rte_bpf_exec(filter.program.get(), m) != 0;
    }

    const WatchOptions options_;
    rte_bpf_jit jit_{};
    std::deque<PerWorker> workers_;
    size_t next_ = 0;  // the reader's: whose turn it is
};

// Those that there are, by the bit that marks their packets (PacketMeta::watched).
struct WatchSet {
    static constexpr size_t kMax = 8;
    std::array<std::shared_ptr<Watch>, kMax> watches{};
    uint8_t mask = 0;
};

}  // namespace vethway
