// SPDX-License-Identifier: Apache-2.0
// BPDUs as Linux's bridge and Open vSwitch send them, and bridges of ours in virtual time.
#include <gtest/gtest.h>

#include <queue>
#include <random>

#include "tests/unit/hex.h"
#include "tests/unit/stp_network.h"

namespace vethway::test {
namespace {

using std::chrono::seconds;

// --- Bytes -----------------------------------------------------------------------------------
constexpr Mac kA{{2, 0, 0, 0, 10, 0}}, kB{{2, 0, 0, 0, 11, 0}};
constexpr Mac kLinux{{0x0a, 0x21, 0x2b, 0x47, 0x55, 0xc1}};

// Captured from Open vSwitch 3.1 (rstp_enable) and from a bridge of Linux 6.18 (stp_state 1).
struct Captured {
    const char* name;
    const char* hex;
    Bpdu want;
    Mac from;
    bool is_ours_to_the_byte = true;  // what we write of it
};

// clang-format off
const std::vector<Captured> kCaptured{
    {"ovs_proposal",
     "0180c2000000 4ead889b8289 0027 424203 0000 02 02 0e 8000 02000000 0a00 00000000 8000 02000000 0a00 8001 0000 1400 0200 0f00 00",
     {.type = BpduType::rst, .role = BpduRole::designated, .proposal = true, .vector = {{0x8000, kA}, 0, {0x8000, kA}, 0x8001}},
     {{0x4e, 0xad, 0x88, 0x9b, 0x82, 0x89}}},
    {"ovs_root_port",
     "0180c2000000 5a341c7f6dc1 0027 424203 0000 02 02 39 8000 02000000 0a00 000007d0 8000 02000000 0b00 8001 0100 1400 0200 0f00 00",
     {.type = BpduType::rst, .role = BpduRole::root, .topology_change = true, .learning = true, .forwarding = true,
      .vector = {{0x8000, kA}, 2000, {0x8000, kB}, 0x8001}, .times = {1, 20, 2, 15}},
     {{0x5a, 0x34, 0x1c, 0x7f, 0x6d, 0xc1}}},
    {"ovs_agreement",
     "0180c2000000 5a341c7f6dc1 0027 424203 0000 02 02 79 8000 02000000 0a00 000007d0 8000 02000000 0b00 8001 0100 1400 0200 0f00 00",
     {.type = BpduType::rst, .role = BpduRole::root, .topology_change = true, .agreement = true, .learning = true, .forwarding = true,
      .vector = {{0x8000, kA}, 2000, {0x8000, kB}, 0x8001}, .times = {1, 20, 2, 15}},
     {{0x5a, 0x34, 0x1c, 0x7f, 0x6d, 0xc1}}},
    {"ovs_designated",
     "0180c2000000 4ead889b8289 0027 424203 0000 02 02 3c 8000 02000000 0a00 00000000 8000 02000000 0a00 8001 0000 1400 0200 0f00 00",
     {.type = BpduType::rst, .role = BpduRole::designated, .learning = true, .forwarding = true, .vector = {{0x8000, kA}, 0, {0x8000, kA}, 0x8001}},
     {{0x4e, 0xad, 0x88, 0x9b, 0x82, 0x89}}},
    {"ovs_config",  // one byte longer than it need be
     "0180c2000000 dae991a1410b 0027 424203 0000 00 00 00 8000 02000000 0a00 00000000 8000 02000000 0a00 8002 0000 1400 0200 0f00 00",
     {.type = BpduType::config, .vector = {{0x8000, kA}, 0, {0x8000, kA}, 0x8002}},
     {{0xda, 0xe9, 0x91, 0xa1, 0x41, 0x0b}}, false},
    {"linux_config",
     "0180c2000000 0a212b4755c1 0026 424203 0000 00 00 00 8000 0a212b4755c1 00000000 8000 0a212b4755c1 8001 0000 1400 0200 0200",
     {.type = BpduType::config, .vector = {{0x8000, kLinux}, 0, {0x8000, kLinux}, 0x8001}, .times = {0, 20, 2, 2}}, kLinux},
    {"linux_topology_change",
     "0180c2000000 0a212b4755c1 0026 424203 0000 00 00 01 8000 0a212b4755c1 00000000 8000 0a212b4755c1 8001 0000 1400 0200 0200",
     {.type = BpduType::config, .topology_change = true, .vector = {{0x8000, kLinux}, 0, {0x8000, kLinux}, 0x8001}, .times = {0, 20, 2, 2}}, kLinux},
    {"linux_notification", "0180c2000000 0a212b4755c1 0007 424203 0000 00 80", {.type = BpduType::tcn}, kLinux},
};
// clang-format on

TEST(Bpdu, CapturedOnesAreReadAndWritten) {
    for (const Captured& c : kCaptured) {
        const Bytes frame = from_hex(c.hex);
        const BpduReading read = read_bpdu(frame);
        ASSERT_TRUE(read.bpdu) << c.name << ": " << read.fault;
        EXPECT_EQ(*read.bpdu, c.want) << c.name;
        EXPECT_EQ(read.from, c.from) << c.name;
        if (c.is_ours_to_the_byte) {
            EXPECT_EQ(write_bpdu(c.want, c.from), frame) << c.name;
        }
        EXPECT_EQ(read_bpdu(join(frame, Bytes(20))).bpdu, c.want) << c.name << ", padded";
    }
}

TEST(Bpdu, EachShorterOneIsRefused) {
    for (const Captured& c : kCaptured)
        for (size_t n = 0; n < (c.want.type == BpduType::tcn ? 21U : 52U); ++n)
            EXPECT_FALSE(read_bpdu(first(from_hex(c.hex), n)).bpdu) << c.name << ' ' << n;
}

class HarmedBpdu : public testing::TestWithParam<Harmed> {};
TEST_P(HarmedBpdu, IsRefused) {
    const Bytes frame = GetParam().of(from_hex(kCaptured[0].hex));
    EXPECT_FALSE(read_bpdu(frame).bpdu);
    EXPECT_STREQ(read_bpdu(frame).fault, GetParam().fault);
}
// clang-format off
INSTANTIATE_TEST_SUITE_P(Fields, HarmedBpdu, testing::Values(
    Harmed{"group", 5, 2, "not for the bridge group address"},
    Harmed{"long", 13, 0x28, "shorter than its 802.3 length"},
    Harmed{"type_not_length", 12, 8, "shorter than its 802.3 length"},
    Harmed{"no_llc", 13, 2, "ends before its LLC"},
    Harmed{"other_sap", 15, 0x43, "its LLC is not the spanning tree's"},
    Harmed{"no_header", 13, 6, "ends before its type"},
    Harmed{"protocol", 18, 1, "its protocol is not the spanning tree's"},
    Harmed{"version_0", 19, 0, "RST of a version before 2"},
    Harmed{"type", 20, 3, "of an unknown type"},
    Harmed{"short", 13, 0x26, "ends too early"},
    Harmed{"old", 44, 0x14, "older than its maximum age"}),
    [](const auto& c) { return c.param.name; });
// clang-format on

TEST(Bpdu, LaterVersionsAreReadAsRst) {
    Bytes frame = from_hex(kCaptured[0].hex);
    frame[19] = std::byte{3};  // MSTP
    EXPECT_EQ(read_bpdu(frame).bpdu, kCaptured[0].want);
}

TEST(Bpdu, RstOfUnknownRoleIsConfiguration) {
    Bytes frame = from_hex(kCaptured[0].hex);
    frame[21] = std::byte{0x72};
    const auto bpdu = read_bpdu(frame).bpdu;
    ASSERT_TRUE(bpdu);
    EXPECT_EQ(bpdu->type, BpduType::config);
    EXPECT_FALSE(bpdu->agreement || bpdu->proposal || bpdu->forwarding);
}

// --- Settings --------------------------------------------------------------------------------
TEST(RstpSettings, CostsAreThoseOfTheStandard) {
    EXPECT_EQ(path_cost_of(10), 2'000'000U);
    EXPECT_EQ(path_cost_of(1000), 20'000U);
    EXPECT_EQ(path_cost_of(10'000), 2'000U);
    EXPECT_EQ(path_cost_of(40'000'000), 1U);
    EXPECT_EQ(path_cost_of(0), 2'000U);
}

// --- Networks --------------------------------------------------------------------------------
struct StpTest : testing::Test {
    void TearDown() override {
        for (const auto& node : net.nodes)
            for (const std::string& event : node->told)
                EXPECT_EQ(event.find("find no rest"), std::string::npos);
    }
    StpNetwork net;
    std::vector<unsigned> hop_cost(size_t root) const;
    void expect_tree(const std::string& when) const;
    StpRole role(StpEnd e) const { return net.nodes[e.bridge]->roles.at(e.port); }
    StpState state(StpEnd e) const { return net.nodes[e.bridge]->states.at(e.port); }
    void ring(size_t n) {
        for (size_t i = 0; i < n; ++i) net.add();
        for (size_t i = 0; i < n; ++i) net.join(i, (i + 1) % n);
    }
};

// The cheapest way from each bridge to the root.
std::vector<unsigned> StpTest::hop_cost(size_t root) const {
    std::vector<unsigned> cost(net.nodes.size(), UINT_MAX);
    cost[root] = 0;
    for (size_t round = 0; round < net.nodes.size(); ++round)
        for (const auto& l : net.links) {
            if (!l.up) continue;
            const unsigned by = path_cost_of(l.speed_mbps);
            for (const auto& [a, b] : {std::pair(l.a.bridge, l.b.bridge), {l.b.bridge, l.a.bridge}})
                if (cost[a] != UINT_MAX) cost[b] = std::min(cost[b], cost[a] + by);
        }
    return cost;
}

// The links that carry frames span what is connected, and all know the way to the best bridge.
void StpTest::expect_tree(const std::string& when) const {
    EXPECT_FALSE(net.is_looped()) << when;
    std::vector<bool> seen(net.nodes.size());
    for (size_t root = 0; root < net.nodes.size(); ++root) {  // the first of a part is its best
        if (!net.alive[root] || seen[root]) continue;
        const auto cost = hop_cost(root);
        size_t members = 0, links = 0;
        for (size_t n = 0; n < net.nodes.size(); ++n) {
            if (cost[n] == UINT_MAX) continue;
            seen[n] = true;
            ++members;
            const RstpStatus s = net.nodes[n]->rstp.status();
            EXPECT_EQ(s.root, net.nodes[root]->rstp.status().id) << when << ", bridge " << n;
            EXPECT_EQ(s.root_cost, cost[n]) << when << ", bridge " << n;
            EXPECT_EQ(s.root_port.has_value(), n != root) << when << ", bridge " << n;
        }
        for (const auto& l : net.links)
            links += cost[l.a.bridge] != UINT_MAX && net.carries(l) ? 1 : 0;
        EXPECT_EQ(links, members - 1) << when << ", part of " << root;
    }
    for (const auto& l : net.links) {
        if (!l.up || l.a.bridge == l.b.bridge) continue;
        EXPECT_EQ((role(l.a) == StpRole::designated) + (role(l.b) == StpRole::designated), 1)
            << when << ", link " << l.a.bridge << '-' << l.b.bridge;
    }
}

TEST_F(StpTest, PointToPointLinksForwardByAgreementAtOnce) {
    for (size_t i = 0; i < 10; ++i) net.add();
    for (size_t i = 0; i + 1 < 10; ++i) net.join(i, i + 1);
    net.pass(seconds(6));  // the better a root the later it was heard of: some BPDUs are held
    expect_tree("after 6 s");
    EXPECT_EQ(net.looped_for, milliseconds(0));
}

TEST_F(StpTest, SharedLinksWaitTwiceForwardDelay) {
    for (size_t i = 0; i < 2; ++i) net.add();
    RstpPortConfig shared = StpNetwork::port_config(0, 0);
    shared.point_to_point = false;
    const StpEnd a = net.add_port(0, shared), b = net.add_port(1, shared);
    net.join(a, b);
    net.pass(seconds(3));
    EXPECT_EQ(state(a), StpState::discarding);
    net.pass(seconds(21));  // of an RSTP port learning takes a hello only, discarding max_age
    EXPECT_EQ(state(a), StpState::forwarding);
    EXPECT_EQ(state(b), StpState::forwarding);
}

TEST_F(StpTest, RingBlocksOneEndAndHealsAtOnce) {
    ring(5);
    net.pass(seconds(5));
    expect_tree("at first");
    net.set_link(0, false);
    net.pass(milliseconds(50));
    expect_tree("50 ms after a link went down");
    net.set_link(0, true);
    net.pass(seconds(1));
    expect_tree("1 s after it came back");
    EXPECT_EQ(net.looped_for, milliseconds(0));
}

TEST_F(StpTest, SilentNeighbourIsGivenUpAfterThreeHellos) {
    ring(3);
    net.pass(seconds(5));
    ASSERT_EQ(role({2, 1}), StpRole::root);  // link 2: bridge 2 to bridge 0
    net.deaf = {{2, 1}, {0, 1}};             // up, but nothing passes
    net.pass(seconds(4));
    EXPECT_EQ(role({2, 1}), StpRole::root);
    net.pass(seconds(3));
    EXPECT_EQ(role({2, 0}), StpRole::root);
    EXPECT_TRUE(net.forwards({2, 0}) && net.forwards({1, 1}));
}

TEST_F(StpTest, BestPriorityIsTheRootWhateverItsAddress) {
    ring(4);
    net.pass(seconds(5));
    RstpConfig better = StpNetwork::config_of(3);
    better.priority = 0x1000;
    net.nodes[3]->rstp.configure(better);
    net.pass(seconds(5));
    for (const auto& node : net.nodes)
        EXPECT_EQ(node->rstp.status().root.to_string(), "1000.02:00:00:00:03:00");
    EXPECT_TRUE(
        net.nodes[0]->was_told("bridge b0: root is 1000.02:00:00:00:03:00 by b0p1, cost 2000"));
    EXPECT_FALSE(net.is_looped());
}

TEST_F(StpTest, SlowerLinkIsTheOneBlocked) {
    for (size_t i = 0; i < 2; ++i) net.add();
    net.join(0, 1, 1000);
    net.join(0, 1, 10'000);
    net.pass(seconds(3));
    EXPECT_EQ(role({1, 1}), StpRole::root);
    EXPECT_EQ(role({1, 0}), StpRole::alternate);
    RstpPortConfig cheap = StpNetwork::port_config(1, 0);
    cheap.path_cost = 5;
    net.nodes[1]->rstp.set_port(0, cheap);
    net.pass(seconds(3));
    EXPECT_EQ(role({1, 0}), StpRole::root);
    EXPECT_FALSE(net.is_looped());
}

TEST_F(StpTest, TopologyChangeFlushesAllButWhereItCameFrom) {
    for (size_t i = 0; i < 3; ++i) net.add();
    net.join(0, 1);
    net.join(1, 2);
    const StpEnd host = net.add_port(0);
    net.nodes[0]->rstp.link(host.port, true, 10'000);
    net.pass(seconds(10));
    for (auto& node : net.nodes) node->flushed.clear();
    net.join(2, 1);  // a second one: it is blocked, and nothing changes
    net.pass(seconds(5));
    EXPECT_EQ(net.nodes[0]->flushed[0], 0U);
    net.set_link(1, false);  // the first goes: the second forwards
    net.pass(seconds(1));
    EXPECT_GE(net.nodes[1]->flushed[0], 1U) << "towards the root";
    EXPECT_GE(net.nodes[1]->flushed[1], 1U) << "the link that went";
    EXPECT_EQ(net.nodes[0]->flushed[0], 0U) << "where it came from";
    EXPECT_EQ(net.nodes[0]->flushed[host.port], 0U)
        << "an edge port has nobody who could have moved";
    EXPECT_GT(net.nodes[2]->rstp.status().topology_changes, 0U);
}

TEST_F(StpTest, HostPortForwardsWhenNoBridgeAnswers) {
    net.add();
    const StpEnd host = net.add_port(0);
    net.nodes[0]->rstp.link(host.port, true, 0);
    net.pass(milliseconds(2900));
    EXPECT_EQ(state(host), StpState::discarding);
    net.pass(seconds(2));
    EXPECT_EQ(state(host), StpState::forwarding);
    EXPECT_TRUE(net.nodes[0]->rstp.status().ports[0].edge);
    EXPECT_EQ(net.nodes[0]->rstp.status().topology_changes, 0U);
}

TEST_F(StpTest, AdminEdgeForwardsAtOnceAndIsNoneAfterABpdu) {
    net.add();
    net.add();
    RstpPortConfig edge = StpNetwork::port_config(0, 0);
    edge.admin_edge = true;
    const StpEnd a = net.add_port(0, edge);
    net.nodes[0]->rstp.link(a.port, true, 0);
    EXPECT_EQ(state(a), StpState::forwarding);
    net.join(a, net.add_port(1));
    net.pass(seconds(1));
    EXPECT_FALSE(net.nodes[0]->rstp.status().ports[0].edge);
    expect_tree("with a bridge there");
}

TEST_F(StpTest, BpduGuardShutsAndRecovers) {
    net.add();
    net.add();
    RstpPortConfig guarded = StpNetwork::port_config(0, 0);
    guarded.admin_edge = guarded.bpdu_guard = true;
    const StpEnd a = net.add_port(0, guarded), b = net.add_port(1);
    net.join(a, b);
    net.pass(milliseconds(10));
    EXPECT_EQ(state(a), StpState::discarding);
    EXPECT_EQ(role(a), StpRole::disabled);
    EXPECT_TRUE(net.nodes[0]->rstp.status().ports[0].guarded);
    EXPECT_TRUE(net.nodes[0]->was_told(
        "bridge b0: b0p0: BPDU guard: shut, a BPDU came from 02:00:00:00:01:01"));
    net.set_link(0, false);
    net.set_link(0, true);
    net.pass(seconds(60));
    EXPECT_EQ(role(a), StpRole::disabled) << "a link that came back is no reason";
    net.nodes[1]->on_send = nullptr;  // it is silent now
    net.nodes[0]->rstp.recover(a.port);
    EXPECT_EQ(state(a), StpState::forwarding);

    guarded.guard_recovery_s = 5;
    net.nodes[0]->rstp.set_port(a.port, guarded);
    net.nodes[0]->rstp.bpdu_received(a.port, from_hex(kCaptured[0].hex));
    net.pass(milliseconds(3900));
    EXPECT_EQ(role(a), StpRole::disabled);
    net.pass(seconds(2));
    EXPECT_EQ(state(a), StpState::forwarding);
}

TEST_F(StpTest, RootGuardBlocksABetterRootAndOnlyAsLongAsItIsThere) {
    net.add();
    net.add();
    RstpPortConfig guarded = StpNetwork::port_config(1, 0);
    guarded.root_guard = true;
    const StpEnd a = net.add_port(1, guarded), b = net.add_port(0);
    net.join(a, b);
    net.pass(seconds(40));
    EXPECT_FALSE(net.nodes[1]->rstp.status().root_port);
    EXPECT_EQ(state(a), StpState::discarding);
    EXPECT_TRUE(net.nodes[1]->rstp.status().ports[0].root_guarded);
    EXPECT_TRUE(net.nodes[1]->was_told(
        "bridge b1: b1p0: root guard: blocked, a better root 8000.02:00:00:00:00:00 is behind it"));
    RstpConfig worse = StpNetwork::config_of(0);
    worse.priority = 0xf000;
    net.nodes[0]->rstp.configure(worse);
    net.pass(seconds(40));
    EXPECT_EQ(state(a), StpState::forwarding);
    EXPECT_FALSE(net.nodes[1]->rstp.status().ports[0].root_guarded);
    EXPECT_EQ(
        std::ranges::count(net.nodes[1]->told,
                           "bridge b1: b1p0: root guard: no better root is behind it any more"),
        1);
}

TEST_F(StpTest, LoopedCableNeverForwards) {
    net.add();
    const StpEnd a = net.add_port(0), b = net.add_port(0), self = net.add_port(0);
    net.join(a, b);
    net.join(self, self);
    for (int i = 0; i < 120; ++i) {
        net.pass(milliseconds(500));
        ASSERT_FALSE(net.forwards(a) && net.forwards(b));
        ASSERT_FALSE(net.forwards(self));
    }
    EXPECT_EQ(role(b), StpRole::backup);
    EXPECT_TRUE(net.nodes[0]->was_told(
        "bridge b0: b0p2: its own BPDU came back: the link is looped, and stays blocked"));
}

TEST_F(StpTest, RemovedPortsAreForgotten) {
    ring(3);
    net.pass(seconds(3));
    ASSERT_EQ(role({2, 1}), StpRole::root);
    net.nodes[2]->rstp.remove_port(1);
    EXPECT_EQ(role({2, 0}), StpRole::root);
    net.nodes[2]->rstp.remove_port(0);
    const RstpStatus status = net.nodes[2]->rstp.status();
    EXPECT_TRUE(status.ports.empty());
    EXPECT_EQ(status.root, status.id);
    EXPECT_FALSE(status.root_port);
}

TEST_F(StpTest, TransmissionIsHeld) {
    net.add();
    net.add();
    net.join(0, 1);
    net.pass(seconds(10));
    StpNode& node = *net.nodes[0];
    const size_t before = node.sent[0].size();
    for (uint16_t i = 0; i < 40; ++i) {  // something new each time
        RstpConfig config = StpNetwork::config_of(0);
        config.priority = i % 2 == 0 ? 0x7000 : 0x6000;
        node.rstp.configure(config);
    }
    EXPECT_LE(node.sent[0].size(), before + 6);
    net.pass(seconds(5));
    EXPECT_EQ(net.nodes[1]->rstp.status().root.priority, 0x6000) << "and the last is told";
}

TEST_F(StpTest, LateTickMakesUpForOneSecondOnly) {
    net.add();
    net.add();
    net.join(0, 1);
    net.pass(seconds(5));
    StpNode& late = *net.nodes[1];
    const TimePoint then = net.now + seconds(30);
    late.rstp.tick(then);
    EXPECT_EQ(late.rstp.due(), then + seconds(1));
    EXPECT_EQ(role({1, 0}), StpRole::root);
}

// --- With the old protocol -------------------------------------------------------------------
TEST_F(StpTest, SpeaksTheOldProtocolWithWhomSpeaksNoOther) {
    net.add();
    RstpConfig old = StpNetwork::config_of(1);
    old.force_stp = true;
    net.add(old);
    net.join(0, 1);
    net.pass(seconds(10));
    EXPECT_TRUE(net.nodes[0]->rstp.status().ports[0].speaks_stp);
    EXPECT_EQ(read_bpdu(net.nodes[0]->sent[0].back()).bpdu->type, BpduType::config);
    net.pass(seconds(35));
    expect_tree("after twice forward delay");
    EXPECT_EQ(net.looped_for, milliseconds(0));

    old.force_stp = false;  // a new version is put in
    net.nodes[1]->rstp.configure(old);
    net.nodes[0]->rstp.migrate(0);
    net.pass(seconds(8));
    EXPECT_FALSE(net.nodes[0]->rstp.status().ports[0].speaks_stp);
    expect_tree("with RSTP again");
}

TEST_F(StpTest, TellsAnOldRootOfChangesAndIsAcknowledged) {
    RstpConfig old = StpNetwork::config_of(0);
    old.force_stp = true;
    net.add(old);
    net.add();
    net.add();
    net.join(0, 1);
    net.pass(seconds(60));
    net.nodes[1]->sent.clear();
    net.join(1, 2);
    net.pass(seconds(10));
    const auto& sent = net.nodes[1]->sent[0];
    const auto count = std::ranges::count_if(
        sent, [](auto& f) { return read_bpdu(f).bpdu->type == BpduType::tcn; });
    EXPECT_GE(count, 1);
    EXPECT_LE(count, 2) << "it was acknowledged";
    EXPECT_EQ(read_bpdu(net.nodes[0]->sent[0].back()).bpdu->topology_change, true);
}

TEST_F(StpTest, KernelBridgeAsCapturedIsTheRootOrLoses) {
    net.add();
    RstpConfig worse = StpNetwork::config_of(0);
    worse.priority = 0xf000;
    net.nodes[0]->rstp.configure(worse);
    const StpEnd a = net.add_port(0);
    net.nodes[0]->rstp.link(a.port, true, 10'000);
    const auto hear = [&](int hellos) {
        for (int i = 0; i < hellos; ++i) {
            net.nodes[0]->rstp.bpdu_received(a.port, from_hex(kCaptured[5].hex));
            net.pass(seconds(2));
        }
    };
    hear(5);
    EXPECT_EQ(net.nodes[0]->rstp.status().root, (BridgeId{0x8000, kLinux}));
    EXPECT_EQ(net.nodes[0]->rstp.status().times.forward_delay_s, 2) << "the root's times";
    EXPECT_EQ(role(a), StpRole::root);
    EXPECT_EQ(state(a), StpState::forwarding) << "after twice two seconds";
    net.pass(seconds(8));
    EXPECT_EQ(role(a), StpRole::designated) << "it is silent";
}

// --- Any network -----------------------------------------------------------------------------
class RandomStp : public StpTest, public testing::WithParamInterface<unsigned> {
protected:
    std::mt19937 random_{GetParam()};
    size_t pick(size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random_); }
    void build(size_t bridges, bool mixed) {
        static constexpr uint32_t kSpeeds[] = {100, 1000, 10'000};
        for (size_t i = 0; i < bridges; ++i) {
            RstpConfig config = StpNetwork::config_of(i);
            config.force_stp = mixed && pick(3) == 0;
            net.add(config);
            if (i > 0) net.join(pick(i), i, kSpeeds[pick(3)]);
            net.pass(milliseconds(pick(1500)));
        }
        for (size_t i = pick(bridges * 2); i > 0; --i) {
            const size_t a = pick(bridges), b = pick(bridges);
            if (a != b) net.join(a, b, kSpeeds[pick(3)]);
        }
    }
    // What was said before a change may go around for a while (see rstp.h).
    void settle(const std::string& what) {
        net.looped_for = milliseconds(0);
        net.pass(seconds(80));
        expect_tree(what);
        EXPECT_LE(net.looped_for, kLongestLoop) << what;
    }
    void upset(size_t bridges) {
        for (int i = 0; i < 4; ++i) {
            const size_t link = pick(net.links.size());
            net.set_link(link, !net.links[link].up);
            settle(fmt::format("link {} {}", link, net.links[link].up ? "up" : "down"));
        }
        net.kill(0);
        settle(fmt::format("{} bridges without their root", bridges));
    }
    static constexpr seconds kLongestLoop{8};
};

TEST_P(RandomStp, BecomesATreeWithoutLoops) {
    const size_t bridges = 2 + pick(9);
    build(bridges, false);
    net.pass(seconds(60));
    expect_tree(fmt::format("{} bridges, {} links", bridges, net.links.size()));
    EXPECT_EQ(net.looped_for, milliseconds(0)) << "while it was built";
    upset(bridges);
}

TEST_P(RandomStp, BecomesATreeWithOldBridgesAmong) {
    const size_t bridges = 2 + pick(9);
    build(bridges, true);
    net.pass(seconds(120));
    expect_tree(fmt::format("{} bridges, {} links", bridges, net.links.size()));
    EXPECT_EQ(net.looped_for, milliseconds(0)) << "while it was built";
    for (int i = 0; i < 2; ++i) {
        const size_t link = pick(net.links.size());
        net.set_link(link, !net.links[link].up);
        net.pass(seconds(40));
        settle(fmt::format("link {} {}", link, net.links[link].up ? "up" : "down"));
    }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomStp, testing::Range(1U, 25U));

}  // namespace
}  // namespace vethway::test
