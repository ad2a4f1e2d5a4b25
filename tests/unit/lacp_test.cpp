// SPDX-License-Identifier: Apache-2.0
// LACPDUs as Open vSwitch sends them, and two systems in virtual time.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include "control/lacp/lacp.h"
#include "tests/unit/hex.h"

namespace vethway::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using TimePoint = Lacp::Clock::time_point;

constexpr Mac kA{{2, 0, 0, 0, 10, 0}}, kB{{2, 0, 0, 0, 11, 0}};
constexpr Mac kFromA{{0xfe, 0x7c, 0xa2, 0xfc, 0xfe, 0x2f}},
    kFromB{{2, 0x61, 0x19, 0x8c, 0x9f, 0x48}};

// Captured from Open vSwitch 3.1 (lacp=active); zeros end each.
struct Captured {
    const char* name;
    const char* hex;
    Lacpdu want;
    Mac from;
};
// clang-format off
const Captured kCaptured[] = {
    {"first",
     "0180c2000002 fe7ca2fcfe2f 8809 01 01 01 14 fffe 020000000a00 0002 ffff 0003 bf 000000 02 14 0000 000000000000 0000 0000 0000 02 000000 03 10",
     {{65534, kA, 2, 65535, 3, 0xbf}, {0, {}, 0, 0, 0, 0x02}}, kFromA},
    {"partner_heard",
     "0180c2000002 fe7ca2fcfe2f 8809 01 01 01 14 fffe 020000000a00 0002 ffff 0003 3f 000000 02 14 fffe 020000000b00 0001 ffff 0001 bd 000000 03 10",
     {{65534, kA, 2, 65535, 3, 0x3f}, {65534, kB, 1, 65535, 1, 0xbd}}, kFromA},
    {"slow_in_sync",
     "0180c2000002 0261198c9f48 8809 01 01 01 14 fffe 020000000b00 0001 ffff 0001 3d 000000 02 14 fffe 020000000a00 0002 ffff 0003 3f 000000 03 10",
     {{65534, kB, 1, 65535, 1, 0x3d}, {65534, kA, 2, 65535, 3, 0x3f}}, kFromB},
};
// clang-format on
Bytes frame_of(const Captured& c) {
    Bytes frame = from_hex(c.hex);
    frame.resize(124);
    return frame;
}

TEST(Lacpdu, CapturedOnesAreReadAndWritten) {
    for (const Captured& c : kCaptured) {
        const SlowReading read = read_slow(frame_of(c));
        const auto* pdu = std::get_if<Lacpdu>(&read.pdu);
        ASSERT_NE(pdu, nullptr) << c.name << ": " << read.fault;
        EXPECT_EQ(*pdu, c.want) << c.name;
        EXPECT_EQ(read.from, c.from) << c.name;
        EXPECT_EQ(write_lacpdu(c.want, c.from), frame_of(c)) << c.name;
    }
}

TEST(Lacpdu, EachShorterOneIsRefused) {
    for (size_t n = 0; n < 124; ++n)
        EXPECT_EQ(read_slow(first(frame_of(kCaptured[1]), n)).pdu.index(), 0U) << n;
}

class HarmedLacpdu : public testing::TestWithParam<Harmed> {};
TEST_P(HarmedLacpdu, IsRefused) {
    const Bytes frame = GetParam().of(frame_of(kCaptured[0]));
    EXPECT_EQ(read_slow(frame).pdu.index(), 0U);
    EXPECT_STREQ(read_slow(frame).fault, GetParam().fault);
}
// clang-format off
INSTANTIATE_TEST_SUITE_P(Fields, HarmedLacpdu, testing::Values(
    Harmed{"group", 5, 0, "not of the slow protocols"},
    Harmed{"ether_type", 13, 8, "not of the slow protocols"},
    Harmed{"subtype", 14, 3, "neither LACP nor a marker"},
    Harmed{"version", 15, 0, "of version 0"},
    Harmed{"actor_type", 16, 2, "its actor is not where it must be"},
    Harmed{"actor_bytes", 17, 19, "its actor is not where it must be"},
    Harmed{"partner_type", 36, 1, "its partner is not where it must be"},
    Harmed{"partner_bytes", 37, 21, "its partner is not where it must be"},
    Harmed{"collector_type", 56, 0, "its collector is not where it must be"},
    Harmed{"collector_bytes", 57, 0, "its collector is not where it must be"},
    Harmed{"marker_type", 14, 2, "a marker of a wrong length"}),
    [](const auto& c) { return c.param.name; });
// clang-format on

TEST(Lacpdu, LaterVersionsAreReadAsTheFirst) {
    Bytes frame = frame_of(kCaptured[0]);
    frame[15] = std::byte{2};
    EXPECT_EQ(std::get<Lacpdu>(read_slow(frame).pdu), kCaptured[0].want);
}

TEST(Lacpdu, MarkersAreReadAndWritten) {
    const Marker marker{false, 7, kA, 0x12345678};
    const Bytes frame = write_marker(marker, kFromA);
    EXPECT_EQ(frame.size(), 124U);
    EXPECT_EQ(first(frame, 32), from_hex("0180c2000002 fe7ca2fcfe2f 8809 02 01 01 10 0007 "
                                         "020000000a00 12345678 0000"));
    EXPECT_EQ(std::get<Marker>(read_slow(frame).pdu), marker);
}

// --- Two systems -----------------------------------------------------------------------------
struct System : LacpHands {
    explicit System(const LacpConfig& config) : lacp(config, *this) {}
    void apply(std::span<const LacpChange> changes) override {
        for (const LacpChange& c : changes) {
            attached[c.port] = c.attached;
            carries[c.port] = c.carries;
        }
    }
    void send(uint16_t port, std::span<const std::byte> frame) override {
        sent[port].emplace_back(frame.begin(), frame.end());
        unsent.emplace_back(port, sent[port].back());
    }
    void tell(const std::string& event) override { told.push_back(event); }
    bool was_told(const std::string& event) const { return std::ranges::count(told, event) > 0; }
    LacpPortStatus port(uint16_t n) const { return lacp.status().ports.at(n); }

    std::map<uint16_t, bool> attached, carries;
    std::map<uint16_t, std::vector<Bytes>> sent;
    std::deque<std::pair<uint16_t, Bytes>> unsent;
    std::vector<std::string> told;
    Lacp lacp;
};

struct LacpTest : testing::Test {
    void TearDown() override {
        for (const auto& s : systems)
            for (const std::string& event : s->told)
                EXPECT_EQ(event.find("find no rest"), std::string::npos);
    }
    struct End {
        System* system;
        uint16_t port;
        friend auto operator<=>(const End&, const End&) = default;
    };

    static LacpConfig config(const char* name, Mac system, bool active = true, bool fast = true) {
        return {.name = name, .system = system, .key = 5, .active = active, .fast = fast};
    }
    System& add(const LacpConfig& c) { return *systems.emplace_back(std::make_unique<System>(c)); }
    void add_port(System& s, uint16_t n) {
        s.lacp.set_port(
            n,
            {.name = "p" + std::to_string(n), .mac = Mac{{6, 0, 0, 0, 0, static_cast<uint8_t>(n)}}},
            now);
    }
    void join(End one, End two) {
        add_port(*one.system, one.port);
        if (one != two) add_port(*two.system, two.port);
        links[one] = two;
        links[two] = one;
        for (const End& e : {one, two}) e.system->lacp.link(e.port, true, now);
        deliver();
    }
    void two(const LacpConfig& first, const LacpConfig& second, uint16_t ports = 2) {
        a = &add(first);
        b = &add(second);
        for (uint16_t n = 0; n < ports; ++n) join({a, n}, {b, n});
    }
    // What is sent is there at once.
    void deliver() {
        for (bool some = true; some;) {
            some = false;
            for (const auto& s : systems)
                while (!s->unsent.empty()) {
                    some = true;
                    const auto [port, frame] = s->unsent.front();
                    s->unsent.pop_front();
                    const End from{s.get(), port};
                    if (!links.contains(from) || lost.contains(from)) continue;
                    const End to = links[from];
                    to.system->lacp.frame_received(to.port, frame, now);
                }
        }
    }
    void pass(milliseconds time) {
        const TimePoint end = now + time;
        for (;;) {
            TimePoint next = TimePoint::max();
            for (const auto& s : systems) next = std::min(next, s->lacp.due());
            if (next > end) break;
            now = std::max(now, next);
            for (const auto& s : systems) s->lacp.tick(now);
            deliver();
        }
        now = end;
    }
    size_t sent_by(const System& s, uint16_t port) const { return s.sent.at(port).size(); }

    TimePoint now{};
    std::vector<std::unique_ptr<System>> systems;
    System *a = nullptr, *b = nullptr;
    std::map<End, End> links;
    std::set<End> lost;  // what these ends send
};

TEST_F(LacpTest, BothEndsCarryAfterTheWait) {
    two(config("one", kA), config("two", kB));
    pass(milliseconds(1900));
    EXPECT_FALSE(a->carries[0]);
    pass(milliseconds(200));
    for (const System* s : {a, b})
        for (const uint16_t n : {uint16_t{0}, uint16_t{1}}) {
            EXPECT_TRUE(s->attached.at(n));
            EXPECT_TRUE(s->carries.at(n));
            EXPECT_EQ(s->port(n).actor.state, 0x3f);
        }
    EXPECT_EQ(a->lacp.status().carrying, 2);
    EXPECT_EQ(a->lacp.status().partner->system, kB);
    EXPECT_TRUE(a->was_told("lag one: p0: partner is 02:00:00:00:0b:00 port 1 key 5"));
    EXPECT_TRUE(a->was_told("lag one: p0: carries frames"));
}

TEST_F(LacpTest, PortsThatWaitComeTogether) {
    two(config("one", kA), config("two", kB), 1);
    pass(seconds(1));
    join({a, 1}, {b, 1});
    pass(milliseconds(1500));
    EXPECT_FALSE(a->carries[0]);
    EXPECT_GT(a->lacp.due(), now);
    pass(milliseconds(600));
    EXPECT_TRUE(a->carries[0] && a->carries[1]);
}

TEST_F(LacpTest, PassiveAnswersAnActiveOne) {
    two(config("one", kA, true), config("two", kB, false));
    pass(seconds(3));
    EXPECT_EQ(b->lacp.status().carrying, 2);
    EXPECT_EQ(a->lacp.status().carrying, 2);
}

TEST_F(LacpTest, TwoPassiveOnesSayNothing) {
    two(config("one", kA, false), config("two", kB, false));
    pass(seconds(200));
    EXPECT_TRUE(a->sent.empty());
    EXPECT_TRUE(b->sent.empty());
    EXPECT_EQ(a->lacp.status().carrying, 0);
    EXPECT_STREQ(a->port(0).why_not, "no partner answers");
    EXPECT_FALSE(a->port(0).churned) << "with whom should it agree";
    Lacpdu pdu{{1, kB, 9, 1, 1, kLacpAggregation | kLacpSynchronization}, a->port(0).actor};
    pdu.partner.set(kLacpActivity, true);  // who is passive too, and mistakes us
    a->lacp.frame_received(0, write_lacpdu(pdu, kFromB), now);
    pass(seconds(3));
    EXPECT_EQ(a->lacp.status().carrying, 0) << "nobody would keep this up";
}

TEST_F(LacpTest, FastIsASecondAndSlowIsThirty) {
    two(config("one", kA, true, true), config("two", kB, true, false), 1);
    pass(seconds(10));
    const size_t from_a = sent_by(*a, 0), from_b = sent_by(*b, 0);
    pass(seconds(60));
    EXPECT_EQ(sent_by(*a, 0) - from_a, 2U) << "the slow one wants few";
    EXPECT_EQ(sent_by(*b, 0) - from_b, 60U) << "the fast one wants many";
}

TEST_F(LacpTest, SilentPartnerIsLeftAfterThreeSecondsWhenFast) {
    two(config("one", kA), config("two", kB));
    pass(seconds(5));
    lost = {{b, 0}};
    pass(milliseconds(1900));
    EXPECT_TRUE(a->carries[0]);
    pass(milliseconds(1200));
    EXPECT_FALSE(a->carries[0]);
    EXPECT_TRUE(a->carries[1] && b->carries[1]);
    EXPECT_TRUE(a->was_told("lag one: p0: partner is silent"));
    pass(seconds(4));
    EXPECT_EQ(a->port(0).receive, LacpReceive::defaulted);
    EXPECT_FALSE(a->attached[0]);
    EXPECT_TRUE(a->port(0).partner.system.is_zero()) << "it is forgotten";
    EXPECT_FALSE(b->carries[0]) << "it is told: the other way is whole";
    lost.clear();
    pass(seconds(5));
    EXPECT_TRUE(a->carries[0] && b->carries[0]);
}

TEST_F(LacpTest, SilentPartnerIsLeftAfterNinetySecondsWhenSlow) {
    two(config("one", kA, true, false), config("two", kB, true, false), 1);
    pass(seconds(5));
    ASSERT_TRUE(a->carries[0]);
    lost = {{b, 0}};
    pass(seconds(59));
    EXPECT_TRUE(a->carries[0]);
    pass(seconds(40));
    EXPECT_FALSE(a->carries[0]);
}

TEST_F(LacpTest, LinkDownLeavesAtOnce) {
    two(config("one", kA), config("two", kB));
    pass(seconds(5));
    a->lacp.link(0, false, now);
    EXPECT_FALSE(a->carries[0] || a->attached[0]);
    EXPECT_STREQ(a->port(0).why_not, "no link");
    EXPECT_TRUE(a->carries[1]);
    a->lacp.link(0, true, now);
    deliver();
    pass(seconds(4));
    EXPECT_TRUE(a->carries[0] && b->carries[0]);
}

TEST_F(LacpTest, AnotherSystemOnASecondPortIsNotUsed) {
    two(config("one", kA), config("two", kB), 1);
    System& c = add(config("three", Mac{{2, 0, 0, 0, 12, 0}}));
    join({a, 1}, {&c, 0});
    pass(seconds(50));
    EXPECT_FALSE(a->port(1).churned);
    pass(seconds(20));
    EXPECT_TRUE(a->carries[0]);
    EXPECT_FALSE(a->carries[1] || c.carries[0]);
    EXPECT_STREQ(a->port(1).why_not, "its partner is another system than the others'");
    EXPECT_TRUE(a->port(1).churned);
    EXPECT_TRUE(a->was_told("lag one: p1: has come to no agreement with its partner for 60 s"));
    a->lacp.link(0, false, now);  // it is now the only one
    pass(seconds(4));
    EXPECT_TRUE(a->carries[1] && c.carries[0]);
    EXPECT_FALSE(a->port(1).churned);
}

TEST_F(LacpTest, AnotherKeyIsNotUsed) {
    two(config("one", kA), config("two", kB), 1);
    LacpConfig other = config("two'", kB);
    other.key = 6;
    System& c = add(other);
    join({a, 1}, {&c, 1});
    pass(seconds(5));
    EXPECT_TRUE(a->carries[0]);
    EXPECT_FALSE(a->carries[1] || c.carries[1]);
    EXPECT_STREQ(a->port(1).why_not, "its partner has another key than the others'");
    EXPECT_TRUE(a->was_told("lag one: p1: not used: its partner has another key than the others'"));
}

TEST_F(LacpTest, ChangedPartnerStopsAndComesBack) {
    two(config("one", kA), config("two", kB));
    pass(seconds(5));
    LacpConfig changed = config("two", Mac{{2, 0, 0, 0, 13, 0}});
    b->lacp.configure(changed, now);
    EXPECT_FALSE(b->carries[0]);
    deliver();
    EXPECT_FALSE(a->carries[0] || a->carries[1]);
    pass(seconds(5));
    EXPECT_EQ(a->lacp.status().carrying, 2);
    EXPECT_EQ(a->lacp.status().partner->system, changed.system);
}

TEST_F(LacpTest, RateChangesWhileFramesGo) {
    two(config("one", kA), config("two", kB, true, false), 1);
    pass(seconds(5));
    a->lacp.configure(config("one", kA, true, false), now);
    deliver();
    EXPECT_TRUE(a->carries[0] && b->carries[0]);
    pass(seconds(5));
    const size_t before = sent_by(*b, 0);
    pass(seconds(60));
    EXPECT_EQ(sent_by(*b, 0) - before, 2U);
    EXPECT_TRUE(a->carries[0] && b->carries[0]);
}

TEST_F(LacpTest, LoopedCableIsNotUsed) {
    a = &add(config("one", kA));
    join({a, 0}, {a, 1});
    join({a, 2}, {a, 2});
    pass(seconds(10));
    EXPECT_EQ(a->lacp.status().carrying, 0);
    for (const uint16_t n : {uint16_t{0}, uint16_t{1}, uint16_t{2}})
        EXPECT_STREQ(a->port(n).why_not, "it is connected to this switch itself");
}

TEST_F(LacpTest, PartnerThatCanNotBeAggregatedIsUsedAlone) {
    a = &add(config("one", kA));
    for (const uint16_t n : {uint16_t{0}, uint16_t{1}}) {
        add_port(*a, n);
        a->lacp.link(n, true, now);
    }
    const auto say = [&](uint16_t n) {
        const Lacpdu pdu{
            {1, kB, 9, 1, static_cast<uint16_t>(n + 1), kLacpActivity | kLacpSynchronization},
            a->port(n).actor};
        a->lacp.frame_received(n, write_lacpdu(pdu, kFromB), now);
    };
    for (int i = 0; i < 4; ++i) {
        say(0);
        say(1);
        pass(seconds(1));
    }
    EXPECT_TRUE(a->carries[0]);
    EXPECT_FALSE(a->carries[1]);
    EXPECT_STREQ(a->port(1).why_not, "its partner can't be aggregated");
}

TEST_F(LacpTest, AtMostThreeGoInASecond) {
    two(config("one", kA), config("two", kB), 1);
    pass(seconds(10));
    const size_t before = sent_by(*a, 0);
    Lacpdu wrong{b->port(0).actor, a->port(0).actor};
    wrong.partner.key = 77;  // we must tell it better, each time
    for (int i = 0; i < 50; ++i) a->lacp.frame_received(0, write_lacpdu(wrong, kFromB), now);
    EXPECT_LE(sent_by(*a, 0), before + 3);
}

TEST_F(LacpTest, MarkersAreAnsweredTenASecond) {
    two(config("one", kA), config("two", kB), 1);
    pass(seconds(5));
    const size_t before = sent_by(*a, 0);
    for (uint32_t i = 0; i < 20; ++i)
        a->lacp.frame_received(0, write_marker({false, 1, kB, i}, kFromB), now);
    ASSERT_EQ(sent_by(*a, 0), before + 10);
    EXPECT_EQ(std::get<Marker>(read_slow(a->sent[0].back()).pdu), (Marker{true, 1, kB, 9}));
    a->lacp.frame_received(0, write_marker({true, 1, kB, 1}, kFromB), now);
    EXPECT_EQ(sent_by(*a, 0), before + 10) << "an answer is not answered";
}

TEST_F(LacpTest, LateTickDoesNotLoseThePartner) {
    two(config("one", kA), config("two", kB), 1);
    pass(seconds(5));
    now += seconds(20);
    a->lacp.tick(now);
    EXPECT_TRUE(a->carries[0]);
}

TEST_F(LacpTest, RefusedFramesAreCountedAndTheFirstIsTold) {
    two(config("one", kA), config("two", kB), 1);
    Bytes frame = frame_of(kCaptured[0]);
    frame[16] = std::byte{9};
    for (int i = 0; i < 3; ++i) a->lacp.frame_received(0, frame, now);
    EXPECT_EQ(a->port(0).refused, 3U);
    EXPECT_EQ(std::ranges::count(a->told,
                                 "lag one: p0: frame from fe:7c:a2:fc:fe:2f refused: its "
                                 "actor is not where it must be"),
              1);
}

TEST_F(LacpTest, OpenVSwitchAsCapturedComesIntoUse) {
    LacpConfig as_a = config("one", kA);
    as_a.system_priority = 65534;
    as_a.key = 2;
    a = &add(as_a);
    add_port(*a, 2);  // its number is 3
    a->lacp.link(2, true, now);
    for (int i = 0; i < 4; ++i) {
        a->lacp.frame_received(2, frame_of(kCaptured[2]), now);
        pass(seconds(1));
    }
    EXPECT_TRUE(a->carries[2]);
    EXPECT_EQ(std::get<Lacpdu>(read_slow(a->sent[2].back()).pdu).partner, kCaptured[2].want.actor);
}

}  // namespace
}  // namespace vethway::test
