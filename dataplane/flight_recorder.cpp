// SPDX-License-Identifier: Apache-2.0
#include "dataplane/flight_recorder.h"

#include <bit>
#include <cstring>

namespace vethway {

FlightRecorder::FlightRecorder(uint32_t records, int node)
    : slots_(numa_array<Slot>(records, node)), size_(records) {}

// Release and acquire on each word, which cost nothing on x86: a reader that sees a word of the
// next record in the slot also sees that the version has moved on.
void FlightRecorder::add(const DropRecord& record) noexcept {
    const uint64_t n = written_.load(std::memory_order_relaxed);
    Slot& slot = slots_[next_];
    slot.version.store(2 * n + 1, std::memory_order_relaxed);
    slot.words[0].store(record.tsc, std::memory_order_release);
    slot.words[1].store(uint64_t{record.port} |
                            uint64_t{static_cast<uint8_t>(record.reason)} << 16 |
                            uint64_t{record.kept} << 24 | uint64_t{record.length} << 32,
                        std::memory_order_release);
    const auto bytes = std::bit_cast<std::array<uint64_t, kByteWords>>(record.bytes);
    for (size_t i = 0; i < kByteWords; ++i)
        slot.words[2 + i].store(bytes[i], std::memory_order_release);
    slot.version.store(2 * n + 2, std::memory_order_release);
    next_ = next_ + 1 == size_ ? 0 : next_ + 1;
    written_.store(n + 1, std::memory_order_release);
}

std::vector<DropRecord> FlightRecorder::records() const {
    const uint64_t end = written_.load(std::memory_order_acquire);
    std::vector<DropRecord> out;
    for (uint64_t n = end > size_ ? end - size_ : 0; n < end; ++n) {
        const Slot& slot = slots_[n % size_];
        if (slot.version.load(std::memory_order_acquire) != 2 * n + 2) continue;
        std::array<uint64_t, kWords> words;
        for (size_t i = 0; i < kWords; ++i)
            words[i] = slot.words[i].load(std::memory_order_acquire);
        if (slot.version.load(std::memory_order_relaxed) != 2 * n + 2) continue;
        DropRecord& record = out.emplace_back();
        record.tsc = words[0];
        record.port = static_cast<uint16_t>(words[1]);
        record.reason = static_cast<Drop>(words[1] >> 16 & 0xff);
        record.kept = static_cast<uint8_t>(words[1] >> 24);
        record.length = static_cast<uint32_t>(words[1] >> 32);
        std::memcpy(record.bytes.data(), &words[2], record.bytes.size());
    }
    return out;
}

}  // namespace vethway
