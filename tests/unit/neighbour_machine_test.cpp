// SPDX-License-Identifier: Apache-2.0
// The neighbour machine in virtual time, with a worker's own code on the other side of the table:
// who is asked when, who is given up, who makes way, and what a scan of a whole /8 does.
#include "control/neighbour_machine.h"

#include <cstdlib>
#include <unordered_map>

#include "dataplane/arp/arp_request.h"
#include "dataplane/net/checksum.h"
#include "tests/unit/stage_fixture.h"

namespace vethway::test {
namespace {

using State = NeighbourState;

constexpr Ip4 kStranger{10, 0, 2, 77};
constexpr Mac kStrangerMac{{0x06, 0, 0, 0, 2, 0x77}};
constexpr uint64_t kTickMs = 100;

struct Asked {
    uint64_t ms;
    Mac whom;
    Ip4 about = kStranger;
    friend bool operator==(const Asked&, const Asked&) = default;
};

class NeighbourMachineTest : public StageTest, protected NeighbourHands {
protected:
    explicit NeighbourMachineTest(unsigned mbufs = 1023, uint32_t max_neighbours = 64)
        : StageTest(mbufs, max_neighbours) {}
    void SetUp() override {
        StageTest::SetUp();
        know_hosts();
        config_.gc_thresh1 = 0;
        config_.gc_thresh2 = 32;
        config_.gc_thresh3 = 64;
        machine_.configure(config_);
        began_ = context_->now;
    }

    bool ask(NeighbourKey key, const std::optional<Mac>& whom) override {
        rte_mbuf* m = context_->allocate(key.port);
        if (m == nullptr) return false;
        const Ip4 from = snap_.source_for(key.port, key.ip);
        write_arp_request(*m, key, from, kPortMac[key.port], whom.value_or(Mac::broadcast()));
        meta(*m).inject = Inject::frame;
        inject(m);
        return true;
    }
    void undeliverable(rte_mbuf* m, Drop why, bool tell_sender) override {
        meta(*m).why = why;
        meta(*m).icmp_type = kIcmpUnreachable;
        meta(*m).icmp_code = kIcmpHostUnreachable;
        meta(*m).inject = Inject::undeliverable;
        if (tell_sender) return inject(m);
        counters_->taken_up(1);
        drops_.add(m, why);
    }
    void wait_for_workers() override {}
    void inject(rte_mbuf* m) {
        Burst one;
        one.push(m);
        pipeline_->inject(one);
    }

    uint64_t ms() const { return (context_->now - began_) / (kHz / 1000); }
    void pass(uint64_t duration_ms) {
        for (uint64_t t = 0; t < duration_ms; t += kTickMs) {
            note_requests();
            context_->now += kTickMs * (kHz / 1000);
            machine_.tick(context_->now);
        }
        note_requests();
    }
    void note_requests() {
        for (; seen_ < sent(2).size(); ++seen_)
            if (const ArpHeader* arp = request_in(sent(2)[seen_]))
                asked_.push_back({ms(), ether_of(sent(2)[seen_]).dst, Ip4{arp->target_ip}});
    }
    static const ArpHeader* request_in(const Bytes& f) {
        const auto& arp = *reinterpret_cast<const ArpHeader*>(&f[sizeof(EtherHeader)]);
        const bool is_one = ether_of(f).type == kEtherTypeArp && arp.operation == kArpRequest;
        return is_one ? &arp : nullptr;
    }
    void send(Ip4 to = kStranger) { receive(frame(Ip4Packet{.dst = to})); }
    void answer(Ip4 from = kStranger) { receive(arp_reply(2, kStrangerMac, from), 2); }
    // Whoever hears of an address from its owner, unasked.
    void hear(Ip4 from) {
        receive(frame(ArpMessage{
                    .sender_mac = kStrangerMac, .sender_ip = from, .target_ip = kPortIp[2]}),
                2);
    }
    State state(Ip4 of = kStranger) {
        const Neighbour* n = neighbours_.find({2, of});
        return n != nullptr ? n->read().state : State::none;
    }
    bool is_there(Ip4 ip) { return neighbours_.find({2, ip}) != nullptr; }
    void reconfigure() { machine_.configure(config_); }

    NeighbourTableConfig config_;
    NeighbourMachine machine_{neighbours_, *this, kHz, 1};
    uint64_t began_ = 0;
    size_t seen_ = 0;
    std::vector<Asked> asked_;
};

constexpr Mac kAll = Mac::broadcast();

TEST_F(NeighbourMachineTest, AsksThreeTimesThenTellsTheSender) {
    send();
    pass(2900);
    EXPECT_EQ(asked_, (std::vector<Asked>{{0, kAll}, {1000, kAll}, {2000, kAll}}));
    EXPECT_EQ(held(), 1U);
    pass(100);
    EXPECT_EQ(state(), State::failed);
    EXPECT_EQ(held(), 0U);
    EXPECT_EQ(dropped(Drop::neighbour_failed), 1U);
    EXPECT_EQ(icmp_of(only_sent(1)).type, kIcmpUnreachable);
    EXPECT_EQ(icmp_of(only_sent(1)).code, kIcmpHostUnreachable);
}

TEST_F(NeighbourMachineTest, AFailedOneIsAskedForAgainByTheNextPacket) {
    send();
    pass(3000);
    send();
    EXPECT_EQ(state(), State::incomplete);
    pass(3000);
    EXPECT_EQ(state(), State::failed);
    ASSERT_EQ(asked_.size(), 6U);
    EXPECT_EQ(asked_[3].ms, 3000U) << "a second after the last";
}

TEST_F(NeighbourMachineTest, RetransTimeAndMcastSolicit) {
    config_.all.retrans_time_ms = 500;
    config_.all.mcast_solicit = 2;
    reconfigure();
    send();
    pass(1000);
    EXPECT_EQ(asked_, (std::vector<Asked>{{0, kAll}, {500, kAll}}));
    EXPECT_EQ(state(), State::failed);
}

TEST_F(NeighbourMachineTest, APortsOwnKnobs) {
    NeighbourPortConfig quick;
    quick.mcast_solicit = 1;
    machine_.set_port(2, quick);
    send();
    send(Ip4{10, 0, 3, 77});
    pass(1000);
    EXPECT_EQ(state(), State::failed);
    EXPECT_EQ(neighbours_.find({3, Ip4{10, 0, 3, 77}})->read().state, State::incomplete);
}

// Turns of a program that is asked through netlink, and which there is none of here.
TEST_F(NeighbourMachineTest, AppSolicit) {
    config_.all.app_solicit = 2;
    reconfigure();
    snap_.ports[2].neighbour_limits.first = NeighbourLimits::First::waits;
    send();
    pass(5000);
    EXPECT_EQ(asked_, (std::vector<Asked>{{2000, kAll}, {3000, kAll}, {4000, kAll}}));
    EXPECT_EQ(state(), State::failed);
}

TEST_F(NeighbourMachineTest, AnAnswerIsGoodForHalfToOneAndAHalfOfItsTime) {
    for (uint8_t n = 100; n < 110; ++n) {
        const Ip4 host{10, 0, 2, n};
        reconfigure();  // draws anew
        send(host);
        answer(host);
        EXPECT_EQ(state(host), State::reachable);
        pass(14'900);
        EXPECT_EQ(state(host), State::reachable);
        pass(30'200);
        EXPECT_EQ(state(host), State::stale) << "nobody used it";
    }
    EXPECT_EQ(asked_.size(), 10U) << "of which nobody is asked";
}

TEST_F(NeighbourMachineTest, OneInUseIsAskedBeforeItIsForgotten) {
    send();
    answer();
    for (int s = 0; s < 46 && state() == State::reachable; ++s) {
        send();
        pass(1000);
    }
    EXPECT_EQ(state(), State::delay) << "never stale";
    const uint64_t delayed = ms();
    asked_.clear();
    pass(6000);
    ASSERT_FALSE(asked_.empty());
    EXPECT_EQ(asked_[0].whom, kStrangerMac) << "not by broadcast";
    EXPECT_NEAR(static_cast<double>(asked_[0].ms - delayed), 5000, 1000);
    answer();
    EXPECT_EQ(state(), State::reachable);
}

TEST_F(NeighbourMachineTest, AStaleOneIsUsedThenAskedThenGivenUp) {
    hear(kStranger);
    EXPECT_EQ(state(), State::stale);
    pass(1000);
    send();
    EXPECT_EQ(state(), State::delay);
    EXPECT_EQ(ether_of(sent(2).back()).dst, kStrangerMac) << "sent to meanwhile";
    pass(7900);
    EXPECT_EQ(asked_, (std::vector<Asked>{
                          {6000, kStrangerMac}, {7000, kStrangerMac}, {8000, kStrangerMac}}));
    EXPECT_EQ(state(), State::probe);
    pass(100);
    EXPECT_EQ(state(), State::failed);
}

TEST_F(NeighbourMachineTest, McastResolicitAndDelayFirstProbeTime) {
    config_.all.ucast_solicit = 1;
    config_.all.mcast_resolicit = 1;
    config_.all.delay_first_probe_time = 2;
    reconfigure();
    hear(kStranger);
    send();
    pass(4000);
    EXPECT_EQ(asked_, (std::vector<Asked>{{2000, kStrangerMac}, {3000, kAll}}));
    EXPECT_EQ(state(), State::failed);
}

TEST_F(NeighbourMachineTest, NobodyIsAskedWhereUcastSolicitIsZero) {
    config_.all.ucast_solicit = 0;
    reconfigure();
    hear(kStranger);
    send();
    pass(5000);
    EXPECT_TRUE(asked_.empty());
    EXPECT_EQ(state(), State::failed);
}

// --- Garbage collection ---
Ip4 host(uint8_t n) { return Ip4{10, 0, 2, n}; }

TEST_F(NeighbourMachineTest, UnusedOnesGoAfterGcStaleTime) {
    hear(host(100));
    pass(30'000);
    hear(host(101));
    pass(45'000);
    EXPECT_FALSE(is_there(host(100)));
    EXPECT_TRUE(is_there(host(101)));
    pass(30'000);
    EXPECT_FALSE(is_there(host(101)));
    EXPECT_EQ(neighbours_.size(), 3U) << "the permanent ones of this test are counted";
}

TEST_F(NeighbourMachineTest, FailedOnesGoAtTheNextCollection) {
    config_.gc_interval = 10;
    reconfigure();
    pass(10'000);
    send();
    pass(9900);
    EXPECT_EQ(state(), State::failed);
    pass(200);
    EXPECT_FALSE(is_there(kStranger));
}

TEST_F(NeighbourMachineTest, BelowGcThresh1NoneGoes) {
    config_.gc_thresh1 = 5;
    reconfigure();
    hear(host(100));
    pass(200'000);
    EXPECT_TRUE(is_there(host(100)));
    hear(host(101));  // five, with the permanent ones
    pass(15'000);
    EXPECT_FALSE(is_there(host(100)));
    EXPECT_TRUE(is_there(host(101)));
}

TEST_F(NeighbourMachineTest, BeyondGcThresh2ThoseOfNoUseMakeWay) {
    for (uint8_t n = 0; n < 20; ++n) hear(host(static_cast<uint8_t>(100 + n)));
    pass(4000);
    for (uint8_t n = 20; n < 28; ++n) hear(host(static_cast<uint8_t>(100 + n)));
    send(host(200));  // incomplete
    pass(1000);
    EXPECT_EQ(neighbours_.size(), 32U);
    EXPECT_EQ(machine_.forced_gc_runs(), 0U);
    for (uint8_t n = 28; n < 38; ++n) hear(host(static_cast<uint8_t>(100 + n)));
    pass(100);
    EXPECT_EQ(machine_.forced_gc_runs(), 1U);
    EXPECT_EQ(neighbours_.size(), 32U);
    for (uint8_t n = 20; n < 38; ++n)
        EXPECT_TRUE(is_there(host(static_cast<uint8_t>(100 + n)))) << "younger than 5 s";
    EXPECT_TRUE(is_there(host(200)));
    EXPECT_TRUE(is_there(kHostIp[2])) << "permanent";
    // Not again within 5 s.
    hear(host(138));
    pass(5000);
    EXPECT_EQ(machine_.forced_gc_runs(), 1U);
    hear(host(139));
    pass(100);
    EXPECT_EQ(machine_.forced_gc_runs(), 2U);
    EXPECT_EQ(neighbours_.size(), 32U);
}

TEST_F(NeighbourMachineTest, AtGcThresh3NewOnesAreRefused) {
    for (uint8_t n = 0; n < 61; ++n) send(host(static_cast<uint8_t>(100 + n)));
    EXPECT_EQ(neighbours_.size(), 64U);
    send(host(200));
    EXPECT_EQ(dropped(Drop::neighbour_table_full), 1U);
    pass(2900);
    EXPECT_EQ(neighbours_.size(), 64U) << "who is asked for is not in the way";
    send(host(200));
    EXPECT_EQ(dropped(Drop::neighbour_table_full), 2U);
    pass(100);  // 61 fail, and make way at once
    EXPECT_EQ(neighbours_.size(), 32U);
    send(host(200));
    EXPECT_TRUE(is_there(host(200)));
}

// --- A scan ---
// Port 1 sends to every address of 10/8, which port 2 has on its link, for 16 s; with
// VETHWAY_SCAN_STRIDE=N, or in a sanitizer's slow build, to every Nth. Meanwhile a host on that
// link is talked to.
uint32_t scan_stride() {
    if (const char* stride = std::getenv("VETHWAY_SCAN_STRIDE"))
        return std::clamp(static_cast<uint32_t>(std::atoi(stride)), 1U, 64U);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return 16;
#else
    return 1;
#endif
}

class NeighbourScanTest : public NeighbourMachineTest {
protected:
    static constexpr uint32_t kHosts = 1U << 24, kMost = 1024;
    static constexpr uint64_t kSeconds = 16, kErrorBurst = 6;

    NeighbourScanTest() : NeighbourMachineTest(2047, kMost) {}
    void SetUp() override {
        NeighbourMachineTest::SetUp();
        config_ = {};
        reconfigure();
        route("10.0.0.0/8", RouteType::forward, {{2, {}, UINT32_MAX}});
        template_ = frame(Ip4Packet{.dst = Ip4{10, 0, 0, 0}});
    }

    void scan(uint32_t first, uint32_t stride) {
        Burst rx;
        for (uint32_t i = 0; i < kBurst; ++i) {
            rte_mbuf* m = buffers_.allocate(template_.size());
            ASSERT_NE(m, nullptr);
            meta(*m) = {.port = 1, .tsc = context_->now};
            std::ranges::copy(template_, rte_pktmbuf_mtod(m, std::byte*));
            auto& ip = *rte_pktmbuf_mtod_offset(m, Ip4Header*, sizeof(EtherHeader));
            const uint32_t host = first + i * stride;
            for (const auto half : {host >> 16, host & 0xffff})
                ip.checksum = updated_checksum(ip.checksum, 0, static_cast<uint16_t>(half));
            ip.dst = 0x0a000000 + host;
            rx.push(m);
        }
        counters_->received(1, kBurst, 0);
        pipeline_->receive(rx);
    }
    // Answers for the stranger, and sees that nobody is asked for twice within a second.
    void look_at_sent() {
        bool asks_stranger = false;
        for (const Bytes& f : sent(2)) {
            const ArpHeader* const arp = request_in(f);
            if (arp == nullptr) {
                delivered_ += is_valid_ip4_frame(f) && ip4_of(f).dst == kStranger.value ? 1 : 0;
                continue;
            }
            ++requests_;
            asks_stranger |= arp->target_ip == kStranger.value;
            const auto [last, is_first] = last_asked_.try_emplace(arp->target_ip, ms());
            if (is_first) continue;
            ASSERT_GE(ms() - last->second, 1000U) << Ip4{arp->target_ip}.to_string();
            last->second = ms();
        }
        for (const Bytes& f : sent(1))
            errors_ += is_valid_ip4_frame(f) && ip4_of(f).protocol == kProtocolIcmp ? 1 : 0;
        for (FakePort& port : ports_) {
            port.sent.clear();
            port.offloads.clear();
            port.queues.clear();
        }
        seen_ = 0;
        if (asks_stranger) answer();
    }
    void expect_bounded() {
        ASSERT_LE(neighbours_.size(), kMost);
        ASSERT_LE(neighbours_.held(), 256U) << "the fixture's";
        ASSERT_LE(rte_mempool_in_use_count(pool_), 256U + kBurst);
        ASSERT_LE(errors_, kErrorBurst + ms() / 1000) << "a second each to one sender";
    }

    Bytes template_;
    uint64_t delivered_ = 0, requests_ = 0, errors_ = 0;
    std::unordered_map<uint32_t, uint64_t> last_asked_;
};

TEST_F(NeighbourScanTest, OfAWholeSlash8) {
    const uint32_t stride = scan_stride();
    const uint32_t a_tick = kHosts / stride / (kSeconds * 1000 / kTickMs) / kBurst;
    const size_t bytes = neighbours_.bytes();
    send();
    look_at_sent();
    uint32_t bursts = 0;
    uint64_t talked = 1;
    for (uint32_t host = 0; host < kHosts; host += kBurst * stride) {
        scan(host, stride);
        if (++bursts % a_tick != 0) continue;
        send();
        ++talked;
        look_at_sent();
        context_->now += kTickMs * (kHz / 1000);
        machine_.tick(context_->now);
        look_at_sent();
        expect_bounded();
        if (HasFatalFailure()) return;
    }
    EXPECT_GE(ms(), (kSeconds - 1) * 1000);
    EXPECT_EQ(neighbours_.bytes(), bytes);
    EXPECT_GE(delivered_, talked) << "the scan itself meets the stranger, too";
    EXPECT_GT(requests_, 3000U);
    EXPECT_GT(dropped(Drop::neighbour_table_full), kHosts / stride / 2);
    EXPECT_GT(errors_, 0U);
    // There is room again once those of the scan have failed.
    for (uint64_t until = ms() + 4000; ms() < until; look_at_sent()) pass(kTickMs);
    EXPECT_LE(neighbours_.size(), kMost / 2);
    send(host(200));
    EXPECT_TRUE(is_there(host(200)));
}

}  // namespace
}  // namespace vethway::test
