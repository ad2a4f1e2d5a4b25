// SPDX-License-Identifier: Apache-2.0
// IGMP and MLD as Linux's hosts and bridge say them, and what a bridge that listens makes of it, in
// virtual time.
#include <gtest/gtest.h>

#include <algorithm>

#include "control/snooping/snooper.h"
#include "tests/unit/hex.h"
#include "tests/unit/packet.h"

namespace vethway::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Time = Snooper::Time;

constexpr Ip4 kGroup4{239, 1, 2, 3};
const Ip6 kGroup6 = *Ip6::parse("ff05::1:3");
constexpr Mac kHost{{2, 0, 0, 0, 0xca, 2}}, kBridge{{0xd2, 0x2c, 0x4b, 0x21, 0x28, 0x14}};

// --- Messages, captured from Linux 6.18
const char* const kReport3 =
    "01005e00001602000000ca02 0800 46c00028000040000102f9ee0a090002e0000016 94040000 "
    "2200e8f90000000104000000ef010203";
const char* const kReport2 =
    "01005e01020302000000ca02 0800 46c00020000040000102e9080a090002ef010203 94040000 "
    "1600f8faef010203";
const char* const kLeave2 =
    "01005e00000202000000ca02 0800 46c00020000040000102fa0a0a090002e0000002 94040000 "
    "1700f7faef010203";
const char* const kMldJoin =  // and ff02::1:ff00:ca02
    "33330000001602000000ca02 86dd 6000000000380001fe80000000000000000000fffe00ca02"
    "ff020000000000000000000000000016 3a00050200000100 8f00dae400000002"
    "04000000ff050000000000000000000000010003 04000000ff0200000000000000000001ff00ca02";
const char* const kMldLeave =
    "33330000001602000000ca02 86dd 6000000000240001fe80000000000000000000fffe00ca02"
    "ff020000000000000000000000000016 3a00050200000100 8f00a80100000001"
    "03000000ff050000000000000000000000010003";
const char* const kQuery2 =
    "01005e000001d22c4b212814 0800 46c00020000040000102041700000000e0000001 94040000 "
    "1164ee9b00000000";
const char* const kQuery3 =
    "01005e000001d22c4b212814 0800 46c00024000040000102041300000000e0000001 94040000 "
    "1164ec1e00000000027d0000";
const char* const kQuery3About =
    "01005e010203d22c4b212814 0800 46c00024000040000102f30f00000000ef010203 94040000 "
    "110afb73ef010203027d0000";
const char* const kMldQuery1 =
    "333300000001d22c4b212814 86dd 6000000000200001fe800000000000006cc5a2fffeb2b7d0"
    "ff020000000000000000000000000001 3a00050200000000 820092cf2710000000000000000000000000000000"
    "000000";
const char* const kMldQuery2About =
    "333300010003d22c4b212814 86dd 6000000000240001fe8000000000000058019dfffe2396ed"
    "ff050000000000000000000000010003 3a00050200000000 8200ef9c03e80000"
    "ff050000000000000000000000010003 027d0000";

MembershipReport report(const IpAddress& group, bool wants) { return {{{group, wants}}}; }

template <class Message>
void expect_read(const char* hex, const Message& want) {
    const MembershipReading read = read_membership(from_hex(hex));
    const auto* message = std::get_if<Message>(&read.message);
    ASSERT_NE(message, nullptr) << hex << ": " << read.fault;
    EXPECT_EQ(*message, want) << hex;
}

TEST(Membership, WhatLinuxSaysIsRead) {
    expect_read(kReport3, report(kGroup4, true));
    expect_read(kReport2, report(kGroup4, true));
    expect_read(kLeave2, report(kGroup4, false));
    expect_read(kMldJoin,
                MembershipReport{{{kGroup6, true}, {*Ip6::parse("ff02::1:ff00:ca02"), true}}});
    expect_read(kMldLeave, report(kGroup6, false));
    MembershipQuery query{.source = Ip4{}, .max_response = seconds(10)};
    expect_read(kQuery2, query);
    query.interval = seconds(125);
    expect_read(kQuery3, query);
    query.max_response = seconds(1);
    query.group = kGroup4;
    expect_read(kQuery3About, query);
    expect_read(kMldQuery1, MembershipQuery{.version = IpVersion::ip6,
                                            .source = *Ip6::parse("fe80::6cc5:a2ff:feb2:b7d0"),
                                            .max_response = seconds(10)});
}

// Bytes as Linux would send.
TEST(Membership, QueriesAreWrittenAsLinuxDoes) {
    for (const char* hex : {kQuery3, kQuery3About, kMldQuery2About}) {
        Bytes frame = from_hex(hex);
        const auto query = std::get<MembershipQuery>(read_membership(frame).message);
        frame.resize(std::max<size_t>(frame.size(), 60));
        EXPECT_EQ(write_query(query, kBridge), frame) << hex;
    }
}

TEST(Membership, TimesOfManySeconds) {
    for (const auto& [interval, read] : {std::pair(127, 127),
                                         {128, 128},
                                         {300, 288},
                                         {3600, 3584},
                                         {31744, 31744},
                                         {40000, 31744}}) {
        const MembershipQuery query{
            .source = Ip4{10, 0, 0, 1}, .max_response = seconds(20), .interval = seconds(interval)};
        const auto again =
            std::get<MembershipQuery>(read_membership(write_query(query, kBridge)).message);
        EXPECT_EQ(again.interval.count(), read);
        EXPECT_EQ(again.max_response, seconds(20));
    }
}

TEST(Membership, WhatIsBrokenIsNoMessage) {
    const auto fault = [](Bytes frame) { return std::string(read_membership(frame).fault); };
    Bytes frame = from_hex(kReport3);
    frame.back() ^= std::byte{1};
    EXPECT_EQ(fault(frame), "an IGMP checksum is wrong");
    frame = from_hex(kMldJoin);
    frame.back() ^= std::byte{1};
    EXPECT_EQ(fault(frame), "an ICMPv6 checksum is wrong");
    frame = from_hex(kMldJoin);
    frame[14 + 7] = std::byte{64};
    EXPECT_EQ(fault(frame), "a hop limit is not 1");
    frame = from_hex(kQuery3);
    frame[14 + 19] = std::byte{2};  // to 224.0.0.2, and its checksum
    frame[14 + 11] = std::byte{0x12};
    EXPECT_EQ(fault(frame), "a general query is not to all hosts");
    // Cut off anywhere: nothing is read, and nothing beyond it.
    for (const char* hex : {kReport3, kLeave2, kMldJoin, kQuery3, kMldQuery2About}) {
        const Bytes whole = from_hex(hex);
        for (size_t size = 0; size < whole.size(); ++size)
            EXPECT_EQ(read_membership(std::vector(whole.begin(), whole.begin() + long(size)))
                          .message.index(),
                      0U)
                << hex << " cut to " << size;
    }
    EXPECT_EQ(fault(ethernet(kBridge, kHost, kEtherTypeArp, counting(46))), "");
}

// --- The bridge
class SnooperTest : public testing::Test, protected SnooperHands {
protected:
    struct Asked {
        uint16_t vlan;
        std::optional<uint16_t> port;
        MembershipQuery query;
    };
    SnooperTest() {
        snooper_.configure(config_, now_);
        snooper_.set_ports({{1, {"p1"}}, {2, {"p2"}}, {3, {"p3", true}}}, now_);
    }
    void ask(uint16_t vlan, std::optional<uint16_t> port, const MembershipQuery& query) override {
        asked_.push_back({vlan, port, query});
    }
    void tell(const std::string& event) override { told_.push_back(event); }

    void configure(bool querier, Ip4 address = {}) {
        config_.querier = querier;
        config_.sources4[0] = address;
        snooper_.configure(config_, now_);
    }
    void receive(uint16_t port, const Bytes& frame) { snooper_.received(port, 0, frame, now_); }
    void receive(uint16_t port, const char* hex) { receive(port, from_hex(hex)); }
    void query(uint16_t port, Ip4 from, std::optional<IpAddress> about = {}) {
        receive(port, write_query({.source = from,
                                   .group = about,
                                   .max_response = about ? seconds(1) : seconds(10),
                                   .interval = seconds(125)},
                                  kBridge));
    }
    void pass(milliseconds time) {
        for (const Time end = now_ + time; now_ < end;) {
            now_ += milliseconds(100);
            snooper_.tick(now_);
        }
    }
    std::vector<uint16_t> ports_of(const IpAddress& group) {
        std::vector<uint16_t> ports;
        for (const SnoopedGroup& g : snooper_.status(now_).groups)
            if (g.group == group)
                for (const auto& [port, left] : g.ports) ports.push_back(port);
        return ports;
    }
    std::vector<uint16_t> routers() { return snooper_.status(now_).vlans.at(0).routers; }
    QuerierStatus querier(IpVersion v = IpVersion::ip4) {
        return snooper_.status(now_).vlans.at(0).querier(v);
    }

    Time now_{seconds(1000)};
    SnooperConfig config_{.bridge = "br", .sources4 = {{0, {}}}, .source6 = *Ip6::parse("fe80::1")};
    std::vector<Asked> asked_;
    std::vector<std::string> told_;
    Snooper snooper_{config_, *this};
};
using Ports = std::vector<uint16_t>;

TEST_F(SnooperTest, WhoJoinsIsThereUntilItIsSilent) {
    receive(1, kReport3);
    receive(2, kReport2);
    receive(1, kMldJoin);
    EXPECT_EQ(ports_of(kGroup4), (Ports{1, 2}));
    EXPECT_EQ(ports_of(kGroup6), Ports{1});
    EXPECT_EQ(snooper_.status(now_).groups.size(), 2U) << "of groups of the link nothing is kept";
    pass(seconds(200));
    receive(2, kReport3);
    EXPECT_TRUE(snooper_.take_changed());
    pass(seconds(59));
    EXPECT_EQ(ports_of(kGroup4), (Ports{1, 2}));
    EXPECT_FALSE(snooper_.take_changed());
    pass(seconds(2));  // RFC 3376 8.4: 260 s
    EXPECT_EQ(ports_of(kGroup4), Ports{2});
    EXPECT_TRUE(snooper_.take_changed());
}

TEST_F(SnooperTest, WithoutAQuerierNobodyIsAsked) {
    receive(1, kReport3);
    EXPECT_FALSE(querier().is_asked);
    pass(seconds(300));
    EXPECT_TRUE(asked_.empty());
    EXPECT_FALSE(querier().is_asked);
}

TEST_F(SnooperTest, AnothersQuerierIsHeardOf) {
    snooper_.take_changed();
    query(2, {10, 9, 0, 1});
    EXPECT_EQ(querier().other, IpAddress(Ip4{10, 9, 0, 1}));
    EXPECT_EQ(querier().port, 2U);
    EXPECT_EQ(routers(), Ports{2});
    EXPECT_FALSE(querier().is_asked) << "hosts have ten seconds";
    pass(seconds(10));
    EXPECT_TRUE(querier().is_asked);
    EXPECT_FALSE(querier(IpVersion::ip6).is_asked);
    EXPECT_TRUE(snooper_.take_changed());
    pass(milliseconds(244'900));
    EXPECT_TRUE(querier().is_asked);
    pass(milliseconds(200));  // RFC 3376 8.5: 255 s
    EXPECT_FALSE(querier().is_asked);
    EXPECT_EQ(routers(), Ports{});
    EXPECT_EQ(told_,
              (std::vector<std::string>{"bridge br: 10.9.0.1 asks for IPv4 groups, behind p2"}));
}

// RFC 4541 2.1.1.
TEST_F(SnooperTest, WhoAsksWithoutAnAddressIsNoRouter) {
    receive(2, kQuery3);
    pass(seconds(11));
    EXPECT_TRUE(querier().is_asked);
    EXPECT_EQ(routers(), Ports{});
}

TEST_F(SnooperTest, TheLowerAddressAsks) {
    configure(true, {10, 9, 0, 5});
    pass(milliseconds(100));
    EXPECT_TRUE(querier().is_self);
    query(2, {10, 9, 0, 9});
    EXPECT_TRUE(querier().is_self);
    query(2, {});
    EXPECT_TRUE(querier().is_self);
    query(2, {10, 9, 0, 3});
    EXPECT_FALSE(querier().is_self);
    query(1, {10, 9, 0, 2});
    EXPECT_EQ(querier().port, 1U);
    query(2, {10, 9, 0, 3});
    EXPECT_EQ(querier().port, 1U);
    asked_.clear();
    pass(seconds(254));
    EXPECT_TRUE(std::ranges::none_of(
        asked_, [](const Asked& a) { return a.query.version == IpVersion::ip4; }));
    pass(seconds(2));
    EXPECT_TRUE(querier().is_self) << "the other one is gone";
    EXPECT_EQ(asked_.back().query.source, IpAddress(Ip4{10, 9, 0, 5}));
}

TEST_F(SnooperTest, AsksAtTimes) {
    configure(true);
    Ports at;
    for (int i = 0; i < 3000; ++i) {
        pass(milliseconds(100));
        for (const Asked& a : asked_) {
            EXPECT_EQ(a.port, std::nullopt);
            if (a.query.version != IpVersion::ip4) continue;
            EXPECT_EQ(a.query.source, IpAddress(Ip4{}));
            at.push_back(static_cast<uint16_t>((now_ - Time(seconds(1000))) / seconds(1)));
        }
        asked_.clear();
    }
    EXPECT_EQ(at, (Ports{0, 31, 156, 281}));  // RFC 3376 8.6: a quarter at first
}

TEST_F(SnooperTest, WhoLeavesIsAskedForOthers) {
    configure(true);
    receive(1, kReport3);
    receive(2, kReport3);
    receive(1, kMldJoin);
    pass(milliseconds(100));
    asked_.clear();
    receive(1, kLeave2);
    receive(1, kMldLeave);
    ASSERT_EQ(asked_.size(), 2U);
    EXPECT_EQ(asked_[0].port, 1U);
    EXPECT_EQ(asked_[0].query.group, IpAddress(kGroup4));
    EXPECT_EQ(asked_[0].query.max_response, seconds(1));
    EXPECT_EQ(asked_[1].query.group, IpAddress(kGroup6));
    pass(milliseconds(1100));
    EXPECT_EQ(asked_.size(), 4U) << "once more, since messages get lost";
    EXPECT_EQ(ports_of(kGroup4), (Ports{1, 2}));
    receive(1, kReport3);  // another host of that port
    pass(seconds(2));
    EXPECT_EQ(ports_of(kGroup4), (Ports{1, 2}));
    EXPECT_EQ(ports_of(kGroup6), Ports{});
    EXPECT_EQ(asked_.size(), 4U);
}

TEST_F(SnooperTest, TheOtherQuerierAsksWhoLeft) {
    query(2, {10, 9, 0, 1});
    receive(1, kReport3);
    receive(1, kLeave2);
    pass(seconds(3));
    EXPECT_EQ(ports_of(kGroup4), Ports{1}) << "it has not asked";
    query(2, {10, 9, 0, 1}, kGroup4);
    pass(seconds(3));
    EXPECT_EQ(ports_of(kGroup4), Ports{});
    EXPECT_TRUE(asked_.empty());
}

TEST_F(SnooperTest, WhoComesIsAskedAtOnce) {
    configure(true);
    pass(seconds(60));
    asked_.clear();
    snooper_.set_ports({{1, {"p1"}}, {2, {"p2"}}, {3, {"p3", true}}, {4, {"p4"}}}, now_);
    pass(milliseconds(100));
    EXPECT_EQ(asked_.size(), 2U);
    snooper_.set_ports({{1, {"p1"}}, {2, {"p2"}}}, now_);
    pass(seconds(10));
    EXPECT_EQ(asked_.size(), 2U) << "nobody has come";
}

TEST_F(SnooperTest, FastLeave) {
    configure(true);
    receive(3, kReport2);
    receive(3, kLeave2);
    EXPECT_EQ(ports_of(kGroup4), Ports{});
    EXPECT_TRUE(asked_.empty());
}

TEST_F(SnooperTest, WhatLostItsLinkIsForgotten) {
    query(2, {10, 9, 0, 1});
    receive(1, kReport3);
    receive(2, kReport3);
    snooper_.take_changed();
    snooper_.set_ports({{1, {"p1"}}}, now_);
    EXPECT_TRUE(snooper_.take_changed());
    EXPECT_EQ(ports_of(kGroup4), Ports{1});
    EXPECT_EQ(routers(), Ports{});
    EXPECT_EQ(querier().other, std::nullopt);
    receive(2, kReport3);
    EXPECT_EQ(ports_of(kGroup4), Ports{1}) << "who is no member teaches nothing";
}

TEST_F(SnooperTest, AnotherPortOfTheSameNumberIsAnother) {
    receive(1, kReport3);
    receive(2, kReport3);
    snooper_.set_ports({{1, {"p9"}}, {2, {"p2", true}}}, now_);
    EXPECT_EQ(ports_of(kGroup4), Ports{2});
}

TEST_F(SnooperTest, AnotherTopologyIsAskedAnew) {
    configure(true);
    pass(seconds(60));
    receive(1, kReport3);
    EXPECT_TRUE(querier().is_asked);
    asked_.clear();
    snooper_.topology_changed(now_);
    EXPECT_FALSE(querier().is_asked);
    EXPECT_EQ(ports_of(kGroup4), Ports{});
    pass(milliseconds(100));
    EXPECT_EQ(asked_.size(), 2U);
    pass(seconds(10));
    EXPECT_TRUE(querier().is_asked);
}

TEST_F(SnooperTest, ByVlan) {
    config_.sources4 = {{10, Ip4{10, 0, 10, 1}}, {20, {}}};
    configure(true);
    config_.sources4.erase(0);
    snooper_.configure(config_, now_);
    snooper_.received(1, 10, from_hex(kReport3), now_);
    snooper_.received(2, 30, from_hex(kReport3), now_);
    ASSERT_EQ(snooper_.status(now_).groups.size(), 1U);
    EXPECT_EQ(snooper_.status(now_).groups[0].vlan, 10);
    pass(milliseconds(100));
    EXPECT_EQ(asked_.size(), 4U);
    config_.sources4.erase(10);
    snooper_.configure(config_, now_);
    EXPECT_TRUE(snooper_.status(now_).groups.empty());
}

TEST_F(SnooperTest, TooManyGroups) {
    const auto join = [&](uint32_t n) {
        const auto word = [](uint32_t v) { return as_bytes(Be32{v}); };
        Bytes igmp = vethway::test::join(octets({0x16, 0, 0, 0}), word(0xef010000 + n));
        const uint16_t sum = reference_checksum(igmp);
        igmp[2] = std::byte(sum >> 8), igmp[3] = std::byte(sum & 0xff);
        receive(1, ethernet(kBridge, kHost, kEtherTypeIp4,
                            Ip4Packet{.protocol = kProtocolIgmp,
                                      .src = Ip4{10, 0, 0, 1},
                                      .dst = Ip4{0xef010000 + n},
                                      .payload = igmp}
                                .bytes()));
    };
    query(2, {10, 9, 0, 1});
    pass(seconds(11));
    for (uint32_t n = 0; n < Snooper::kMostGroups; ++n) join(n);
    EXPECT_TRUE(querier().is_asked);
    told_.clear();
    join(5000);
    join(5001);
    EXPECT_EQ(snooper_.status(now_).groups.size(), Snooper::kMostGroups);
    EXPECT_FALSE(querier().is_asked) << "what is not known is flooded";
    EXPECT_EQ(told_.size(), 1U);
    pass(seconds(243));
    query(2, {10, 9, 0, 1});
    pass(seconds(20));
    EXPECT_TRUE(querier().is_asked) << "those of before are forgotten";
}

}  // namespace
}  // namespace vethway::test
