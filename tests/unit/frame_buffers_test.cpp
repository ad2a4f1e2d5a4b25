// SPDX-License-Identifier: Apache-2.0
// Frames of which several have the same bytes.
#include "dataplane/frame_buffers.h"

#include "dataplane/offload/checksum.h"
#include "tests/unit/stage_fixture.h"

namespace vethway {
namespace {

using namespace test;

class FrameBuffersTest : public StageTest {
protected:
    static Bytes bytes_of(const rte_mbuf& m) {
        Bytes out(m.pkt_len);
        copy_out(m, 0, out);
        return out;
    }
};

TEST_F(FrameBuffersTest, AShareHasAMetaOfItsOwn) {
    rte_mbuf* m = mbuf(counting(1000));
    rte_mbuf* s = buffers_.share(*m);
    ASSERT_NE(s, nullptr);
    meta(*s).egress = 7;
    EXPECT_NE(meta(*m).egress, 7);
    EXPECT_EQ(bytes_of(*s), bytes_of(*m));
    EXPECT_TRUE(is_shared(*m));
    EXPECT_TRUE(is_shared(*s));
    rte_pktmbuf_free(s);
    EXPECT_FALSE(is_shared(*m));
    rte_pktmbuf_free(m);
}

TEST_F(FrameBuffersTest, FreesFramesOfEveryKind) {
    const auto small = [this] { return mbuf(counting(60)); };
    const auto large = [this] { return mbuf(counting(40000)); };    // of the other pool
    const auto chained = [this] { return mbuf(counting(65535)); };  // of both
    rte_mbuf* const kept = small();
    std::vector<std::vector<rte_mbuf*>> bursts{
        {},
        {small(), small(), small()},
        {small(), large(), chained(), small()},
        {large(), small(), large()},
        {chained()},
        {buffers_.share(*kept), small(), buffers_.share(*kept)}};
    for (std::vector<rte_mbuf*>& burst : bursts) free_frames(burst);
    EXPECT_EQ(rte_mempool_in_use_count(pool_), 1U);
    EXPECT_EQ(rte_mempool_in_use_count(large_pool_), 0U);
    EXPECT_FALSE(is_shared(*kept));
    std::array last{kept};
    free_frames(last);
}

TEST_F(FrameBuffersTest, OwnHeadersAreOnesOwn) {
    for (const size_t size : {60U, 256U, 257U, 1500U, 2048U, 40000U, 65535U}) {
        rte_mbuf* m = mbuf(counting(size));
        const Bytes before = bytes_of(*m);
        meta(*m).offload = {.checksum = L4Checksum::partial,
                            .checksum_start = static_cast<uint16_t>(m->data_off + 34),
                            .checksum_offset = 16};
        rte_mbuf* s = buffers_.share(*m);
        rte_mbuf* own = buffers_.with_own_headers(s);
        ASSERT_NE(own, nullptr);
        EXPECT_EQ(bytes_of(*own), before) << size;
        EXPECT_EQ(meta(*own).offload.checksum_start - own->data_off, 34);
        std::memset(rte_pktmbuf_mtod(own, void*), 0, 60);
        EXPECT_EQ(bytes_of(*m), before) << size;
        EXPECT_LE(own->nb_segs, 3);
        EXPECT_EQ(rte_mbuf_check(own, 1, nullptr), 0);
        rte_pktmbuf_free(own);
        EXPECT_EQ(buffers_.with_own_headers(m), m) << "nobody else has it any more";
        rte_pktmbuf_free(m);
    }
}

// Small ones are copies, of which each may be changed; of large ones there is one, whoever has it.
TEST_F(FrameBuffersTest, SpreadsAFrame) {
    for (const size_t size : {14U, 60U, 256U, 257U, 1500U, 40000U}) {
        rte_mbuf* m = mbuf(counting(size));
        m->vlan_tci = 0xa00a;
        meta(*m).offload = {.checksum = L4Checksum::partial,
                            .checksum_start = static_cast<uint16_t>(m->data_off + 14)};
        std::array<rte_mbuf*, 15> copies{};
        ASSERT_EQ(buffers_.spread(*m, copies), copies.size());
        EXPECT_EQ(is_shared(*m), size > 256) << size;
        for (rte_mbuf* copy : copies) {
            EXPECT_EQ(bytes_of(*copy), bytes_of(*m)) << size;
            EXPECT_EQ(copy->vlan_tci, 0xa00a);
            EXPECT_EQ(meta(*copy).port, 1);
            EXPECT_EQ(meta(*copy).offload.checksum_start - copy->data_off, 14);
            EXPECT_EQ(rte_mbuf_check(copy, 1, nullptr), 0);
        }
        rte_pktmbuf_free_bulk(copies.data(), copies.size());
        rte_pktmbuf_free(m);
    }
}

// As far as mbufs go.
TEST_F(FrameBuffersTest, SpreadsAsFarAsThePoolGoes) {
    for (const size_t size : {60U, 1000U}) {
        rte_mbuf* m = mbuf(counting(size));
        std::vector<rte_mbuf*> taken;
        while (rte_mbuf* one = rte_pktmbuf_alloc(pool_)) taken.push_back(one);
        for (int i = 0; i < 3; ++i, taken.pop_back()) rte_pktmbuf_free(taken.back());
        std::array<rte_mbuf*, 15> copies{};
        EXPECT_EQ(buffers_.spread(*m, copies), 3U) << size;
        rte_pktmbuf_free_bulk(copies.data(), 3);
        rte_pktmbuf_free_bulk(taken.data(), static_cast<unsigned>(taken.size()));
        rte_pktmbuf_free(m);
    }
}

// The bytes behind the headers go into the checksum as well.
TEST_F(FrameBuffersTest, AChecksumIsCompletedBesideAShare) {
    Ip4Packet packet{.protocol = kProtocolTcp, .payload = tcp(counting(1200)), .l4 = Sum::partial};
    rte_mbuf* m = mbuf(frame(packet));
    meta(*m).offload = {.checksum = L4Checksum::partial,
                        .checksum_start = static_cast<uint16_t>(m->data_off + 34),
                        .checksum_offset = 16};
    rte_mbuf* s = buffers_.share(*m);
    rte_mbuf* own = buffers_.with_own_headers(s);
    complete_checksum(*own);
    packet.l4 = Sum::valid;
    EXPECT_EQ(bytes_of(*own), frame(packet));
    packet.l4 = Sum::partial;
    EXPECT_EQ(bytes_of(*m), frame(packet));
    rte_pktmbuf_free(own);
    rte_pktmbuf_free(m);
}

}  // namespace
}  // namespace vethway
