// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ip4/ip4_reassemble.h"

#include <algorithm>
#include <random>
#include <thread>

#include "tests/unit/stage_fixture.h"

namespace vethway {
namespace {

using namespace test;

constexpr uint16_t kMore = Ip4Header::kMoreFragments;

class ReassembleTest : public StageTest {
protected:
    void SetUp() override {
        StageTest::SetUp();
        know_hosts();
        snap_.ports[1].mtu = 65535;  // so that an answer is one frame
    }
    void receive_all(const std::vector<Bytes>& frames) {
        for (size_t at = 0; at < frames.size(); at += kBurst)
            receive(std::vector<Bytes>(frames.begin() + static_cast<std::ptrdiff_t>(at),
                                       frames.begin() + static_cast<std::ptrdiff_t>(
                                                            std::min(at + kBurst, frames.size()))));
    }
    // As the control thread does: first fragments go back to a worker, others end.
    void expire(uint64_t seconds) {
        context_->now += seconds * kHz;
        PacketList expired = reassembly_.take_expired(context_->now);
        Burst back;
        while (rte_mbuf* m = expired.pop()) {
            meta(*m).why = Drop::fragment_timeout;
            meta(*m).icmp_type = kIcmpTimeExceeded;
            meta(*m).icmp_code = kIcmpReassemblyTimeExceeded;
            meta(*m).inject = Inject::undeliverable;
            back.push(m);
            if (back.size() == kBurst) pipeline_->inject(back);
        }
        pipeline_->inject(back);
    }
};

// `whole` in pieces that end at `cuts` (bytes of its payload, multiples of eight) and its end.
std::vector<Bytes> pieces_of(const Ip4Packet& whole, std::vector<size_t> cuts) {
    cuts.push_back(whole.payload.size());
    std::vector<Bytes> frames;
    size_t begin = 0;
    for (const size_t end : cuts) {
        Ip4Packet piece = whole;
        piece.l4 = Sum::as_is;
        piece.payload = first(from(whole.payload, begin), end - begin);
        piece.fragment =
            static_cast<uint16_t>(begin / 8 | (end < whole.payload.size() ? kMore : 0));
        frames.push_back(frame(piece));
        begin = end;
    }
    return frames;
}
Ip4Packet echo_of(size_t size, uint16_t id = 1) {
    return {.protocol = kProtocolIcmp,
            .id = id,
            .dst = kPortIp[1],
            .payload = icmp(kIcmpEchoRequest, 0, counting(size))};
}
// Some bytes of a datagram without an end, or at its end.
Bytes part(size_t begin, size_t size, bool more = true, uint16_t id = 1, uint8_t tos = 0) {
    return frame(Ip4Packet{.tos = tos,
                           .id = id,
                           .fragment = static_cast<uint16_t>(begin / 8 | (more ? kMore : 0)),
                           .dst = kPortIp[1],
                           .payload = counting(size),
                           .l4 = Sum::as_is});
}

TEST_F(ReassembleTest, RandomSplitsOrdersAndDuplicates) {
    std::mt19937 random(20240607);
    const auto up_to = [&](size_t n) {
        return std::uniform_int_distribution<size_t>(0, n)(random);
    };
    uint64_t pieces_sent = 0, twice = 0;
    for (uint16_t round = 1; round <= 150; ++round) {
        const Ip4Packet whole = echo_of(round % 30 == 0 ? 65507 - up_to(9) : up_to(3000), round);
        const size_t most = whole.payload.size() > 5000 ? 1480 : 8 + up_to(60) * 8;
        std::vector<size_t> cuts;
        for (size_t at = 0;;) {
            at += std::max<size_t>(8, most - up_to(most / 16) * 8);
            at &= ~size_t{7};
            if (at >= whole.payload.size()) break;
            cuts.push_back(at);
        }
        if (cuts.empty()) cuts.push_back(8);
        if (cuts.back() >= whole.payload.size()) continue;
        std::vector<Bytes> frames = pieces_of(whole, cuts);
        pieces_sent += frames.size();
        // More gaps than may be are another test's.
        if (frames.size() <= ReassemblyTable::kMaxRuns) std::ranges::shuffle(frames, random);
        for (size_t n = up_to(2); n > 0; --n, ++twice) {
            const size_t which = up_to(frames.size() - 2);
            const size_t where = which + 1 + up_to(frames.size() - 2 - which);
            const Bytes again = frames[which];
            frames.insert(frames.begin() + static_cast<std::ptrdiff_t>(where), again);
        }
        receive_all(frames);
        const Bytes& reply = only_sent(1);
        ASSERT_TRUE(is_valid_ip4_frame(reply)) << "round " << round;
        EXPECT_EQ(reference_checksum(l4_of(reply)), 0);
        EXPECT_EQ(from(l4_of(reply), 4), from(whole.payload, 4)) << "round " << round;
        EXPECT_EQ(held(), 0U);
        ports_[1].sent.clear();
    }
    EXPECT_EQ(consumed(Consumed::reassembled), pieces_sent);
    EXPECT_EQ(dropped(Drop::fragment_duplicate), twice);
    EXPECT_EQ(originated(Originated::reassembled), originated(Originated::echo_reply));
}

TEST_F(ReassembleTest, LargestAnswersInFragments) {
    snap_.ports[1].mtu = 1500;
    std::vector<size_t> cuts;
    for (size_t at = 1480; at < 65515; at += 1480) cuts.push_back(at);
    receive_all(pieces_of(echo_of(65507), cuts));
    ASSERT_EQ(sent(1).size(), 45U);
    Bytes all;
    for (const Bytes& piece : sent(1)) all = join(all, l4_of(piece));
    EXPECT_EQ(from(all, 4), from(echo_of(65507).payload, 4));
    EXPECT_EQ(reference_checksum(all), 0);
}

TEST_F(ReassembleTest, IsHeldUntilItIsWhole) {
    const auto pieces = pieces_of(echo_of(40), {16, 32});
    receive(pieces[2]);
    receive(pieces[0]);
    EXPECT_EQ(held(), 2U);
    EXPECT_EQ(reassembly_.held(), 2U);
    expect_accounted();
    receive(pieces[1]);
    EXPECT_EQ(held(), 0U);
    EXPECT_EQ(consumed(Consumed::reassembled), 3U);
    EXPECT_EQ(sent(1).size(), 1U);
}

TEST_F(ReassembleTest, AWhatIfHoldsNothing) {
    context_->dry = true;
    receive(part(0, 64));
    EXPECT_EQ(reassembly_.held(), 0U);
    counters_->consumed(1, Consumed::host);  // for the books, which no what-if has
    receive(part(0, 0));
    EXPECT_EQ(dropped(Drop::fragment_malformed), 1U);
}

struct EndCase {
    const char* name;
    std::vector<Bytes> frames;
    Drop why;
    uint64_t dropped, held;
    bool says_what_if = true;
};
class ReassembleEndTest : public ReassembleTest, public testing::WithParamInterface<EndCase> {};
TEST_P(ReassembleEndTest, As) {
    receive_all(GetParam().frames);
    EXPECT_EQ(dropped(GetParam().why), GetParam().dropped);
    EXPECT_EQ(held(), GetParam().held);
    EXPECT_EQ(originated(Originated::reassembled), 0U);
}
// Of the last one, if it is not for what the whole would be.
TEST_P(ReassembleEndTest, AWhatIfSays) {
    const EndCase& test = GetParam();
    receive_all({test.frames.begin(), test.frames.end() - 1});
    const uint64_t before = held();
    context_->dry = true;
    receive(test.frames.back());
    EXPECT_EQ(dropped(test.why), test.says_what_if ? 1U : 0U);
    EXPECT_EQ(held(), before);
    EXPECT_EQ(reassembly_.held(), before);
    if (!test.says_what_if) counters_->consumed(1, Consumed::host);  // no what-if has books
}
// clang-format off
INSTANTIATE_TEST_SUITE_P(Linux, ReassembleEndTest, testing::Values(
    EndCase{"overlap_ends_all", {part(0, 24), part(48, 8), part(16, 16)}, Drop::fragment_overlap, 3, 0},
    EndCase{"overlap_of_the_last", {part(24, 24), part(40, 32)}, Drop::fragment_overlap, 2, 0},
    EndCase{"overlap_of_two_runs", {part(48, 8), part(40, 8), part(40, 16)}, Drop::fragment_overlap, 3, 0},
    EndCase{"twice", {part(0, 24), part(0, 24)}, Drop::fragment_duplicate, 1, 1},
    EndCase{"within_a_run", {part(0, 24), part(24, 24), part(8, 32)}, Drop::fragment_duplicate, 1, 2},
    EndCase{"two_ends", {part(24, 8, false), part(24, 16, false)}, Drop::fragment_malformed, 2, 0},
    EndCase{"behind_the_end", {part(24, 8, false), part(40, 8)}, Drop::fragment_malformed, 2, 0},
    EndCase{"end_before", {part(24, 16), part(0, 8), part(16, 8, false)}, Drop::fragment_malformed, 3, 0},
    EndCase{"empty", {part(0, 8), part(8, 0)}, Drop::fragment_malformed, 2, 0},
    EndCase{"seven_bytes", {part(0, 8), part(8, 7)}, Drop::fragment_malformed, 2, 0},
    EndCase{"ecn_of_two_minds", {part(0, 8), part(8, 8, false, 1, 2)}, Drop::fragment_malformed, 2, 0, false},
    EndCase{"other_id", {part(0, 8), part(8, 8, false, 2)}, Drop::fragment_overlap, 0, 2, false}),
    [](const auto& c) { return c.param.name; });
// clang-format on

TEST_F(ReassembleTest, PastTheLargest) {
    std::vector<Bytes> frames;
    for (size_t at = 0; at < 65528; at += 1024)
        frames.push_back(part(at, std::min<size_t>(1024, 65528 - at)));
    frames.push_back(part(65528, 8, false));
    const size_t n = frames.size();
    receive_all(frames);
    EXPECT_EQ(dropped(Drop::fragment_malformed), n);
}

TEST_F(ReassembleTest, TimeRunsOutAndTheSenderIsTold) {
    receive(part(0, 64, true, 1));
    receive(part(64, 64, false, 2));  // of which no first fragment came: nobody is told
    expire(29);
    EXPECT_EQ(held(), 2U);
    expire(1);
    EXPECT_EQ(held(), 0U);
    EXPECT_EQ(dropped(Drop::fragment_timeout), 2U);
    const Bytes& error = only_sent(1);
    EXPECT_EQ(icmp_of(error).type, kIcmpTimeExceeded);
    EXPECT_EQ(icmp_of(error).code, 1);
    EXPECT_EQ(Ip4{ip4_of(error).src}, kPortIp[1]);
    EXPECT_EQ(from(l4_of(error), 8), from(part(0, 64, true, 1), sizeof(EtherHeader)));
}

TEST_F(ReassembleTest, SoManyAndNoMore) {
    for (uint16_t id = 0; id < 514; ++id) receive(part(0, 8, true, id));
    EXPECT_EQ(held(), 512U) << "of the fixture";
    EXPECT_EQ(dropped(Drop::fragment_limit), 2U);
    context_->dry = true;
    receive(part(0, 8, true, 514));
    EXPECT_EQ(dropped(Drop::fragment_limit), 3U) << "as a what-if says";
    context_->dry = false;
    expire(30);
    receive(part(0, 8));
    EXPECT_EQ(held(), 1U);
}

TEST_F(ReassembleTest, SoManyGapsAndNoMore) {
    for (size_t i = 0; i <= ReassemblyTable::kMaxRuns; ++i) receive(part((300 - i) * 16, 8));
    EXPECT_EQ(held(), ReassemblyTable::kMaxRuns);
    EXPECT_EQ(dropped(Drop::fragment_limit), 1U);
    context_->dry = true;
    receive(part(299 * 16 - 16, 8));
    EXPECT_EQ(dropped(Drop::fragment_duplicate), 1U) << "as a what-if says";
    receive(part(8, 8));
    EXPECT_EQ(dropped(Drop::fragment_limit), 2U) << "as a what-if says";
}

// Linux ipfrag_max_dist: an id may mean another datagram by then.
TEST_F(ReassembleTest, TooManyOthersOfTheSourceBetween) {
    receive(part(0, 24, true, 1000));
    for (uint16_t id = 0; id < 64; ++id) receive(part(0, 8, true, id));
    context_->dry = true;
    receive(part(8, 8, true, 1000));  // as the first of a datagram: it overlaps nothing
    EXPECT_EQ(dropped(Drop::fragment_duplicate), 0U);
    context_->dry = false;
    counters_->consumed(1, Consumed::host);  // no what-if has books
    receive(part(24, 24, false, 1000));
    EXPECT_EQ(dropped(Drop::fragment_limit), 1U);
    EXPECT_EQ(held(), 65U);
    receive(part(0, 24, true, 1000));
    EXPECT_EQ(originated(Originated::reassembled), 1U);
}

TEST_F(ReassembleTest, TakesWhatCameByOnePort) {
    receive(part(0, 8, true, 1));
    receive(part(16, 8, true, 1));
    receive(part(0, 8, true, 2));
    int asked = 0;
    PacketList gone =
        reassembly_.take_if([&](rte_mbuf& m) { return ++asked == 2 && ip4(m).id == 1; });
    EXPECT_EQ(gone.size(), 2U);
    EXPECT_EQ(reassembly_.held(), 1U);
    while (rte_mbuf* m = gone.pop()) {
        counters_->taken_up(1);
        drops_.add(m, Drop::port_removed);
    }
}

TEST_F(ReassembleTest, KeepsWhatTheFirstSays) {
    Ip4Packet whole{.tos = 0, .dst = kPortIp[1], .payload = udp(counting(64))};
    set_l4_checksum(whole.payload, Sum::valid, kProtocolUdp, whole.src, whole.dst);
    Ip4Packet a = whole, b = whole;
    a.l4 = b.l4 = Sum::as_is;
    a.options = octets({1, 1, 1, 0});
    a.payload = first(whole.payload, 48);
    a.fragment = kMore | Ip4Header::kDontFragment;
    b.payload = from(whole.payload, 48);
    b.fragment = 6;
    receive(frame(b));
    receive(frame(a));
    whole.options = a.options;
    whole.fragment = Ip4Header::kDontFragment;
    whole.l4 = Sum::as_is;
    EXPECT_EQ(from(l4_of(only_sent(1)), 8), whole.bytes());
    EXPECT_EQ(dropped(Drop::port_closed), 1U);
}

// The fragments of each datagram come to two workers, while the control thread looks for what is
// too old.
TEST_F(ReassembleTest, WorkersShareTheTable) {
    constexpr uint16_t kDatagrams = 250;
    ReassemblyTable table(1000, kHz);
    std::array<std::vector<rte_mbuf*>, 2> coming;
    for (uint16_t id = 0; id < kDatagrams; ++id) {
        Ip4Packet whole = echo_of(40, id);
        whole.src = Ip4(0x0a000000U + id);
        const auto pieces = pieces_of(whole, {8, 24, 40});
        for (size_t i = 0; i < pieces.size(); ++i) {
            rte_mbuf* const m = mbuf(pieces[i]);
            meta(*m).l3_offset = sizeof(EtherHeader);
            coming[(i + id) % 2].push_back(m);
        }
    }
    const size_t all = coming[0].size() + coming[1].size();
    struct Seen {
        unsigned datagrams = 0, fragments = 0, disordered = 0;
    };
    std::array<Seen, 2> seen;
    std::atomic<unsigned> at_work{2};
    const auto work = [&](size_t worker) {
        for (rte_mbuf* m : coming[worker]) {
            ReassemblyTable::Result result = table.add(*m, context_->now);
            if (result.fate == ReassemblyTable::Fate::complete) ++seen[worker].datagrams;
            uint32_t end = 0;
            while (rte_mbuf* f = result.fragments.pop()) {
                const FragmentSpan at = fragment_span(ip4(*f));
                seen[worker].disordered += at.begin != end;
                end = at.end;
                ++seen[worker].fragments;
                rte_pktmbuf_free(f);
            }
        }
        --at_work;
    };
    std::thread one(work, 0U), other(work, 1U);
    while (at_work > 0) {
        EXPECT_TRUE(table.take_expired(context_->now).empty());
        EXPECT_LE(table.held(), all);
    }
    one.join();
    other.join();
    EXPECT_EQ(seen[0].datagrams + seen[1].datagrams, kDatagrams);
    EXPECT_EQ(seen[0].fragments + seen[1].fragments, all);
    EXPECT_EQ(seen[0].disordered + seen[1].disordered, 0U);
    EXPECT_EQ(table.held(), 0U);
}

}  // namespace
}  // namespace vethway
