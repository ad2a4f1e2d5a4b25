// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ip4/ip4_plain.h"

#include <random>

#include "dataplane/classify.h"
#include "dataplane/ip4/ip4_input.h"
#include "dataplane/net/checksum.h"
#include "tests/unit/stage_fixture.h"

namespace vethway::test {
namespace {

class Ip4PlainTest : public StageTest {
protected:
    struct Taken {
        std::vector<uint16_t> checked, other, left;  // by the packets' number in their IPv4 header
    };
    // One turn of the stage.
    Taken take(const std::vector<Bytes>& frames) {
        Burst rx, checked, other, errors;
        for (const Bytes& f : frames) rx.push(mbuf(f));
        counters_->received(1, frames.size(), 0);
        ip4_plain(*context_, rx, {.checked = checked, .other = other, .errors = errors});
        Taken taken{emptied(checked), emptied(other), emptied(rx)};
        std::ranges::copy(emptied(errors), std::back_inserter(taken.checked));
        return taken;
    }
    bool is_plain(const Bytes& frame) { return take({frame}).checked.size() == 1; }

    // What the stages say of it that look into everything.
    bool passes(const Bytes& frame) const {
        const FrameClass is = classify_frame(frame, kPortMac[1]);
        if (is.kind != FrameKind::ip4 || is.link_group) return false;
        const Bytes l3 = from(frame, sizeof(EtherHeader));
        return check_ip4(l3, l3.size()) == Drop::none && !snap_.is_own(Ip4{ip4_of(frame).src});
    }

private:
    std::vector<uint16_t> emptied(Burst& burst) {
        std::vector<uint16_t> ids;
        for (rte_mbuf* m : burst) {
            const auto frame = frame_bytes(*m);
            ids.push_back(frame.size() < 34 ? uint16_t{0}
                                            : uint16_t{ip4_of({frame.begin(), frame.end()}).id});
            drops_.add(m, Drop::none);
        }
        burst.clear();
        return ids;
    }
};

Bytes with_id(uint16_t id, Bytes options = {}) {
    return frame(Ip4Packet{.id = id, .options = std::move(options)});
}

TEST_F(Ip4PlainTest, TakesWhatThereIsNothingToSayOf) {
    EXPECT_TRUE(is_plain(frame(Ip4Packet{})));
    EXPECT_TRUE(is_plain(frame(Ip4Packet{.ttl = 1})));
    EXPECT_TRUE(is_plain(frame(Ip4Packet{.fragment = Ip4Header::kMoreFragments})));
    EXPECT_TRUE(is_plain(frame(Ip4Packet{.payload = {}})));
    EXPECT_TRUE(is_plain(frame(Ip4Packet{.dst = kPortIp[1]}))) << "for us";
}

TEST_F(Ip4PlainTest, LeavesTheRest) {
    EXPECT_FALSE(is_plain(with_id(1, octets({1, 1, 1, 1})))) << "options";
    EXPECT_FALSE(is_plain(frame(Ip4Packet{.src = kPortIp[2]}))) << "our own source";
    EXPECT_FALSE(is_plain(frame(ArpMessage{})));
    EXPECT_FALSE(
        is_plain(ethernet(Mac::broadcast(), kHostMac[1], kEtherTypeIp4, Ip4Packet{}.bytes())));
    EXPECT_FALSE(is_plain(ethernet(kPortMac[1], kPortMac[1], kEtherTypeIp4, Ip4Packet{}.bytes())));
    EXPECT_FALSE(is_plain(ethernet(kPortMac[2], kHostMac[1], kEtherTypeIp4, Ip4Packet{}.bytes())));
    const Bytes whole = frame(Ip4Packet{});
    for (size_t size = 0; size < whole.size(); ++size)
        EXPECT_FALSE(is_plain(first(whole, size))) << size;
}

TEST_F(Ip4PlainTest, EachBitOfTheHeadersCounts) {
    const Bytes good = frame(Ip4Packet{});
    size_t plain = 0;
    for (size_t bit = 0; bit < 8 * 34; ++bit) {
        Bytes bytes = good;
        bytes[bit / 8] ^= std::byte{1} << bit % 8;
        if (!is_plain(bytes)) continue;
        EXPECT_TRUE(passes(bytes)) << "bit " << bit;
        ++plain;
    }
    // Of the source's MAC address alone, but for the bit by which it is not the port's.
    EXPECT_EQ(plain, 47U);
}

// With a right checksum: each address, length and version. Says no more of what it takes than those
// who look into everything, and takes all that they pass and has no options.
TEST_F(Ip4PlainTest, AgreesWithThoseWhoLookIntoEverything) {
    std::mt19937 random(1);
    const auto byte = [&] { return static_cast<uint8_t>(random()); };
    for (int i = 0; i < 20'000; ++i) {
        Ip4Packet packet{
            .id = static_cast<uint16_t>(random()), .src = kHostIp[1], .padding = byte() % 4U};
        if (i % 2 == 0) packet.src = Ip4{static_cast<uint32_t>(random())};
        if (i % 3 == 0) packet.dst = Ip4{static_cast<uint32_t>(random())};
        if (i % 5 == 0) packet.total_length = static_cast<uint16_t>(random() % 60);
        if (i % 7 == 0) packet.version_ihl = static_cast<uint8_t>(0x40 | (byte() & 0x1f));
        if (i % 11 == 0) packet.checksum = static_cast<uint16_t>(random());
        const Bytes bytes = frame(packet);
        const bool without_options = packet.version_ihl.value_or(0x45) == 0x45;
        ASSERT_EQ(is_plain(bytes), passes(bytes) && without_options)
            << packet.src.to_string() << ' ' << packet.dst.to_string();
    }
}

TEST_F(Ip4PlainTest, TrimsPadding) {
    Burst rx, checked, other, errors;
    rx.push(mbuf(frame(Ip4Packet{.padding = 9})));
    counters_->received(1, 1, 0);
    ip4_plain(*context_, rx, {.checked = checked, .other = other, .errors = errors});
    ASSERT_EQ(checked.size(), 1);
    EXPECT_EQ(checked[0]->pkt_len, frame(Ip4Packet{}).size());
    EXPECT_EQ(meta(*checked[0]).l3_offset, sizeof(EtherHeader));
    drops_.add(checked[0], Drop::none);
}

TEST_F(Ip4PlainTest, TakesPlainOnesAndThoseBehind) {
    const Bytes odd = octets({1, 1, 1, 1});
    const Taken some = take(
        {with_id(1), with_id(2), with_id(3, odd), with_id(4, odd), with_id(5), with_id(6, odd)});
    EXPECT_EQ(some.checked, (std::vector<uint16_t>{1, 2}));
    EXPECT_EQ(some.other, (std::vector<uint16_t>{3, 4}));
    EXPECT_EQ(some.left, (std::vector<uint16_t>{5, 6}));
    const Taken begins_odd = take({with_id(1, odd), with_id(2)});
    EXPECT_TRUE(begins_odd.checked.empty());
    EXPECT_EQ(begins_odd.other, (std::vector<uint16_t>{1}));
    EXPECT_EQ(begins_odd.left, (std::vector<uint16_t>{2}));
    EXPECT_TRUE(take({}).checked.empty());
}

// What a host left to its device may begin behind the IP header only.
TEST_F(Ip4PlainTest, LeavesAChecksumThatCoversTheHeader) {
    snap_.ports[1].offloads = true;
    for (const unsigned start : {33U, 34U}) {
        Burst rx, checked, other, errors;
        rx.push(mbuf(frame(Ip4Packet{})));
        meta(*rx[0]).offload = {.checksum = L4Checksum::partial,
                                .checksum_start = static_cast<uint16_t>(rx[0]->data_off + start)};
        counters_->received(1, 1, 0);
        ip4_plain(*context_, rx, {.checked = checked, .other = other, .errors = errors});
        EXPECT_EQ(checked.size(), start == 34 ? 1 : 0);
        for (Burst* b : {&checked, &other})
            for (rte_mbuf* m : *b) drops_.add(m, Drop::none);
    }
}

TEST(HeaderChecksum, IsRightForOneValueOnly) {
    for (const Ip4 dst : {Ip4{}, Ip4{10, 0, 0, 1}, Ip4{0xffffffff}}) {
        const Bytes bytes = Ip4Packet{.dst = dst, .payload = {}}.bytes();
        Ip4Header ip = *reinterpret_cast<const Ip4Header*>(bytes.data());
        const uint16_t right = ip.checksum;
        for (uint32_t checksum = 0; checksum <= 0xffff; ++checksum) {
            ip.checksum = static_cast<uint16_t>(checksum);
            ASSERT_EQ(is_checksum_right(ip), checksum == right) << checksum;
        }
    }
}

TEST(OwnAddressesTest, HasWhatWasAdded) {
    OwnAddresses own;
    EXPECT_TRUE(own.empty());
    EXPECT_FALSE(own.has(Ip4{10, 0, 0, 1}));
    for (uint32_t i = 300; i-- > 0;) own.add(Ip4{Ip4(10, 0, 0, 0).value + 7 * i});
    EXPECT_EQ(own.lowest(), Ip4(10, 0, 0, 0));
    for (uint32_t i = 0; i < 2100; ++i)
        EXPECT_EQ(own.has(Ip4{Ip4(10, 0, 0, 0).value + i}), i % 7 == 0) << i;
}

}  // namespace
}  // namespace vethway::test
