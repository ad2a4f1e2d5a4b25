// SPDX-License-Identifier: Apache-2.0
// The last drops of one worker, each with the beginning of its frame: always on, so that what was
// lost a minute ago can still be looked at. Of one kind (a reason at a port) the first kMostKept of
// each tenth of a second are kept, and those beyond counted with the last of them: so a flood
// neither costs a record a packet, nor overwrites within a millisecond all that was before it.
// Nobody waits for anybody: a record that is written anew while it is read is left out.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/drop.h"
#include "dataplane/numa_memory.h"

namespace vethway {

struct DropRecord {
    static constexpr size_t kMostBytes = 64;
    uint64_t tsc = 0;
    uint16_t port = 0;  // index of the ingress port
    Drop reason = Drop::none;
    uint8_t kept = 0;     // of `bytes`
    uint32_t length = 0;  // of the frame
    uint64_t more = 0;    // of its kind came after it and were not kept
    std::array<std::byte, kMostBytes> bytes{};

    std::span<const std::byte> frame() const { return std::span(bytes).first(kept); }
};

class FlightRecorder {
public:
    static constexpr uint32_t kMostKept = 64;  // of a kind in a period
    static constexpr uint32_t kPeriodsASecond = 10;

    // What is known of a kind of drop.
    struct Kind {
        uint64_t since = 0;   // TSC: when its period began; 0: never
        uint64_t newest = 0;  // its last record, by number
        uint32_t kept = 0;    // in this period
    };

    // Memory for `records`, at least one, on `node`: resident as it is written. Throws
    // std::bad_alloc.
    FlightRecorder(uint32_t records, int node, uint64_t tsc_hz);

    // --- The one writer ---
    Kind& kind(uint16_t port, Drop why) noexcept {
        return kinds_[size_t{port} * kDropReasons + static_cast<size_t>(why)];
    }
    // How many of those of this kind that are dropped at `now` (TSC) are to be kept.
    uint32_t room(Kind& kind, uint64_t now) noexcept;
    // Of `record` all but its bytes and `more`; those, `kept` of them, are at `bytes`, where
    // kMostBytes can be read.
    void keep(Kind& kind, const DropRecord& record, const std::byte* bytes) noexcept;
    // `n` more of the kind were not kept, since room() has said so; nothing else was kept since.
    void pass_over(const Kind& kind, uint64_t n) noexcept;

    // Any thread: what there is, the oldest first.
    std::vector<DropRecord> records() const;

private:
    // A DropRecord in words: time, what it is, how many more, bytes.
    static constexpr size_t kByteWords = DropRecord::kMostBytes / sizeof(uint64_t);
    static constexpr size_t kWords = 3 + kByteWords;
    // `version` is 2n + 1 while record n is being written, then 2n + 2.
    struct Slot {
        std::atomic<uint64_t> version;
        std::array<std::atomic<uint64_t>, kWords> words;
    };

    bool is_there(uint64_t n) const noexcept {
        return written_.load(std::memory_order_relaxed) - n <= size_;
    }

    NumaArray<Slot> slots_;
    NumaArray<Kind> kinds_;
    const uint64_t period_;  // of the TSC
    const uint32_t size_;
    uint32_t next_ = 0;  // the slot of the next record
    std::atomic<uint64_t> written_{0};
};

// A record that others have overwritten is followed by a new one, or nobody would be told.
inline uint32_t FlightRecorder::room(Kind& kind, uint64_t now) noexcept {
    if (kind.since == 0 || now - kind.since >= period_ || !is_there(kind.newest)) {
        kind.since = now;
        kind.kept = 0;
    }
    return kMostKept - kind.kept;
}

// Release and acquire on each word, which cost nothing on x86: a reader that sees a word of the
// next record in the slot also sees that the version has moved on.
inline void FlightRecorder::keep(Kind& kind, const DropRecord& record,
                                 const std::byte* bytes) noexcept {
    const uint64_t n = written_.load(std::memory_order_relaxed);
    Slot& slot = slots_[next_];
    slot.version.store(2 * n + 1, std::memory_order_relaxed);
    slot.words[0].store(record.tsc, std::memory_order_release);
    slot.words[1].store(uint64_t{record.port} |
                            uint64_t{static_cast<uint8_t>(record.reason)} << 16 |
                            uint64_t{record.kept} << 24 | uint64_t{record.length} << 32,
                        std::memory_order_release);
    slot.words[2].store(0, std::memory_order_release);
#pragma GCC unroll 8
    for (size_t i = 0; i < kByteWords; ++i) {
        uint64_t word;
        std::memcpy(&word, bytes + i * sizeof word, sizeof word);
        slot.words[3 + i].store(word, std::memory_order_release);
    }
    slot.version.store(2 * n + 2, std::memory_order_release);
    next_ = next_ + 1 == size_ ? 0 : next_ + 1;
    kind.newest = n;
    ++kind.kept;
    written_.store(n + 1, std::memory_order_release);
}

// The record stays as it is but for this word: whoever reads it sees the number before or after.
inline void FlightRecorder::pass_over(const Kind& kind, uint64_t n) noexcept {
    std::atomic<uint64_t>& more = slots_[kind.newest % size_].words[2];
    more.store(more.load(std::memory_order_relaxed) + n, std::memory_order_release);
}

}  // namespace vethway
