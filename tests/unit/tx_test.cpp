// SPDX-License-Identifier: Apache-2.0
#include "dataplane/tx.h"

#include <rte_ring.h>

#include "tests/unit/stage_fixture.h"

namespace vethway {
namespace {

using namespace test;

class TxTest : public StageTest {
protected:
    // As a stage does, of a packet that counts as received.
    rte_mbuf* routed(uint16_t egress, const Bytes& bytes = counting(60)) {
        rte_mbuf* m = mbuf(bytes);
        counters_->received(1, 1, 0);
        meta(*m).egress = egress;
        return m;
    }
    void push(uint16_t egress, unsigned n, Tx& tx) {
        for (unsigned i = 0; i < n; ++i) tx.push(snap_, routed(egress, counting(60 + i % 100)));
    }
};

class TxBurstTest : public TxTest, public testing::WithParamInterface<unsigned> {};
TEST_P(TxBurstTest, AllAreSentInOrderAndCounted) {
    push(2, GetParam(), tx_);
    tx_.flush(snap_);
    ASSERT_EQ(sent(2).size(), GetParam());
    uint64_t bytes = 0;
    for (size_t i = 0; i < GetParam(); ++i) {
        EXPECT_EQ(sent(2)[i].size(), 60 + i % 100);
        bytes += sent(2)[i].size();
    }
    EXPECT_EQ(counters_->ports[2].tx_packets.value(), GetParam());
    EXPECT_EQ(counters_->ports[2].tx_bytes.value(), bytes);
}
INSTANTIATE_TEST_SUITE_P(Bursts, TxBurstTest, testing::Values(0, 1, 3, 31, 32, 63, 64, 65, 200));

TEST_F(TxTest, NothingIsSentBeforeTheFlush) {
    push(2, 3, tx_);
    EXPECT_EQ(sent(2).size(), 0U);
    tx_.flush(snap_);
    tx_.flush(snap_);
    EXPECT_EQ(sent(2).size(), 3U);
}

// A batch that fills goes out at once and leaves the list of those that wait, wherever it stands
// there.
TEST_F(TxTest, PortsAreApart) {
    for (uint16_t full = 1; full <= 3; ++full) {
        for (FakePort& port : ports_) port.sent.clear();
        for (uint16_t p = 1; p <= kPorts; ++p) push(p, 5, tx_);
        push(full, 60, tx_);
        EXPECT_EQ(sent(full).size(), 64U);
        tx_.flush(snap_);
        for (uint16_t p = 1; p <= kPorts; ++p) EXPECT_EQ(sent(p).size(), p == full ? 65U : 5U);
    }
}

TEST_F(TxTest, DriverThatTakesAFewAtATime) {
    ports_[2].at_once = 7;
    push(2, 32, tx_);
    tx_.flush(snap_);
    EXPECT_EQ(sent(2).size(), 32U);
    EXPECT_EQ(dropped(Drop::tx_ring_full), 0U);
}

TEST_F(TxTest, DriverThatIsFull) {
    ports_[2].at_once = 7;
    ports_[2].room = 20;
    push(2, 32, tx_);
    tx_.flush(snap_);
    uint64_t bytes = 0;
    for (const Bytes& f : sent(2)) bytes += f.size();
    EXPECT_EQ(sent(2).size(), 20U);
    EXPECT_EQ(dropped(Drop::tx_ring_full), 12U);
    EXPECT_EQ(counters_->ports[2].tx_packets.value(), 20U);
    EXPECT_EQ(counters_->ports[2].tx_bytes.value(), bytes);
}

TEST_F(TxTest, PortThatIsDown) {
    snap_.ports[2].up = false;
    push(2, 70, tx_);
    push(3, 1, tx_);
    tx_.flush(snap_);
    EXPECT_EQ(dropped(Drop::egress_down), 70U);
    EXPECT_EQ(sent(2).size(), 0U);
    EXPECT_EQ(sent(3).size(), 1U);
}

TEST_F(TxTest, EachWorkerItsOwnQueue) {
    snap_.ports[2].tx_queues = 2;
    Tx other(1, *counters_, drops_, waker_, tracer_);
    push(2, 1, tx_);
    push(2, 1, other);
    tx_.flush(snap_);
    other.flush(snap_);
    EXPECT_EQ(ports_[2].queues, (std::vector<uint16_t>{0, 1}));
    EXPECT_TRUE(waker_.woken.empty());
}

// --- More workers than queues: worker 1 hands its packets to worker 0, who owns queue 0 ---
class SharedTxTest : public TxTest {
protected:
    void SetUp() override {
        TxTest::SetUp();
        ring_.reset(rte_ring_create("shared", 64, SOCKET_ID_ANY, RING_F_SC_DEQ));
        ASSERT_NE(ring_, nullptr);
        snap_.ports[2].shared_tx = {ring_.get()};
    }
    Ring ring_;
    Tx other_{1, *counters_, drops_, waker_, tracer_};
};

TEST_F(SharedTxTest, OwnerSendsWhatTheOtherHandsOver) {
    push(2, 40, other_);
    other_.flush(snap_);
    EXPECT_EQ(sent(2).size(), 0U);
    EXPECT_EQ(held(), 40U);
    expect_accounted();
    EXPECT_EQ(waker_.woken, std::vector<unsigned>{0});
    EXPECT_EQ(tx_.drain_shared(snap_), 40U);
    EXPECT_EQ(sent(2).size(), 40U);
    EXPECT_EQ(ports_[2].queues, std::vector<uint16_t>(40, 0));
    EXPECT_EQ(held(), 0U);
    EXPECT_EQ(tx_.drain_shared(snap_), 0U);
}

TEST_F(SharedTxTest, OthersDrainNothing) {
    push(2, 3, other_);
    other_.flush(snap_);
    EXPECT_EQ(other_.drain_shared(snap_), 0U);
    EXPECT_EQ(tx_.drain_shared(snap_), 3U);
}

TEST_F(SharedTxTest, RingThatIsFull) {
    push(2, 63, other_);
    other_.flush(snap_);
    push(2, 5, other_);
    other_.flush(snap_);
    EXPECT_EQ(dropped(Drop::tx_share_full), 5U);
    EXPECT_EQ(held(), 63U);
    EXPECT_EQ(waker_.woken.size(), 1U) << "nothing was handed over the second time";
    EXPECT_EQ(tx_.drain_shared(snap_), 63U);
}

TEST_F(SharedTxTest, OwnerMayFindThePortFull) {
    push(2, 10, other_);
    other_.flush(snap_);
    ports_[2].room = 4;
    EXPECT_EQ(tx_.drain_shared(snap_), 10U);
    EXPECT_EQ(sent(2).size(), 4U);
    EXPECT_EQ(dropped(Drop::tx_ring_full), 6U);
}

TEST_F(SharedTxTest, PortThatWentDownMeanwhile) {
    push(2, 10, other_);
    other_.flush(snap_);
    snap_.ports[2].up = false;
    EXPECT_EQ(tx_.drain_shared(snap_), 10U);
    EXPECT_EQ(sent(2).size(), 0U);
    EXPECT_EQ(dropped(Drop::egress_down), 10U);
}

TEST_F(SharedTxTest, OrderIsKept) {
    for (unsigned i = 0; i < 50; ++i) {
        other_.push(snap_, routed(2, counting(60 + i)));
        if (i % 7 == 0) other_.flush(snap_);
    }
    other_.flush(snap_);
    tx_.drain_shared(snap_);
    for (unsigned i = 0; i < 50; ++i) EXPECT_EQ(sent(2)[i].size(), 60 + i);
}

}  // namespace
}  // namespace vethway
