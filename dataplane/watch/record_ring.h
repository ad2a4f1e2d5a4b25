// SPDX-License-Identifier: Apache-2.0
// Records on their way from one worker to one reader. Bounded: what does not fit is lost and
// counted, never waited for.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "dataplane/watch/record.h"

namespace vethway {

class RecordRing {
public:
    explicit RecordRing(size_t bytes);  // a power of two; throws std::bad_alloc

    // The writer. `frame` fills what the record says is `captured`.
    void push(const Record& record, std::span<const std::byte> frame) noexcept;

    // The reader: false when there is none. `frame` is made as long as what was captured.
    bool pop(Record& record, std::vector<std::byte>& frame);
    uint64_t lost() const noexcept { return lost_.load(std::memory_order_relaxed); }

private:
    void put(uint64_t at, std::span<const std::byte> bytes) noexcept;
    void get(uint64_t at, std::span<std::byte> bytes) const noexcept;

    const size_t size_;
    std::unique_ptr<std::byte[]> bytes_;
    alignas(64) std::atomic<uint64_t> written_{0};
    std::atomic<uint64_t> lost_{0};
    uint64_t known_read_ = 0;  // the writer's last look at read_
    alignas(64) std::atomic<uint64_t> read_{0};
};

}  // namespace vethway
