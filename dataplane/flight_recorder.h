// SPDX-License-Identifier: Apache-2.0
// The last drops of one worker, each with the beginning of its frame: always on, so that what was
// lost a minute ago can still be looked at. Nobody waits for anybody: a record that is written anew
// while it is read is left out.
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
    std::array<std::byte, kMostBytes> bytes{};

    std::span<const std::byte> frame() const { return std::span(bytes).first(kept); }
};

class FlightRecorder {
public:
    // Memory for `records`, at least one, on `node`: resident as it is written. Throws
    // std::bad_alloc.
    FlightRecorder(uint32_t records, int node);

    // The one writer. Of `record` all but its bytes; those, `kept` of them, are at `bytes`, where
    // kMostBytes can be read.
    void add(const DropRecord& record, const std::byte* bytes) noexcept;
    // Any thread: what there is, the oldest first.
    std::vector<DropRecord> records() const;

private:
    // A DropRecord in words: time, what it is, bytes.
    static constexpr size_t kByteWords = DropRecord::kMostBytes / sizeof(uint64_t);
    static constexpr size_t kWords = 2 + kByteWords;
    // `version` is 2n + 1 while record n is being written, then 2n + 2.
    struct Slot {
        std::atomic<uint64_t> version;
        std::array<std::atomic<uint64_t>, kWords> words;
    };

    NumaArray<Slot> slots_;
    const uint32_t size_;
    uint32_t next_ = 0;  // the slot of the next record
    std::atomic<uint64_t> written_{0};
};

// Release and acquire on each word, which cost nothing on x86: a reader that sees a word of the
// next record in the slot also sees that the version has moved on.
inline void FlightRecorder::add(const DropRecord& record, const std::byte* bytes) noexcept {
    const uint64_t n = written_.load(std::memory_order_relaxed);
    Slot& slot = slots_[next_];
    slot.version.store(2 * n + 1, std::memory_order_relaxed);
    slot.words[0].store(record.tsc, std::memory_order_release);
    slot.words[1].store(uint64_t{record.port} |
                            uint64_t{static_cast<uint8_t>(record.reason)} << 16 |
                            uint64_t{record.kept} << 24 | uint64_t{record.length} << 32,
                        std::memory_order_release);
#pragma GCC unroll 8
    for (size_t i = 0; i < kByteWords; ++i) {
        uint64_t word;
        std::memcpy(&word, bytes + i * sizeof word, sizeof word);
        slot.words[2 + i].store(word, std::memory_order_release);
    }
    slot.version.store(2 * n + 2, std::memory_order_release);
    next_ = next_ + 1 == size_ ? 0 : next_ + 1;
    written_.store(n + 1, std::memory_order_release);
}

}  // namespace vethway
