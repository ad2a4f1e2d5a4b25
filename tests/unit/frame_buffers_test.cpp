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
