// SPDX-License-Identifier: Apache-2.0
#include "control/watch/pcapng.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <vector>

#include "control/watch/capture_writer.h"
#include "tests/unit/blocks.h"
#include "tests/unit/packet.h"

namespace vethway {
namespace {

using namespace test;
using namespace std::string_literals;

// Byte by byte: what a reader of our own could get wrong the same way.
TEST(Pcapng, BlocksAreAsTheDraftHasThem) {
    std::string out;
    pcapng::add_section(out, {});
    EXPECT_EQ(out,
              "\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\x01\0\0\0"
              "\xff\xff\xff\xff\xff\xff\xff\xff\x1c\0\0\0"s);
    out.clear();
    pcapng::add_interface(out, {.name = "p1", .description = {}, .snaplen = 64});
    EXPECT_EQ(out,
              "\x01\0\0\0\x28\0\0\0\x01\0\0\0\x40\0\0\0"
              "\x02\0\x02\0p1\0\0\x09\0\x01\0\x09\0\0\0\0\0\0\0\x28\0\0\0"s);
}

TEST(Pcapng, PacketsHaveAllThatIsKnown) {
    const Bytes frame = octets({1, 2, 3, 4, 5});
    std::string out;
    pcapng::add_packet(out, {.interface = 3,
                             .ns = 0x123456789abcdef0,
                             .frame = frame,
                             .length = 1514,
                             .direction = pcapng::Direction::outbound,
                             .lost_before = 7,
                             .id = 9,
                             .comment = "why"});
    const std::vector<Block> blocks = read_blocks(out);
    ASSERT_EQ(blocks.size(), 1u);
    const Block& b = blocks[0];
    EXPECT_EQ(b.type, 6u);
    EXPECT_EQ(b.u32(0), 3u);
    EXPECT_EQ(uint64_t{b.u32(4)} << 32 | b.u32(8), 0x123456789abcdef0);
    EXPECT_EQ(b.u32(12), 5u);
    EXPECT_EQ(b.u32(16), 1514u);
    EXPECT_EQ(b.body.substr(20, 8), "\1\2\3\4\5\0\0\0"s);
    const auto options = b.options(28);
    EXPECT_EQ(options.at(1), "why");
    EXPECT_EQ(options.at(2), "\2\0\0\0"s);
    EXPECT_EQ(options.at(4), "\7\0\0\0\0\0\0\0"s);
    EXPECT_EQ(options.at(5), "\x9\0\0\0\0\0\0\0"s);
}

TEST(Pcapng, WhatIsNotKnownIsLeftOut) {
    std::string out;
    pcapng::add_packet(out, {.interface = 0, .ns = 1, .frame = {}, .length = 60, .comment = {}});
    const std::vector<Block> blocks = read_blocks(out);
    ASSERT_EQ(blocks.size(), 1u);
    EXPECT_EQ(blocks[0].body.size(), 20u);
}

TEST(Pcapng, ACommentIsNoLongerThanAnOption) {
    std::string out;
    const std::string comment(70'000, 'x');
    pcapng::add_packet(out,
                       {.interface = 0, .ns = 1, .frame = {}, .length = 60, .comment = comment});
    const std::vector<Block> blocks = read_blocks(out);
    ASSERT_EQ(blocks.size(), 1u);
    EXPECT_EQ(blocks[0].options(20).at(1).size(), 65'535u);
}

// --- The writer -------------------------------------------------------------------------------
Captured captured(Point point, uint64_t tsc, uint16_t port = 1, uint16_t egress = 2) {
    Captured c{point, {}, frame(Ip4Packet{}), "as it went"};
    c.record.tsc = tsc;
    c.record.packet = 17;
    c.record.port = port;
    c.record.egress = egress;
    c.record.length = static_cast<uint32_t>(c.frame.size());
    return c;
}
CaptureWriter make_writer(uint64_t most = UINT64_MAX, bool lines = false) {
    return {{.application = "test", .lines = lines, .most = most},
            [](uint64_t tsc) { return tsc; }};
}
std::vector<Block> of_type(const std::string& bytes, uint32_t type) {
    std::vector<Block> found;
    for (const Block& b : read_blocks(bytes))
        if (b.type == type) found.push_back(b);
    return found;
}

TEST(CaptureWriter, AnInterfaceAPortAndOneForDrops) {
    CaptureWriter writer = make_writer();
    writer.add_drop();
    writer.add_ports({{0, "lo"}, {1, "p1"}});
    PortNames names{{0, "lo"}, {1, "p1"}, {2, "p2"}};
    writer.write(captured(Point::rx, 1), names);
    writer.write(captured(Point::tx, 2), names);  // by a port that is new
    writer.write(captured(Point::drop, 3), names);
    const std::string bytes = writer.take();
    std::vector<std::string> interfaces;
    for (const Block& b : of_type(bytes, 1)) interfaces.push_back(b.options(8).at(2));
    EXPECT_EQ(interfaces, (std::vector<std::string>{"drop", "lo", "p1", "p2"}));
    const auto packets = of_type(bytes, 6);
    ASSERT_EQ(packets.size(), 3u);
    EXPECT_EQ(packets[0].u32(0), 2u);
    EXPECT_EQ(packets[1].u32(0), 3u);
    EXPECT_EQ(packets[2].u32(0), 0u);
    const auto flags = [&](size_t i) { return packets[i].options_of_packet().count(2); };
    EXPECT_EQ(packets[0].options_of_packet().at(2)[0], 1);
    EXPECT_EQ(packets[1].options_of_packet().at(2)[0], 2);
    EXPECT_EQ(flags(2), 0u) << "a drop has no direction";
}

TEST(CaptureWriter, WhatWasLostIsToldOnce) {
    CaptureWriter writer = make_writer();
    writer.add_ports({{1, "p1"}, {2, "p2"}});
    const PortNames names{{1, "p1"}, {2, "p2"}};
    writer.write(captured(Point::rx, 1), names);
    writer.set_lost(5);
    writer.write(captured(Point::tx, 2), names);
    writer.write(captured(Point::tx, 3), names);
    writer.set_lost(8);
    writer.write_statistics(4);
    const std::string bytes = writer.take();
    const auto packets = of_type(bytes, 6);
    ASSERT_EQ(packets.size(), 3u);
    EXPECT_EQ(packets[0].options_of_packet().count(4), 0u);
    EXPECT_EQ(packets[1].options_of_packet().at(4)[0], 5);
    EXPECT_EQ(packets[2].options_of_packet().count(4), 0u);
    const auto statistics = of_type(bytes, 5);
    ASSERT_EQ(statistics.size(), 2u);
    EXPECT_EQ(statistics[0].options(12).at(4)[0], 1);  // received
    EXPECT_EQ(statistics[0].options(12).at(5)[0], 3);  // what nothing came behind
    EXPECT_EQ(statistics[1].options(12).at(4)[0], 2);
    EXPECT_EQ(statistics[1].options(12).at(5)[0], 5);
}

TEST(CaptureWriter, EndsAfterAsManyAsWereAskedFor) {
    CaptureWriter writer = make_writer(2);
    for (uint64_t i = 1; i <= 3; ++i) {
        EXPECT_EQ(writer.is_full(), i > 2);
        writer.write(captured(Point::rx, i), {{1, "p1"}});
    }
    EXPECT_EQ(of_type(writer.take(), 6).size(), 2u);
}

TEST(CaptureWriter, ALineStandsBeforeItsPacket) {
    CaptureWriter writer = make_writer(UINT64_MAX, true);
    writer.write(captured(Point::tx, 1), {{2, "p2"}});
    const auto blocks = read_blocks(writer.take());
    ASSERT_EQ(blocks.size(), 4u);
    EXPECT_EQ(blocks[2].type, pcapng::kLineBlock);
    EXPECT_EQ(blocks[2].body.substr(4, 14), "p2    Out IP 1");
    EXPECT_NE(blocks[2].body.find(" -- as it went"), std::string::npos);
    EXPECT_EQ(blocks[3].type, 6u);
}

// Time does not go back for a clock that was set by a little; by much, it is what the user did.
TEST(CaptureWriter, TimeIsInOrder) {
    std::map<uint64_t, uint64_t> clock{{1, 10'000'000'000}, {2, 9'999'999'000}, {3, 5'000'000'000}};
    CaptureWriter writer({.application = "test"}, [&](uint64_t tsc) { return clock.at(tsc); });
    for (uint64_t i = 1; i <= 3; ++i) writer.write(captured(Point::rx, i), {{1, "p1"}});
    std::vector<uint64_t> times;
    for (const Block& b : of_type(writer.take(), 6))
        times.push_back(uint64_t{b.u32(4)} << 32 | b.u32(8));
    EXPECT_EQ(times, (std::vector<uint64_t>{10'000'000'000, 10'000'000'000, 5'000'000'000}));
}

}  // namespace
}  // namespace vethway
