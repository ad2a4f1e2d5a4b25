// SPDX-License-Identifier: Apache-2.0
// How lists are cut to what an answer of DPDK's telemetry holds. What becomes of the values is
// asked over the socket, by tests/system/test_telemetry.py.
#include "control/telemetry.h"

#include <gtest/gtest.h>

namespace vethway {
namespace {

Json rows(size_t count, size_t bytes) {
    Json out = Json::array();
    for (size_t i = 0; i < count; ++i)
        out.push_back({{"number", i}, {"text", std::string(bytes, 'x')}});
    return out;
}

TEST(TelemetryPage, IsAllThatFits) {
    EXPECT_EQ(telemetry_page(Json::array(), 0), Json::object());
    const Json page = telemetry_page(rows(2, 10), 0);
    EXPECT_EQ(page.size(), 2U);
    EXPECT_EQ(page["1"]["number"], 1);
}

// Whoever follows `next` sees each row once, and no page is larger than DPDK's 16 KiB.
TEST(TelemetryPage, SeveralHaveEachRowOnce) {
    for (const size_t bytes : {0, 100, 3000, 15'000}) {
        const Json all = rows(600, bytes);
        size_t next = 0, pages = 0;
        for (bool more = true; more; ++pages) {
            Json page = telemetry_page(all, next);
            ASSERT_LE(page.dump().size(), 16'000U);
            ASSERT_LE(page.size(), 256U) << "DPDK's dictionaries hold no more";
            more = page.contains("next");
            const size_t after = more ? page["next"].get<size_t>() : all.size();
            if (more) {
                ASSERT_EQ(page["left_off"], all.size() - after);
                page.erase("next");
                page.erase("left_off");
            }
            for (; next < after; ++next) ASSERT_EQ(page.at(std::to_string(next))["number"], next);
            ASSERT_EQ(page.erase(std::to_string(after)), 0U);
        }
        EXPECT_EQ(next, 600U);
        EXPECT_GE(pages, 3U) << "600 rows are more than two dictionaries";
    }
}

TEST(TelemetryPage, BeyondTheEndIsEmpty) {
    EXPECT_EQ(telemetry_page(rows(3, 10), 3), Json::object());
    EXPECT_EQ(telemetry_page(rows(3, 10), 99), Json::object());
}

}  // namespace
}  // namespace vethway
