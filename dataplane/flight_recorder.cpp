// SPDX-License-Identifier: Apache-2.0
#include "dataplane/flight_recorder.h"

#include <cstring>

#include "dataplane/counters.h"

namespace vethway {

FlightRecorder::FlightRecorder(uint32_t records, int node, uint64_t tsc_hz)
    : slots_(numa_array<Slot>(records, node)),
      kinds_(numa_array<Kind>(kMaxPorts * kDropReasons, node)),
      period_(tsc_hz / kPeriodsASecond),
      size_(records) {}

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
        record.more = words[2];
        std::memcpy(record.bytes.data(), &words[3], record.bytes.size());
    }
    return out;
}

}  // namespace vethway
