// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ip4/ip4_options.h"

#include <algorithm>

#include "tests/unit/stage_fixture.h"

namespace vethway::test {
namespace {

constexpr Ip4 kNobody{172, 16, 0, 1};

Bytes padded(Bytes options) {
    while (options.size() % 4 != 0) options.push_back(std::byte{0});
    return options;
}
Bytes options_of(const Bytes& frame) {
    return first(from(frame, sizeof(EtherHeader) + sizeof(Ip4Header)),
                 ip4_of(frame).header_bytes() - sizeof(Ip4Header));
}
Ip4Options found_in(const Bytes& options) {
    const Bytes header = first(Ip4Packet{.options = padded(options)}.bytes(),
                               sizeof(Ip4Header) + padded(options).size());
    return find_options(header);
}

struct BadOption {
    const char* name;
    Bytes options;
    uint8_t at;
};
class BadOptionTest : public StageTest, public testing::WithParamInterface<BadOption> {};

TEST_P(BadOptionTest, IsPointedAt) {
    know_hosts();
    EXPECT_EQ(found_in(GetParam().options).bad, GetParam().at);
    for (const Ip4 to : {kHostIp[2], kPortIp[1], kNobody}) {
        ports_[1].sent.clear();
        receive(frame(Ip4Packet{.ttl = 1, .dst = to, .options = padded(GetParam().options)}));
        const Bytes& error = only_sent(1);
        ASSERT_TRUE(is_valid_ip4_frame(error));
        const Bytes message = l4_of(error);
        ASSERT_GE(message.size(), 8U);
        EXPECT_EQ(message[0], std::byte{kIcmpParameterProblem});
        EXPECT_EQ(message[1], std::byte{0});
        EXPECT_EQ(message[4], std::byte{GetParam().at});
        EXPECT_EQ(reference_checksum(message), 0);
    }
    EXPECT_EQ(dropped(Drop::ip4_options), 3U);
    EXPECT_EQ(counters_->worker.icmp_parameter_problem.value(), 3U);
}
// clang-format off
INSTANTIATE_TEST_SUITE_P(Options, BadOptionTest, testing::Values(
    BadOption{"no_length",            octets({1, 1, 1, 30}), 23},
    BadOption{"length_0",             octets({30, 0, 0, 0}), 20},
    BadOption{"length_1",             octets({1, 30, 1, 0}), 21},
    BadOption{"length_past_the_end",  octets({30, 5, 0, 0}), 20},
    BadOption{"route_length",         octets({7, 2, 0, 0}), 21},
    BadOption{"route_pointer",        octets({7, 7, 3, 0, 0, 0, 0}), 22},
    BadOption{"route_room",           octets({7, 7, 5, 0, 0, 0, 0}), 22},
    BadOption{"route_twice",          octets({7, 3, 4, 7, 3, 4}), 23},
    BadOption{"time_length",          octets({68, 3, 5, 0}), 21},
    BadOption{"time_pointer",         octets({68, 8, 4, 0, 0, 0, 0, 0}), 22},
    BadOption{"time_room",            octets({68, 8, 6, 0, 0, 0, 0, 0}), 22},
    BadOption{"time_address_room",    octets({68, 8, 5, 1, 0, 0, 0, 0}), 22},
    BadOption{"time_overflow",        octets({68, 8, 9, 0xf0, 0, 0, 0, 0}), 23},
    BadOption{"source_length",        octets({131, 2, 0, 0}), 21},
    BadOption{"source_pointer",       octets({137, 7, 3, 0, 0, 0, 0}), 22},
    BadOption{"source_twice",         octets({131, 3, 4, 137, 3, 4}), 23},
    BadOption{"alert_length",         octets({148, 2, 0, 0}), 21}),
    [](const auto& p) { return p.param.name; });
// clang-format on

TEST(Ip4Options, WhatIsThere) {
    const Ip4Options all =
        found_in(octets({1, 7, 3, 4, 68, 4, 5, 0, 131, 3, 4, 148, 4, 0, 0, 0, 9, 9}));
    EXPECT_EQ(all.record_route, 21);
    EXPECT_EQ(all.timestamp, 24);
    EXPECT_EQ(all.source_route, 28);
    EXPECT_EQ(all.end, 36);
    EXPECT_EQ(all.bad, 0);
}

// Whatever bytes there are, nothing outside of the header is read or written (ASan sees it).
TEST_F(StageTest, AnyBytesAreOptions) {
    uint32_t random = 1;
    for (int round = 0; round < 20'000; ++round) {
        Bytes header(sizeof(Ip4Header) + 4 * (1 + random % 10));
        for (std::byte& b : header) {
            random = random * 1664525 + 1013904223;
            constexpr uint8_t kKinds[] = {0,  1,  3,  4,  5,  7,   8,   9,
                                          11, 12, 20, 40, 68, 131, 137, 148};
            b = std::byte{kKinds[random >> 28]};
        }
        const Ip4Options found = find_options(header);
        const OptionWork work = fill_options(header, found, {kPortIp[1], 5}, routes_);
        const auto echoed = echo_options(header, work, routes_);
        if (!echoed) continue;
        Bytes own = join(Bytes(sizeof(Ip4Header)),
                         first(Bytes(echoed->bytes.begin(), echoed->bytes.end()), echoed->size));
        stamp_own(own, echoed->work, {kPortIp[1], 5});
        ASSERT_LE(own.size(), 60U);
        ASSERT_EQ(own.size() % 4, 0U);
    }
}

class OptionsTest : public StageTest {
protected:
    OptionsTest() { know_hosts(); }
    Bytes forwarded(const Bytes& options) {
        ports_[2].sent.clear();
        receive(frame(Ip4Packet{.options = padded(options)}));
        EXPECT_TRUE(is_valid_ip4_frame(only_sent(2)));
        EXPECT_EQ(ip4_of(only_sent(2)).ttl, 63);
        return options_of(only_sent(2));
    }
    // Of the four bytes there, and gone from `options`.
    uint32_t take_word(Bytes& options, size_t at) {
        const uint32_t word{*reinterpret_cast<const Be32*>(&options[at])};
        std::fill_n(options.begin() + static_cast<std::ptrdiff_t>(at), 4, std::byte{0});
        return word;
    }
};

TEST_F(OptionsTest, RecordsTheWayOut) {
    EXPECT_EQ(forwarded(octets({7, 7, 4, 0, 0, 0, 0})), octets({7, 7, 8, 10, 0, 2, 1, 0}));
    EXPECT_EQ(forwarded(octets({7, 7, 8, 1, 2, 3, 4})), octets({7, 7, 8, 1, 2, 3, 4, 0}));
}
TEST_F(OptionsTest, WritesTheTime) {
    const uint32_t before = ms_since_midnight();
    Bytes options = forwarded(octets({68, 8, 5, 0, 0, 0, 0, 0}));
    const uint32_t time = take_word(options, 4);
    if (ms_since_midnight() >= before) {
        EXPECT_GE(time, before);
        EXPECT_LE(time, ms_since_midnight());
    }
    EXPECT_EQ(options, octets({68, 8, 9, 0, 0, 0, 0, 0}));
    EXPECT_EQ(forwarded(octets({68, 4, 5, 0xe0})), octets({68, 4, 5, 0xf0})) << "no room: counted";
}
TEST_F(OptionsTest, WritesTheTimeBesideItsAddress) {
    Bytes ours = forwarded(octets({68, 12, 5, 3, 10, 0, 2, 1, 0, 0, 0, 0}));
    EXPECT_NE(take_word(ours, 8), 0U);
    EXPECT_EQ(ours, octets({68, 12, 13, 3, 10, 0, 2, 1, 0, 0, 0, 0}));
    const Bytes foreign = octets({68, 12, 5, 3, 10, 0, 2, 2, 0, 0, 0, 0});
    EXPECT_EQ(forwarded(foreign), foreign);
}
TEST_F(OptionsTest, PassesAndClears) {
    EXPECT_EQ(forwarded(octets({148, 4, 0, 0})), octets({148, 4, 0, 0}));
    EXPECT_EQ(forwarded(octets({1, 0, 9, 9})), octets({1, 0, 0, 0}));
}
TEST_F(OptionsTest, SourceRoutesAreRefusedSilently) {
    receive(frame(Ip4Packet{.options = octets({131, 7, 4, 10, 0, 2, 2, 0})}));
    receive(frame(Ip4Packet{.dst = kPortIp[1], .options = octets({137, 7, 4, 10, 0, 2, 2, 0})}));
    EXPECT_EQ(dropped(Drop::source_route), 2U);
    EXPECT_TRUE(sent(1).empty() && sent(2).empty());
}
class SourceRouteTest : public OptionsTest {
protected:
    SourceRouteTest() { knob(1, PortKnob::accept_source_route, 1); }
    void receive_by(const Bytes& route, Ip4 to = kPortIp[1], uint8_t ttl = 64) {
        receive(frame(Ip4Packet{.ttl = ttl, .dst = to, .options = padded(route)}));
    }
};
TEST_F(SourceRouteTest, GoesOnToTheNextStop) {
    receive_by(octets({131, 11, 4, 10, 0, 2, 2, 10, 0, 3, 2}));
    const Bytes& on = only_sent(2);
    EXPECT_TRUE(is_valid_ip4_frame(on));
    EXPECT_EQ(Ip4{ip4_of(on).dst}, kHostIp[2]);
    EXPECT_EQ(options_of(on), octets({131, 11, 8, 10, 0, 2, 1, 10, 0, 3, 2, 0}));
}
TEST_F(SourceRouteTest, PassesByOurOwnStops) {
    receive_by(octets({131, 11, 4, 10, 0, 3, 1, 10, 0, 2, 2}));
    EXPECT_EQ(options_of(only_sent(2)), octets({131, 11, 12, 10, 0, 3, 1, 10, 0, 2, 1, 0}));
}
TEST_F(SourceRouteTest, OfOthersPasses) {
    receive_by(octets({131, 7, 4, 10, 0, 3, 2}), kHostIp[2]);
    EXPECT_EQ(options_of(only_sent(2)), octets({131, 7, 4, 10, 0, 3, 2, 0}));
}
TEST_F(SourceRouteTest, StrictOfOthersIsTold) {
    receive_by(octets({137, 7, 4, 10, 0, 3, 2}), kHostIp[2]);
    const Bytes told = l4_of(only_sent(1));
    EXPECT_EQ(first(told, 2), octets({kIcmpParameterProblem, 0}));
    EXPECT_EQ(told[4], std::byte{16});
    EXPECT_EQ(dropped(Drop::source_route), 1U);
}
TEST_F(SourceRouteTest, StrictGoesByNoGateway) {
    route("50.0.0.0/8", RouteType::forward, {{2, kHostIp[2], UINT32_MAX}});
    receive_by(octets({137, 7, 4, 50, 0, 0, 1}));
    EXPECT_EQ(first(l4_of(only_sent(1)), 2), octets({kIcmpUnreachable, kIcmpSourceRouteFailed}));
    receive_by(octets({131, 7, 4, 50, 0, 0, 1}));
    EXPECT_EQ(Ip4{ip4_of(only_sent(2)).dst}, (Ip4{50, 0, 0, 1}));
}
TEST_F(SourceRouteTest, LeadsNowhere) {
    receive_by(octets({131, 7, 4, 172, 16, 0, 1}));
    receive_by(octets({131, 7, 4, 127, 0, 0, 1}));
    receive_by(octets({131, 7, 4, 10, 0, 2, 255}));
    EXPECT_EQ(dropped(Drop::source_route), 3U);
    EXPECT_TRUE(sent(1).empty());
    receive_by(octets({131, 6, 4, 10, 0, 2}));
    EXPECT_EQ(l4_of(only_sent(1))[4], std::byte{22}) << "half an address";
}
TEST_F(SourceRouteTest, AnErrorQuotesItAsItCame) {
    receive_by(octets({131, 7, 4, 10, 0, 2, 2}), kPortIp[1], 1);
    const Bytes quoted = from(l4_of(only_sent(1)), 8);
    EXPECT_EQ(from(first(quoted, 28), 16), octets({10, 0, 1, 1, 131, 7, 4, 10, 0, 2, 2, 0}));
}
TEST_F(SourceRouteTest, AnEchoReplyGoesBackByIt) {
    receive(frame(Ip4Packet{.protocol = kProtocolIcmp,
                            .src = kHostIp[3],
                            .dst = kPortIp[1],
                            .options = octets({131, 11, 12, 10, 0, 3, 9, 10, 0, 1, 2, 0}),
                            .payload = icmp(kIcmpEchoRequest)}));
    const Bytes& reply = only_sent(1);
    EXPECT_TRUE(is_valid_ip4_frame(reply));
    EXPECT_EQ(Ip4{ip4_of(reply).dst}, kHostIp[1]) << "the last stop on the way here";
    EXPECT_EQ(options_of(reply), octets({131, 11, 4, 10, 0, 3, 9, 10, 0, 3, 2, 0}));
}
TEST_F(SourceRouteTest, ASenderThatNamedItselfIsMetOnce) {
    receive(frame(Ip4Packet{.protocol = kProtocolIcmp,
                            .src = kHostIp[3],
                            .dst = kPortIp[1],
                            .options = octets({131, 11, 12, 10, 0, 3, 2, 10, 0, 1, 2, 0}),
                            .payload = icmp(kIcmpEchoRequest)}));
    EXPECT_EQ(options_of(only_sent(1)), octets({131, 7, 4, 10, 0, 3, 2, 0}));
}

TEST_F(OptionsTest, NoErrorAboutBroadcasts) {
    receive(frame(Ip4Packet{.dst = {10, 0, 2, 255}, .options = octets({7, 2, 0, 0})}));
    EXPECT_EQ(dropped(Drop::ip4_options), 1U);
    EXPECT_TRUE(sent(1).empty());
}
TEST_F(OptionsTest, AnEchoReplyGoesOnWithTheRoute) {
    receive(frame(Ip4Packet{.protocol = kProtocolIcmp,
                            .dst = kPortIp[1],
                            .options = octets({1, 7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0}),
                            .payload = icmp(8)}));
    const Bytes& reply = only_sent(1);
    EXPECT_TRUE(is_valid_ip4_frame(reply));
    EXPECT_EQ(options_of(reply), octets({7, 11, 12, 10, 0, 1, 1, 10, 0, 1, 1, 0}));
    EXPECT_EQ(l4_of(reply), icmp(0));
}
TEST_F(OptionsTest, AnErrorGoesOnWithTheRoute) {
    receive(frame(Ip4Packet{.ttl = 1,
                            .options = octets({7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0}),
                            .payload = counting(900)}));
    const Bytes& error = only_sent(1);
    EXPECT_TRUE(is_valid_ip4_frame(error));
    EXPECT_EQ(ip4_of(error).total_length, 576);
    EXPECT_EQ(options_of(error), octets({7, 11, 12, 10, 0, 1, 1, 10, 0, 1, 1, 0}));
}
TEST_F(OptionsTest, OthersInTheBurstKeepTheirOrder) {
    const Bytes plain = frame(Ip4Packet{.id = 1}), last = frame(Ip4Packet{.id = 3});
    receive({plain, frame(Ip4Packet{.id = 2, .options = octets({7, 2, 0, 0})}),
             frame(Ip4Packet{.id = 4, .options = octets({1, 1, 1, 1})}), last});
    ASSERT_EQ(sent(2).size(), 3U);
    EXPECT_EQ(ip4_of(sent(2)[0]).id, 1);
    EXPECT_EQ(ip4_of(sent(2)[1]).id, 4);
    EXPECT_EQ(ip4_of(sent(2)[2]).id, 3);
}

}  // namespace
}  // namespace vethway::test
