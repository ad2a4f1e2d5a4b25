// SPDX-License-Identifier: Apache-2.0
#include "dataplane/watch/record_ring.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace vethway {
namespace {

using Bytes = std::vector<std::byte>;

Record numbered(uint32_t number, uint16_t captured) {
    Record r{};
    r.packet = number;
    r.captured = captured;
    return r;
}

TEST(RecordRing, WrapsAndKeepsOrder) {
    RecordRing ring(1024);
    Record r;
    std::vector<std::byte> got;
    for (uint32_t i = 0; i < 1000; ++i) {
        const auto size = static_cast<uint16_t>(i % 200);
        const Bytes bytes(size, static_cast<std::byte>(i));
        ring.push(numbered(i, size), bytes);
        ASSERT_TRUE(ring.pop(r, got));
        EXPECT_EQ(r.packet, i);
        EXPECT_EQ(got, bytes);
    }
    EXPECT_FALSE(ring.pop(r, got));
    EXPECT_EQ(ring.lost(), 0U);
}

TEST(RecordRing, CountsWhatDoesNotFit) {
    RecordRing ring(1024);
    const Bytes bytes(300);
    for (uint32_t i = 0; i < 10; ++i) ring.push(numbered(i, 300), bytes);
    Record r;
    std::vector<std::byte> got;
    uint32_t kept = 0;
    while (ring.pop(r, got)) EXPECT_EQ(r.packet, kept++);
    EXPECT_EQ(kept + ring.lost(), 10U);
    EXPECT_GT(ring.lost(), 0U);
    EXPECT_GE(kept, 1U);
}

TEST(RecordRing, ReaderSeesWholeRecordsOnly) {
    RecordRing ring(4096);
    constexpr uint32_t kRecords = 100'000;
    std::thread writer([&] {
        Bytes bytes(64);
        for (uint32_t i = 0; i < kRecords; ++i) {
            bytes.assign(i % 64, static_cast<std::byte>(i));
            ring.push(numbered(i, static_cast<uint16_t>(bytes.size())), bytes);
        }
        ring.push(numbered(UINT32_MAX, 0), {});
    });
    Record r;
    std::vector<std::byte> got;
    uint64_t read = 0;
    int64_t last = -1;
    std::atomic<bool> written{false};
    std::thread watcher([&] {
        writer.join();
        written = true;
    });
    for (bool more = true; more;) {
        more = !written;  // looked at before the ring: what was written by then is read
        while (ring.pop(r, got)) {
            if (r.packet == UINT32_MAX) continue;
            EXPECT_GT(int64_t{r.packet}, last);
            last = r.packet;
            EXPECT_EQ(got, Bytes(r.packet % 64, static_cast<std::byte>(r.packet)));
            ++read;
        }
    }
    watcher.join();
    EXPECT_GT(read, 0U);
    EXPECT_GE(read + ring.lost(), kRecords);
}

}  // namespace
}  // namespace vethway
