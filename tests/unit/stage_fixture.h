// SPDX-License-Identifier: Apache-2.0
// The switch of world.h in a test, and the accounting that must hold after each.
#pragma once

#include <string>
#include <vector>

#include "tests/unit/eal_fixture.h"
#include "tests/unit/world.h"

namespace vethway::test {

class StageTest : public EalTest, protected World {
protected:
    explicit StageTest(unsigned mbufs = 1023, uint32_t max_neighbours = 64, uint32_t max_held = 256)
        : World(mbufs, max_neighbours, max_held) {}

    void TearDown() override {
        drops_.flush();
        expect_accounted();
        expire_held();
        EXPECT_EQ(neighbours_.held(), 0U);
        free_punted();
        EXPECT_EQ(rte_mempool_in_use_count(pool_), 0U) << "mbufs lost";
        EXPECT_EQ(rte_mempool_in_use_count(large_pool_), 0U) << "large mbufs lost";
    }

    void know_hosts() {
        for (uint16_t p = 1; p <= kPorts; ++p) EXPECT_TRUE(permanent(p, kHostIp[p], kHostMac[p]));
    }

    // --- Packets ---
    rte_mbuf* mbuf(const Bytes& bytes, uint16_t port = 1) {
        rte_mbuf* m = new_mbuf(bytes, port);
        EXPECT_NE(m, nullptr);
        return m;
    }
    // As a worker does: counted, in one burst, through the whole pipeline.
    void receive(const std::vector<Bytes>& frames, uint16_t port = 1) {
        Burst rx;
        for (const Bytes& f : frames) rx.push(mbuf(f, port));
        counters_->received(port, frames.size(), 0);
        pipeline_->receive(rx);
        EXPECT_TRUE(rx.empty());
    }
    void receive(const Bytes& frame, uint16_t port = 1) {
        receive(std::vector<Bytes>{frame}, port);
    }
    const std::vector<Bytes>& sent(uint16_t port) const { return ports_[port].sent; }
    const Bytes& only_sent(uint16_t port) const {
        static const Bytes kNothing(64);
        EXPECT_EQ(sent(port).size(), 1U) << "on port " << port;
        return sent(port).empty() ? kNothing : sent(port).front();
    }

    // --- Counters ---
    uint64_t dropped(Drop why, uint16_t port = 1) {
        drops_.flush();
        return counters_->ports[port].dropped[static_cast<size_t>(why)].value();
    }
    uint64_t consumed(Consumed what, uint16_t port = 1) const {
        return counters_->ports[port].consumed[static_cast<size_t>(what)].value();
    }
    uint64_t originated(Originated what, uint16_t port = 1) const {
        return counters_->ports[port].originated[static_cast<size_t>(what)].value();
    }
    void expect_accounted() {
        const Books b = closed_books();
        EXPECT_TRUE(is_balanced())
            << "rx " << b.rx << " originated " << b.originated << " tx " << b.tx << " consumed "
            << b.consumed << " dropped " << b.dropped << " held " << b.held();
    }
};

}  // namespace vethway::test
