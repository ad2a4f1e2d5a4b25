// SPDX-License-Identifier: Apache-2.0
// perf/gen: the sender and the endpoint at a port that does as it is told. Time is what the test
// says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rte_cycles.h>

#include <algorithm>
#include <deque>
#include <functional>

#include "dataplane/meta.h"
#include "perf/gen/endpoint.h"
#include "perf/gen/sender.h"
#include "tests/unit/eal_fixture.h"
#include "tests/unit/packet.h"

namespace vethway::gen {
namespace {

// Keeps copies of what it is given to send, and has frames to be received.
class ToldPort : public Port {
public:
    ToldPort() {
        info_.mac = test::kHostMac[1];
        info_.rx_queues = 2;
    }
    uint16_t rx_burst(uint16_t queue, rte_mbuf** frames, uint16_t n) noexcept override {
        uint16_t got = 0;
        for (; got < n && !to_receive[queue].empty(); ++got) {
            frames[got] = to_receive[queue].front();
            to_receive[queue].pop_front();
        }
        return got;
    }
    TxResult tx_burst(uint16_t, rte_mbuf** frames, uint16_t n) noexcept override {
        ++bursts;
        uint16_t sent = 0, refused = 0;
        if (refuse && n > 1) std::swap(frames[0], frames[1]);  // which port.h lets it
        for (; sent < std::min(n, room); ++sent) {
            const auto bytes = frame_bytes(*frames[sent]);
            sent_frames.emplace_back(bytes.begin(), bytes.end());
            rte_pktmbuf_free(frames[sent]);
        }
        room = static_cast<uint16_t>(room - sent);
        if (refuse && sent < n) {
            meta(*frames[sent]).why = Drop::egress_down;
            refused = 1;
        }
        return {sent, refused};
    }
    PortStats stats() const noexcept override { return {}; }
    std::string down_reason() const override { return {}; }
    void set_mtu(uint16_t) override {}

    uint16_t room = UINT16_MAX;
    bool refuse = false;
    unsigned bursts = 0;
    std::vector<test::Bytes> sent_frames;
    std::deque<rte_mbuf*> to_receive[2];
};

class GenSender : public test::EalTest {
protected:
    static constexpr uint64_t kTicks = 1'000'000'000;  // a second
    static constexpr uint16_t kRun = 5, kWarmUpRun = 6;

    void SetUp() override {
        traffic_.emplace(Traffic{
            .pools = {},
            .size_order = {0, 0, 1},
            .flows = make_flows(
                {AddressSet::parse("10.0.0.1"), AddressSet::parse("10.0.1.0/29"), {1, 1}, {9, 9}},
                3),
            .order = FlowOrder(FlowOrder::Kind::round_robin, 3, 1)});
        traffic_->pools.push_back(make_frame_pool(shape_, 60, 511));
        traffic_->pools.push_back(make_frame_pool(shape_, 100, 511));
    }
    void TearDown() override {
        sender_.reset();
        for (const FramePool& pool : traffic_->pools)
            EXPECT_EQ(rte_mempool_in_use_count(pool.mbufs.get()), 0U) << "mbufs lost";
    }
    Sender& begin(const Load& load) {
        sender_.emplace(port_, *traffic_, load, kRun, kWarmUpRun, kTicks);
        sender_->start(0);
        return *sender_;
    }
    // Steps each `every` ticks, from `now_` on, until it is done or `end` is reached.
    void run_to(uint64_t end, uint64_t every = kTicks / 10'000) {
        for (; now_ < end && !sender_->finished(); now_ += every) sender_->step(now_);
    }
    std::vector<Checked> checked(uint16_t run = kRun) const {
        const FrameCheck check(shape_, {60, 100});
        std::vector<Checked> all;
        for (const test::Bytes& frame : port_.sent_frames) all.push_back(check.check(frame, run));
        return all;
    }
    // Every flow's numbers, from 0 without a gap, as many as the flow says were sent.
    void expect_whole() const {
        std::vector<uint64_t> next(traffic_->flows.size());
        for (const Checked& one : checked()) {
            if (one.verdict == Verdict::other_run) continue;
            ASSERT_EQ(one.verdict, Verdict::good);
            ASSERT_EQ(one.stamp.sequence, next[one.stamp.flow]++);
        }
        for (size_t i = 0; i < next.size(); ++i)
            EXPECT_EQ(next[i], traffic_->flows[i].next_sequence) << i;
    }

    FrameShape shape_{.src = test::kHostMac[1], .dst = test::kPortMac[1]};
    ToldPort port_;
    std::optional<Traffic> traffic_;
    std::optional<Sender> sender_;
    uint64_t now_ = 0;
};

TEST_F(GenSender, SendsWhatTheRateSaysAndNoMore) {
    begin({.pace = {.pps = 1000}, .seconds = 0.3});
    run_to(kTicks / 10);
    EXPECT_NEAR(static_cast<double>(sender_->sent()), 100, 1);
    run_to(kTicks);
    EXPECT_TRUE(sender_->finished());
    EXPECT_EQ(sender_->sent(), 300U);
    EXPECT_EQ(port_.sent_frames.size(), 300U);
    EXPECT_EQ(sender_->sent_bytes(), 200 * 60 + 100 * 100U);
    EXPECT_LT(sender_->ended_at(), kTicks / 3);
    expect_whole();
}

TEST_F(GenSender, FramesEndItToo) {
    begin({.pace = {.pps = 0, .burst = 7}, .seconds = 0, .frames = 100});
    run_to(kTicks);
    EXPECT_TRUE(sender_->finished());
    EXPECT_EQ(sender_->sent(), 100U);
    expect_whole();
}

TEST_F(GenSender, TimeEndsItWithoutARate) {
    begin({.pace = {.pps = 0, .burst = 1}, .seconds = 0.01});
    run_to(kTicks);
    EXPECT_TRUE(sender_->finished());
    EXPECT_NEAR(static_cast<double>(sender_->sent()), 101, 1);
}

TEST_F(GenSender, WarmUpIsNotCounted) {
    begin({.pace = {.pps = 1000}, .seconds = 0.1, .warm_up_s = 0.2});
    run_to(kTicks);
    EXPECT_EQ(sender_->sent(), 100U);
    EXPECT_NEAR(static_cast<double>(sender_->warmed_up()), 200, 1);
    EXPECT_EQ(port_.sent_frames.size(), sender_->sent() + sender_->warmed_up());
    EXPECT_EQ(std::ranges::count(checked(), Verdict::other_run, &Checked::verdict),
              static_cast<std::ptrdiff_t>(sender_->warmed_up()));
    EXPECT_EQ(checked(kWarmUpRun).front().verdict, Verdict::good);
    EXPECT_GE(sender_->started_at(), kTicks / 5);
    expect_whole();
}

TEST_F(GenSender, APortWithoutRoomIsAskedAgain) {
    port_.room = 10;
    begin({.pace = {.pps = 0, .burst = 32}, .seconds = 0, .frames = 64});
    for (int i = 0; i < 5; ++i) sender_->step(now_ += 10);
    EXPECT_EQ(sender_->sent(), 10U);
    EXPECT_EQ(sender_->tx_full(), 5U);
    port_.room = 3;
    sender_->step(now_ += 10);
    port_.room = UINT16_MAX;
    run_to(kTicks);
    EXPECT_EQ(sender_->sent(), 64U);
    expect_whole();
}

TEST_F(GenSender, WhatTimeHasCutOffWasNeverSent) {
    port_.room = 10;
    begin({.pace = {.pps = 0, .burst = 32}, .seconds = 0.01});
    run_to(kTicks);
    EXPECT_TRUE(sender_->finished());
    EXPECT_EQ(sender_->sent(), 10U);
    expect_whole();
}

TEST_F(GenSender, ARefusedFrameEndsItWithItsReason) {
    port_.room = 10;
    port_.refuse = true;
    begin({.pace = {.pps = 0, .burst = 32}, .seconds = 1});
    sender_->step(1);
    EXPECT_TRUE(sender_->finished());
    EXPECT_EQ(sender_->sent(), 10U);
    EXPECT_THAT(sender_->refusal(), testing::HasSubstr("(egress_down)"));
    uint64_t sent = 0;
    for (const Flow& flow : traffic_->flows) sent += flow.next_sequence;
    EXPECT_EQ(sent, 10U);
}

TEST_F(GenSender, ASenderThatSleptGivesUpAndSaysSo) {
    begin({.pace = {.pps = 1000, .burst = 1, .catch_up = 20}, .seconds = 1});
    run_to(kTicks / 10);
    now_ += kTicks / 5;  // 200 frames
    run_to(2 * kTicks);
    EXPECT_NEAR(static_cast<double>(sender_->pacer().missed()), 180, 2);
    EXPECT_NEAR(static_cast<double>(sender_->sent() + sender_->pacer().missed()), 1000, 1);
    expect_whole();
}

TEST_F(GenSender, ChangesItsRate) {
    begin({.pace = {.pps = 1000}, .seconds = 0.4, .then_after_s = 0.2, .then_pps = 100});
    run_to(kTicks);
    EXPECT_NEAR(static_cast<double>(sender_->sent()), 200 + 20, 2);
    EXPECT_NEAR(static_cast<double>(sender_->changed_rate_at()), kTicks / 5.0, kTicks / 1000.0);
    expect_whole();
}

TEST_F(GenSender, StopsWhenTold) {
    begin({.pace = {.pps = 1000}, .seconds = 10, .warm_up_s = 5});
    run_to(kTicks / 10);
    sender_->stop(now_);
    EXPECT_TRUE(sender_->finished());
    EXPECT_EQ(sender_->sent(), 0U);
    EXPECT_EQ(sender_->started_at(), now_);
}

// --- The other end -----------------------------------------------------------------------------
class GenEndpoint : public GenSender {
protected:
    void SetUp() override {
        GenSender::SetUp();
        pool_.reset(rte_pktmbuf_pool_create("gen_endpoint", 127, 0, sizeof(PacketMeta), 2048,
                                            SOCKET_ID_ANY));
        ASSERT_NE(pool_, nullptr);
        endpoint_.emplace(port_, *pool_, check_,
                          ArpHosts{.mac = test::kHostMac[1], .own = {test::kHostIp[1]}});
        endpoint_->begin(&accounting_, kRun);
    }
    void TearDown() override {
        EXPECT_EQ(rte_mempool_in_use_count(pool_.get()), 0U) << "mbufs lost";
        GenSender::TearDown();
    }
    void arrives(const test::Bytes& frame, uint16_t queue = 0) {
        rte_mbuf* m = rte_pktmbuf_alloc(pool_.get());
        std::ranges::copy(frame, rte_pktmbuf_mtod(m, std::byte*));
        m->pkt_len = m->data_len = static_cast<uint16_t>(frame.size());
        port_.to_receive[queue].push_back(m);
    }
    test::Bytes stamped(uint32_t flow, uint32_t sequence, uint16_t run = kRun) {
        const FrameMaker& maker = traffic_->pools[0].maker;
        test::Bytes frame(maker.bytes().begin(), maker.bytes().end());
        maker.address(frame.data(), traffic_->flows[0]);
        maker.stamp(frame.data(), traffic_->flows[0],
                    {.flow = flow, .sequence = sequence, .time = rte_rdtsc(), .run = run});
        return frame;
    }

    Mempool pool_;
    FrameCheck check_{shape_, {60, 100}};
    Accounting accounting_{3, false};
    std::optional<Endpoint> endpoint_;
};

TEST_F(GenEndpoint, AccountsForEachKindOfAllQueues) {
    arrives(stamped(2, 0));
    arrives(stamped(2, 1), 1);
    arrives(stamped(3, 0));  // no flow of ours
    arrives(stamped(0, 0, kWarmUpRun));
    test::Bytes damaged = stamped(1, 0);
    damaged.back() ^= std::byte{1};
    arrives(damaged);
    arrives(test::frame({.payload = test::udp(test::counting(3))}));
    EXPECT_EQ(endpoint_->poll(), 6U);
    const EndpointCounters& c = endpoint_->counters();
    EXPECT_EQ(c.frames.value(), 6U);
    EXPECT_EQ(c.good.value(), 2U);
    EXPECT_EQ(c.returned.value(), 1U);
    EXPECT_EQ(c.other_run.value(), 1U);
    EXPECT_EQ(c.corrupted.value(), 1U);
    EXPECT_EQ(c.foreign.value(), 1U);
    EXPECT_EQ(accounting_.flows()[2].received, 2U);
    EXPECT_GT(endpoint_->first_good(), 0U);
}

TEST_F(GenEndpoint, AnswersArpAndResolves) {
    arrives(test::frame(
        test::ArpMessage{.sender_ip = test::kHostIp[2], .target_ip = test::kHostIp[1]}));
    endpoint_->poll();
    ASSERT_EQ(port_.sent_frames.size(), 1U);
    EXPECT_EQ(find_arp(port_.sent_frames[0])->operation, kArpReply);

    arrives(test::arp_reply(1, test::kHostMac[3], {10, 0, 1, 99}));  // of somebody else
    arrives(test::arp_reply(1, test::kHostMac[2], {10, 0, 1, 1}));
    EXPECT_EQ(endpoint_->resolve(test::kHostIp[1], {10, 0, 1, 1}, 1), test::kHostMac[2]);
    EXPECT_EQ(find_arp(port_.sent_frames[1])->operation, kArpRequest);
    EXPECT_EQ(endpoint_->resolve(test::kHostIp[1], {10, 0, 1, 1}, 0.01), std::nullopt);
}

TEST_F(GenEndpoint, AtThePortThatSendsGoodOnesHaveReturned) {
    endpoint_->begin(nullptr, kRun);
    arrives(stamped(0, 0));
    endpoint_->poll();
    EXPECT_EQ(endpoint_->counters().returned.value(), 1U);
    EXPECT_EQ(endpoint_->counters().good.value(), 0U);
}

}  // namespace
}  // namespace vethway::gen
