// SPDX-License-Identifier: Apache-2.0
// What bridging keeps from one snapshot to the next: stations, the state of each member, how much
// each has flooded of late, and where frames of ours came back.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <vector>

#include "dataplane/l2/domain.h"
#include "dataplane/l2/fdb.h"

namespace vethway {

// IEEE 802.1D 17.4: a member that is blocking takes nothing, a learning one forwards nothing.
enum class MemberState : uint8_t { blocking, learning, forwarding };
inline constexpr const char* kMemberStateNames[] = {"blocking", "learning", "forwarding"};

// So many a second, by the generic cell rate algorithm (ITU-T I.371): one word holds when the next
// frame is due. One for all workers, not a share for each: the flows of a port may all come to one
// worker, whose share alone would be too little. It is touched only by what is flooded by a member
// that has a limit.
class StormBucket {
public:
    // Worker: whether a frame of `now` is within `pps`; it may be early by a tenth of a second.
    bool take(uint32_t pps, uint64_t now, uint64_t hz) noexcept {
        const uint64_t gap = hz / pps, early = hz / 10 > gap ? hz / 10 : gap;
        uint64_t due = due_.load(std::memory_order_relaxed);
        for (;;) {
            if (due > now + early) return false;
            const uint64_t next = (due > now ? due : now) + gap;
            if (due_.compare_exchange_weak(due, next, std::memory_order_relaxed)) return true;
        }
    }
    bool would_take(uint32_t pps, uint64_t now, uint64_t hz) const noexcept {
        const uint64_t gap = hz / pps, early = hz / 10 > gap ? hz / 10 : gap;
        return due_.load(std::memory_order_relaxed) <= now + early;
    }

private:
    std::atomic<uint64_t> due_{0};
};

// VLANs (0: that of who knows none) in which something was seen.
class SeenInVlans {
public:
    // Worker. What has been seen before costs a load.
    void add(uint16_t vlan) noexcept {
        std::atomic<uint64_t>& word = words_[vlan / 64];
        const uint64_t bit = uint64_t{1} << vlan % 64;
        if ((word.load(std::memory_order_relaxed) & bit) == 0)
            word.fetch_or(bit, std::memory_order_relaxed);
    }
    // Control thread: those since it was last asked, in order.
    std::vector<uint16_t> take() {
        std::vector<uint16_t> seen;
        for (size_t i = 0; i < words_.size(); ++i) {
            if (words_[i].load(std::memory_order_relaxed) == 0) continue;
            for (uint64_t left = words_[i].exchange(0, std::memory_order_relaxed); left != 0;
                 left &= left - 1)
                seen.push_back(
                    static_cast<uint16_t>(i * 64 + static_cast<size_t>(std::countr_zero(left))));
        }
        return seen;
    }

private:
    std::array<std::atomic<uint64_t>, (kMaxVlan + 2) / 64> words_{};
};

class L2State {
public:
    Fdb fdb;

    // A port is a member of one domain at most. Worker.
    MemberState state(uint16_t port) const noexcept {
        return states_[port].load(std::memory_order_relaxed);
    }
    // Control thread; workers obey with their next burst.
    void set_state(uint16_t port, MemberState state) noexcept {
        states_[port].store(state, std::memory_order_relaxed);
    }
    StormBucket& storm(uint16_t port, FloodKind kind) noexcept {
        return storms_[port][static_cast<size_t>(kind)];
    }
    StormBucket& snooped(uint16_t port) noexcept { return snooped_[port]; }
    // Frames of ours that came in by the port, which is by a loop.
    SeenInVlans& came_back(uint16_t port) noexcept { return came_back_[port]; }

private:
    static constexpr size_t kPorts = 256;
    std::array<std::atomic<MemberState>, kPorts> states_{};
    std::array<std::array<StormBucket, kFloodKinds>, kPorts> storms_{};
    std::array<StormBucket, kPorts> snooped_{};
    std::array<SeenInVlans, kPorts> came_back_{};
};

}  // namespace vethway
