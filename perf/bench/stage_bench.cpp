// SPDX-License-Identifier: Apache-2.0
// The stages that a forwarded packet meets where it may not overtake the first of its burst: each
// bench goes one further than the one before, so that the difference is the stage's. The first only
// puts the packets back to what they were; the last is a burst that goes straight (ip4_straight).
#include <cstring>

#include "dataplane/ip4/ip4_forward.h"
#include "dataplane/ip4/ip4_lookup.h"
#include "dataplane/ip4/ip4_plain.h"
#include "dataplane/neighbour/resolve.h"
#include "dataplane/packet_list.h"
#include "perf/bench/bench.h"
#include "tests/unit/world.h"

namespace vethway::bench {
namespace {

enum Stage : int64_t { kNothing, kPlain, kLookup, kForward, kResolve, kStraight };

// Takes frames and leaves them whose they are.
class Shelf final : public Port {
public:
    uint16_t rx_burst(uint16_t, rte_mbuf**, uint16_t) noexcept override { return 0; }
    TxResult tx_burst(uint16_t, rte_mbuf**, uint16_t n) noexcept override { return {.sent = n}; }
    PortStats stats() const noexcept override { return {}; }
    std::string down_reason() const override { return {}; }
    void set_mtu(uint16_t) override {}
};

class Stages : test::World {
public:
    Stages() : World(2047, 64, 256) {
        permanent(2, test::kHostIp[2], test::kHostMac[2]);
        snap_.ports[2].device = &shelf_;
        for (rte_mbuf*& m : mine_) m = new_mbuf(bytes_, 1);
    }
    ~Stages() { rte_pktmbuf_free_bulk(mine_.data(), kBurst); }

    // What a driver and the worker leave to the first stage.
    void put_back(Stage last) noexcept {
        for (rte_mbuf* m : mine_) {
            std::memcpy(rte_pktmbuf_mtod(m, void*), bytes_.data(), bytes_.size());
            meta(*m) = {.port = 1, .l3_offset = sizeof(EtherHeader), .tsc = context_->now};
            const bool goes_before = m == mine_[0] && last != kStraight;
            (goes_before ? checked_ : rx_).push(m);
        }
    }
    void run(Stage last) noexcept {
        Context& c = *context_;
        if (last >= kPlain)
            ip4_plain(c, rx_, {.checked = checked_, .other = other_, .errors = errors_});
        if (last >= kLookup)
            ip4_lookup(c, checked_, {.local = local_, .forward = forward_, .errors = errors_});
        if (last >= kForward) ip4_forward(c, forward_, {.routed = routed_, .errors = errors_});
        if (last >= kResolve) resolve(c, routed_, released_);
        c.tx.flush(c.snap());
        for (Burst* b : {&rx_, &checked_, &forward_, &routed_}) b->clear();
    }

private:
    const test::Bytes bytes_ = test::frame(test::Ip4Packet{});
    Shelf shelf_;
    std::array<rte_mbuf*, kBurst> mine_;
    Burst rx_, other_, checked_, local_, forward_, errors_, routed_;
    PacketList released_;
};

void stages(benchmark::State& state) {
    const auto last = static_cast<Stage>(state.range(0));
    Stages bench;
    while (state.KeepRunningBatch(kBurst)) {
        bench.put_back(last);
        bench.run(last);
    }
    state.SetItemsProcessed(state.iterations());
}

}  // namespace

void add_stage_benches() {
    const std::pair<const char*, Stage> all[] = {
        {"stage_0_nothing", kNothing},    {"stage_1_ip4_plain", kPlain},
        {"stage_2_ip4_lookup", kLookup},  {"stage_3_ip4_forward", kForward},
        {"stage_4_resolve_tx", kResolve}, {"stage_5_straight", kStraight}};
    for (const auto& [name, last] : all) add(name, stages)->Arg(last);
}

}  // namespace vethway::bench
