// SPDX-License-Identifier: Apache-2.0
#include "dataplane/watch/watch.h"

#include "control/watch/filter.h"
#include "control/watch/story.h"
#include "tests/unit/stage_fixture.h"

namespace vethway {
namespace {

using namespace test;

class WatchTest : public StageTest {
protected:
    WatchTest() : StageTest(4095) {}

    Watch& watch(WatchOptions options = {}) {
        watches_.push_back(std::make_shared<Watch>(std::move(options), 1));
        const size_t i = watches_.size() - 1;
        set_.watches.at(i) = watches_.back();
        set_.mask |= static_cast<uint8_t>(1U << i);
        tracer_.use(set_);
        return *watches_.back();
    }
    // As a worker does, which shows the burst to those that watch.
    void receive_watched(const std::vector<Bytes>& frames) {
        Burst rx;
        for (const Bytes& f : frames) rx.push(mbuf(f));
        counters_->received(1, frames.size(), 0);
        tracer_.received(rx);
        pipeline_->receive(rx);
    }
    static std::vector<NotedStep> all(Watch& from) {
        std::vector<NotedStep> steps;
        for (NotedStep s; from.pop(s.record, s.frame);) steps.push_back(s);
        return steps;
    }
    static std::vector<Step> steps_of(const StoryPacket& packet) {
        std::vector<Step> steps;
        for (const NotedStep& s : packet.steps) steps.push_back(s.record.step);
        return steps;
    }

    std::vector<std::shared_ptr<Watch>> watches_;
    WatchSet set_;
};

Bytes to_host2(uint8_t ttl = 64) {
    Ip4Packet p{.payload = udp(counting(20))};
    p.ttl = ttl;
    return frame(p);
}

TEST_F(WatchTest, EachStageIsInTheStory) {
    know_hosts();
    Watch& w = watch();
    receive_watched({to_host2()});
    const auto stories = stories_of(all(w));
    ASSERT_EQ(stories.size(), 1U);
    ASSERT_EQ(stories[0].packets.size(), 1U);
    EXPECT_EQ(steps_of(stories[0].packets[0]),
              (std::vector{Step::received, Step::classified, Step::routed, Step::forwarded,
                           Step::resolved, Step::sent}));
    EXPECT_EQ(stories[0].outcome(), Outcome::forwarded);
    const NotedStep& last = stories[0].packets[0].last();
    EXPECT_EQ(last.frame, Bytes(only_sent(2))) << "the frame as it left";
}

TEST_F(WatchTest, WhatAPacketCausesIsInItsStory) {
    know_hosts();
    Watch& w = watch();
    receive_watched({to_host2(1)});
    const auto stories = stories_of(all(w));
    ASSERT_EQ(stories.size(), 1U);
    ASSERT_EQ(stories[0].packets.size(), 2U);
    EXPECT_EQ(stories[0].packets[1].parent, stories[0].packets[0].id);
    EXPECT_EQ(stories[0].outcome(), Outcome::dropped);
    EXPECT_TRUE(stories[0].has_drop(Drop::ttl_expired));
    EXPECT_FALSE(stories[0].has_drop(Drop::no_route));
    EXPECT_EQ(stories[0].packets[1].outcome(), Outcome::forwarded);
}

TEST_F(WatchTest, NobodyIsToldOfWhatNobodyWatches) {
    know_hosts();
    Watch& w = watch({.port = uint16_t{2}});
    receive_watched({to_host2()});
    EXPECT_TRUE(all(w).empty());
}

TEST_F(WatchTest, FilterChooses) {
    know_hosts();
    Watch& udp_only = watch({.filter = compile_filter("udp and host 10.0.2.2")});
    Watch& tcp_only = watch({.filter = compile_filter("tcp")});
    receive_watched({to_host2()});
    EXPECT_FALSE(all(udp_only).empty());
    EXPECT_TRUE(all(tcp_only).empty());
    EXPECT_THROW(compile_filter("host and"), std::invalid_argument);
    EXPECT_EQ(compile_filter("  ").program, nullptr);
}

// What may pass is told by the protocol where that can be told, and by the program else.
TEST_F(WatchTest, ProtocolsOfAFilter) {
    const auto passed = [](const char* expression) { return compile_filter(expression).protocols; };
    const auto only = [](std::initializer_list<size_t> which) {
        Ip4Protocols some;
        for (const size_t p : which) some.set(p);
        return some;
    };
    EXPECT_EQ(passed("tcp port 443 and host 192.0.2.1"), only({6}));
    EXPECT_EQ(passed("tcp or udp"), only({6, 17}));
    EXPECT_EQ(passed("icmp[icmptype] == icmp-echo"), only({1}));
    EXPECT_EQ(passed("ip proto 1 or (ip proto 89 and net 10.0.0.0/8)"), only({1, 89}));
    EXPECT_EQ(passed("ip[9] > 250"), only({251, 252, 253, 254, 255}));
    EXPECT_EQ(passed("port 53"), only({6, 17, 132}));
    EXPECT_TRUE(passed("arp").none());
    EXPECT_TRUE(passed("ip6").none());
    EXPECT_TRUE(passed("").all());
    EXPECT_TRUE(passed("host 10.0.0.1").all());
    EXPECT_TRUE(passed("ether[23] & 1 == 1 or len > 100").all());
    EXPECT_TRUE(passed("not tcp").count() == 255);
}

TEST_F(WatchTest, NoMoreThanAskedForAndOneOfSoMany) {
    know_hosts();
    Watch& two = watch({.stories = 2});
    Watch& third = watch({.one_in = 3});
    receive_watched(std::vector<Bytes>(9, to_host2()));
    EXPECT_EQ(stories_of(all(two)).size(), 2U);
    EXPECT_EQ(stories_of(all(third)).size(), 3U);
}

TEST_F(WatchTest, EveryReasonIsTold) {
    Watch& w = watch({.frame_steps = 0});
    for (size_t i = 1; i < kDropReasons; ++i) {
        Burst rx;
        rx.push(mbuf(to_host2()));
        counters_->received(1, 1, 0);
        tracer_.received(rx);
        drops_.add(rx[0], static_cast<Drop>(i));
        const auto stories = stories_of(all(w));
        ASSERT_EQ(stories.size(), 1U);
        EXPECT_TRUE(stories[0].has_drop(static_cast<Drop>(i))) << kDropInfo[i].name;
        EXPECT_TRUE(stories[0].packets[0].last().frame.empty());
    }
}

TEST_F(WatchTest, FullPuntQueueIsADrop) {
    know_hosts();
    Watch& w = watch();
    for (rte_mbuf* m = mbuf(to_host2()); m != nullptr; m = mbuf(to_host2())) {
        counters_->received(1, 1, 0);
        if (!punt_queue_->push(m)) {
            drops_.add(m, Drop::no_buffer);
            break;
        }
        counters_->consumed(1, Consumed::host);
    }
    receive_watched(
        {frame({.protocol = kProtocolIcmp, .dst = kPortIp[1], .payload = icmp(kIcmpEchoReply)})});
    EXPECT_EQ(dropped(Drop::punt_full), 1U);
    EXPECT_TRUE(stories_of(all(w)).front().has_drop(Drop::punt_full));
}

TEST_F(WatchTest, FullLoopbackIsADrop) {
    Watch& w = watch({.ring_bytes = size_t{8} << 20});
    uint64_t sent = 0;
    for (; dropped(Drop::loopback_full, kLoopback) == 0 && sent < 1024; sent += kBurst) {
        Burst own;
        for (unsigned i = 0; i < kBurst; ++i) {
            rte_mbuf* m =
                mbuf(frame({.src = kPortIp[1], .dst = kPortIp[1], .payload = udp(counting(8))}),
                     kLoopback);
            meta(*m).own = true;
            meta(*m).l3_offset = sizeof(EtherHeader);
            meta(*m).inject = Inject::output;
            own.push(m);
        }
        pipeline_->inject(own);
    }
    EXPECT_GT(dropped(Drop::loopback_full, kLoopback), 0U);
    bool told = false;
    for (const Story& s : stories_of(all(w))) told |= s.has_drop(Drop::loopback_full);
    EXPECT_TRUE(told);
    tracer_.use(WatchSet{});
    while (pipeline_->receive_loopback() > 0) continue;
}

}  // namespace
}  // namespace vethway
