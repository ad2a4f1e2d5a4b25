// SPDX-License-Identifier: Apache-2.0
#include "dataplane/watch/record_ring.h"

#include <algorithm>
#include <cstring>

namespace vethway {

// Only pages that are written become resident.
RecordRing::RecordRing(size_t bytes) : size_(bytes), bytes_(new std::byte[bytes]) {}

void RecordRing::put(uint64_t at, std::span<const std::byte> bytes) noexcept {
    if (bytes.empty()) return;  // its data() may be null, which memcpy never takes
    const size_t from = at & (size_ - 1), whole = std::min(bytes.size(), size_ - from);
    std::memcpy(&bytes_[from], bytes.data(), whole);
    if (whole < bytes.size()) std::memcpy(&bytes_[0], bytes.data() + whole, bytes.size() - whole);
}

void RecordRing::get(uint64_t at, std::span<std::byte> bytes) const noexcept {
    if (bytes.empty()) return;
    const size_t from = at & (size_ - 1), whole = std::min(bytes.size(), size_ - from);
    std::memcpy(bytes.data(), &bytes_[from], whole);
    if (whole < bytes.size()) std::memcpy(bytes.data() + whole, &bytes_[0], bytes.size() - whole);
}

void RecordRing::push(const Record& record, std::span<const std::byte> frame) noexcept {
    const uint64_t at = written_.load(std::memory_order_relaxed);
    const size_t needed = sizeof record + frame.size();
    if (at + needed - known_read_ > size_) {
        known_read_ = read_.load(std::memory_order_acquire);
        if (at + needed - known_read_ > size_) {
            lost_.store(lost_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
            return;
        }
    }
    put(at, std::as_bytes(std::span(&record, 1)));
    put(at + sizeof record, frame);
    written_.store(at + needed, std::memory_order_release);
}

bool RecordRing::pop(Record& record, std::vector<std::byte>& frame) {
    const uint64_t at = read_.load(std::memory_order_relaxed);
    if (at == written_.load(std::memory_order_acquire)) return false;
    get(at, std::as_writable_bytes(std::span(&record, 1)));
    frame.resize(record.captured);
    get(at + sizeof record, frame);
    read_.store(at + sizeof record + record.captured, std::memory_order_release);
    return true;
}

}  // namespace vethway
