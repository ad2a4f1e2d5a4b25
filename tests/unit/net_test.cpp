// SPDX-License-Identifier: Apache-2.0
// dataplane/net: addresses, prefixes, big-endian fields and the Internet checksum.
#include <gtest/gtest.h>

#include <bit>
#include <cstddef>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "dataplane/net/byte_order.h"
#include "dataplane/net/checksum.h"
#include "dataplane/net/headers.h"
#include "dataplane/net/ip4.h"
#include "dataplane/net/mac.h"

namespace vethway {
namespace {

using namespace std::string_view_literals;

TEST(Mac, ParsesAndPrints) {
    for (const char* text :
         {"02:00:00:00:00:01", "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "01:23:45:67:89:ab"}) {
        const auto mac = Mac::parse(text);
        ASSERT_TRUE(mac) << text;
        EXPECT_EQ(mac->to_string(), text);
        EXPECT_EQ(Mac::from_u48(mac->to_u48()), *mac);
    }
    EXPECT_EQ(Mac::parse("AB:cD:Ef:00:00:01")->to_string(), "ab:cd:ef:00:00:01");
    EXPECT_EQ(Mac::parse("01:23:45:67:89:ab")->to_u48(), 0x0123456789abU);
    EXPECT_EQ(Mac::parse("01:23:45:67:89:ab")->bytes[0], 0x01);  // the first on the wire
}

// clang-format off
TEST(Mac, RefusesAnythingElse) {
    for (const auto text :
         {""sv, "02:00:00"sv, "02:00:00:00:00"sv, "02:00:00:00:00:"sv, "02:00:00:00:00:0"sv,
          "02:00:00:00:00:01:"sv, "02:00:00:00:00:001"sv, "02:00:00:00:00:01:02"sv,
          "02-00-00-00-00-01"sv, "0200.0000.0001"sv, "020000000001"sv, "02:00:00:00:00 01"sv,
          "02:00:00:00:00:0g"sv, "02:00:00:00:00:g0"sv, "g2:00:00:00:00:00"sv,
          " 2:00:00:00:00:00"sv, "-2:00:00:00:00:00"sv, "+2:00:00:00:00:00"sv,
          "0x:00:00:00:00:00"sv, "02:00:00:00:00:0\0"sv, " 02:00:00:00:00:01"sv})
        EXPECT_FALSE(Mac::parse(text)) << '"' << text << '"';
}
// clang-format on

TEST(Mac, Kinds) {
    EXPECT_TRUE(Mac::broadcast().is_group());
    EXPECT_TRUE(Mac::parse("01:00:5e:00:00:01")->is_group());
    EXPECT_FALSE(Mac::parse("fe:ff:ff:ff:ff:ff")->is_group());
    EXPECT_TRUE(Mac{}.is_zero());
    EXPECT_FALSE(Mac::parse("00:00:00:00:00:01")->is_zero());
    EXPECT_FALSE(Mac::parse("80:00:00:00:00:00")->is_zero());
}

TEST(Ip4, ParsesAndPrints) {
    for (const char* text : {"0.0.0.0", "1.2.3.4", "10.0.0.255", "127.0.0.1", "255.255.255.255"}) {
        const auto ip = Ip4::parse(text);
        ASSERT_TRUE(ip) << text;
        EXPECT_EQ(ip->to_string(), text);
    }
    EXPECT_EQ(Ip4::parse("1.2.3.4")->value, 0x01020304U);
    EXPECT_EQ(Ip4(255, 254, 253, 252).value, 0xfffefdfcU);
}

TEST(Ip4, RefusesAnythingElse) {
    for (const auto text :
         {""sv, "1"sv, "1.2.3"sv, "1.2.3."sv, ".1.2.3"sv, "1..2.3"sv, "1.2.3.4.5"sv, "1.2.3.256"sv,
          "1.2.3.-4"sv, "1.2.3.04"sv, "1.2.3.4 "sv, " 1.2.3.4"sv, "1.2.3.0x4"sv, "a.b.c.d"sv,
          "::1"sv, "1.2.3.4/24"sv, "1.2.3.4\n"sv, "01.2.3.4"sv})
        EXPECT_FALSE(Ip4::parse(text)) << '"' << text << '"';
}

TEST(Ip4, Kinds) {
    const auto in = [](bool (Ip4::*is)() const noexcept, const char* before, const char* first,
                       const char* last, const char* after) {
        EXPECT_FALSE((Ip4::parse(before).value().*is)()) << before;
        EXPECT_TRUE((Ip4::parse(first).value().*is)()) << first;
        EXPECT_TRUE((Ip4::parse(last).value().*is)()) << last;
        EXPECT_FALSE((Ip4::parse(after).value().*is)()) << after;
    };
    in(&Ip4::is_zero, "255.255.255.255", "0.0.0.0", "0.0.0.0", "0.0.0.1");
    in(&Ip4::is_this_network, "255.255.255.255", "0.0.0.0", "0.255.255.255", "1.0.0.0");
    in(&Ip4::is_loopback, "126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0");
    in(&Ip4::is_link_local, "169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0");
    in(&Ip4::is_multicast, "223.255.255.255", "224.0.0.0", "239.255.255.255", "240.0.0.0");
    in(&Ip4::is_reserved, "239.255.255.255", "240.0.0.0", "255.255.255.255", "0.0.0.0");
    in(&Ip4::is_limited_broadcast, "255.255.255.254", "255.255.255.255", "255.255.255.255",
       "0.0.0.0");
}

Prefix4 prefix(const char* text) { return Prefix4::parse(text).value(); }

TEST(Prefix4, ParsesAndPrints) {
    for (const char* text :
         {"0.0.0.0/0", "10.0.0.0/8", "10.1.2.3/24", "10.1.2.4/31", "10.1.2.3/32"})
        EXPECT_EQ(prefix(text).to_string(), text);
    EXPECT_EQ(prefix("10.1.2.3").to_string(), "10.1.2.3/32");
}

TEST(Prefix4, RefusesAnythingElse) {
    for (const auto text : {""sv, "/"sv, "/24"sv, "10.0.0.0/"sv, "10.0.0.0/33"sv, "10.0.0.0/256"sv,
                            "10.0.0.0/-1"sv, "10.0.0.0/+8"sv, "10.0.0.0/ 8"sv, "10.0.0.0/8 "sv,
                            "10.0.0.0/8/8"sv, "10.0.0.0//8"sv, "10.0.0.0 /8"sv, "10.0.0/8"sv,
                            "10.0.0.0/a"sv, "10.0.0.0/255.0.0.0"sv, "10.0.0.0/99999999999"sv})
        EXPECT_FALSE(Prefix4::parse(text)) << '"' << text << '"';
}

TEST(Prefix4, Masks) {
    for (unsigned length = 0; length <= 32; ++length) {
        EXPECT_EQ(std::popcount(Prefix4::mask(length)), static_cast<int>(length));
        EXPECT_EQ(std::countl_one(Prefix4::mask(length)), static_cast<int>(length));
    }
    EXPECT_EQ(prefix("10.1.2.3/20").netmask().to_string(), "255.255.240.0");
    EXPECT_EQ(prefix("10.1.2.3/20").network().to_string(), "10.1.0.0/20");
    EXPECT_EQ(prefix("10.1.2.3/0").network().to_string(), "0.0.0.0/0");
}

TEST(Prefix4, Broadcast) {
    EXPECT_EQ(prefix("10.1.2.3/24").broadcast(), Ip4(10, 1, 2, 255));
    EXPECT_EQ(prefix("10.1.2.5/30").broadcast(), Ip4(10, 1, 2, 7));
    EXPECT_EQ(prefix("10.1.2.5/0").broadcast(), Ip4(255, 255, 255, 255));
    EXPECT_FALSE(prefix("10.1.2.4/31").broadcast());  // RFC 3021: both addresses are hosts
    EXPECT_FALSE(prefix("10.1.2.4/32").broadcast());
}

TEST(Prefix4, Contains) {
    struct Case {
        const char *prefix, *first, *last, *outside;
    };
    for (const auto& [text, first, last, outside] :
         {Case{"10.1.2.3/24", "10.1.2.0", "10.1.2.255", "10.1.3.0"},
          Case{"10.1.2.4/31", "10.1.2.4", "10.1.2.5", "10.1.2.6"},
          Case{"10.1.2.4/32", "10.1.2.4", "10.1.2.4", "10.1.2.5"},
          Case{"128.0.0.0/1", "128.0.0.0", "255.255.255.255", "127.255.255.255"}}) {
        EXPECT_TRUE(prefix(text).contains(Ip4::parse(first).value())) << text;
        EXPECT_TRUE(prefix(text).contains(Ip4::parse(last).value())) << text;
        EXPECT_FALSE(prefix(text).contains(Ip4::parse(outside).value())) << text;
    }
    EXPECT_TRUE(prefix("1.2.3.4/0").contains(Ip4(255, 255, 255, 255)));
}

TEST(Prefix4, Overlaps) {
    const auto both_ways = [](const char* a, const char* b) {
        EXPECT_EQ(prefix(a).overlaps(prefix(b)), prefix(b).overlaps(prefix(a))) << a << ' ' << b;
        return prefix(a).overlaps(prefix(b));
    };
    EXPECT_TRUE(both_ways("10.0.0.0/8", "10.1.2.0/24"));
    EXPECT_TRUE(both_ways("10.1.2.1/24", "10.1.2.2/24"));
    EXPECT_TRUE(both_ways("0.0.0.0/0", "10.1.2.3/32"));
    EXPECT_FALSE(both_ways("10.1.2.4/32", "10.1.2.5/32"));
}

TEST(BigEndian, LiesInNetworkOrderAtAnyAddress) {
    std::byte raw[8] = {};
    auto& f16 = *new (raw + 1) Be16;
    auto& f32 = *new (raw + 3) Be32;
    f16 = 0x0102;
    f32 = 0x03040506;
    for (size_t i = 1; i <= 6; ++i) EXPECT_EQ(raw[i], std::byte(i));
    EXPECT_EQ(f16, 0x0102);
    EXPECT_EQ(f32, 0x03040506U);
    f16 = static_cast<uint16_t>(f16 + 1);
    EXPECT_EQ(raw[2], std::byte{3});
    static_assert(Be16(0xfffe) == 0xfffe && Be32(0xfffefdfc) == 0xfffefdfc);
}

TEST(Headers, Fragments) {
    Ip4Header ip{};
    struct Case {
        uint16_t field;
        bool any, later, dont;
    };
    for (const Case& c : {Case{0, false, false, false}, Case{0x4000, false, false, true},
                          Case{0x2000, true, false, false}, Case{0x2001, true, true, false},
                          Case{0x1fff, true, true, false}, Case{0x8000, false, false, false}}) {
        ip.fragment = c.field;
        EXPECT_EQ(ip.is_fragment(), c.any) << c.field;
        EXPECT_EQ(ip.is_later_fragment(), c.later) << c.field;
        EXPECT_EQ(ip.dont_fragment(), c.dont) << c.field;
    }
    ip.version_ihl = 0x6f;
    EXPECT_EQ(ip.version(), 6U);
    EXPECT_EQ(ip.header_bytes(), 60U);
}

// RFC 1071 as it is written: 16-bit words in network order, an odd byte padded with zero.
uint16_t naive_checksum(std::span<const std::byte> bytes) {
    uint64_t sum = 0;
    for (size_t i = 0; i < bytes.size(); ++i)
        sum += std::to_integer<uint64_t>(bytes[i]) << (i % 2 == 0 ? 8 : 0);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<uint16_t>(~sum);
}

std::vector<std::byte> bytes_of(std::initializer_list<int> values) {
    std::vector<std::byte> out;
    for (const int v : values) out.push_back(static_cast<std::byte>(v));
    return out;
}

TEST(Checksum, KnownPackets) {
    // RFC 1071, section 3: the sum is ddf2.
    EXPECT_EQ(internet_checksum(bytes_of({0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7})),
              0xffff - 0xddf2);
    // An IPv4 header, 172.16.10.99 to 172.16.10.12.
    EXPECT_EQ(
        internet_checksum(bytes_of({0x45, 0, 0,    0x3c, 0x1c, 0x46, 0x40, 0,    0x40, 0x06,
                                    0,    0, 0xac, 0x10, 0x0a, 0x63, 0xac, 0x10, 0x0a, 0x0c})),
        0xb1e6);
    EXPECT_EQ(internet_checksum({}), 0xffff);
    EXPECT_EQ(internet_checksum(bytes_of({0, 0, 0})), 0xffff);
    EXPECT_EQ(internet_checksum(bytes_of({0xff, 0xff})), 0);
    EXPECT_EQ(internet_checksum(bytes_of({0xab})), 0xffff - 0xab00);
}

TEST(Checksum, AnyLengthAndAlignment) {
    std::mt19937 random(1);
    for (const bool all_ones : {false, true})
        for (size_t length = 0; length <= 70; ++length)
            for (size_t offset = 0; offset < 16; ++offset) {
                // The block ends with the data: ASan sees a read past it.
                const auto block = std::make_unique<std::byte[]>(offset + length);
                const std::span data(block.get() + offset, length);
                for (auto& b : data)
                    b = all_ones ? std::byte{0xff} : static_cast<std::byte>(random());
                EXPECT_EQ(internet_checksum(data), naive_checksum(data)) << length << '+' << offset;
            }
}

TEST(Checksum, InParts) {
    std::mt19937 random(2);
    std::vector<std::byte> data(1501);
    for (auto& b : data) b = static_cast<std::byte>(random());
    const std::span all(data);
    for (size_t cut = 0; cut <= 64; cut += 2) {
        ChecksumSum sum;
        sum.add(all.first(cut));
        sum.add(all.subspan(cut));
        EXPECT_EQ(sum.checksum(), naive_checksum(all)) << cut;
    }
    const std::vector<std::byte> jumbo(65535, std::byte{0xff});
    EXPECT_EQ(internet_checksum(jumbo), naive_checksum(jumbo));
}

TEST(Checksum, VerifiesToZero) {
    auto data = bytes_of({0x45, 0, 0, 0x14, 1, 2, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 1, 2});
    const uint16_t checksum = internet_checksum(data);
    data[10] = static_cast<std::byte>(checksum >> 8);
    data[11] = static_cast<std::byte>(checksum);
    EXPECT_EQ(internet_checksum(data), 0);
}

TEST(Checksum, PseudoHeader) {
    Ip4Header ip{};
    ip.protocol = kProtocolUdp;
    ip.src = Ip4(192, 168, 255, 254).value;
    ip.dst = Ip4(10, 0, 0, 255).value;
    const auto udp = bytes_of({0xff, 0xff, 0, 53, 0, 9, 0, 0, 0x61});
    auto whole = bytes_of({192, 168, 255, 254, 10, 0, 0, 255, 0, 17, 0, 9});
    ChecksumSum sum;
    sum.add_pseudo_header(ip, 9);
    EXPECT_EQ(sum.folded(), 0xffff - naive_checksum(whole));  // what an offload starts from
    sum.add(udp);
    whole.insert(whole.end(), udp.begin(), udp.end());
    EXPECT_EQ(sum.checksum(), naive_checksum(whole));
}

TEST(UpdatedChecksum, Rfc1624Section4) {
    EXPECT_EQ(updated_checksum(0xdd2f, 0x5555, 0x3285), 0x0000);
}

// In a header that has another word that is not zero, as every IPv4 header has, there is one right
// answer, also where the ones' complement has two zeros.
TEST(UpdatedChecksum, EqualsRecomputation) {
    constexpr uint16_t kWords[] = {0,      1,      2,      0x00ff, 0x0100, 0x7fff, 0x8000,
                                   0xba00, 0xbaff, 0xfeff, 0xff00, 0xfffe, 0xffff};
    const auto checksum = [](uint16_t changing, uint16_t other) {
        ChecksumSum sum;
        sum.add16(changing);
        sum.add16(other);
        return sum.checksum();
    };
    for (const uint16_t before : kWords)
        for (uint32_t after = 0; after <= 0xffff; ++after)
            for (const uint16_t other : kWords) {
                if (other == 0) continue;
                const auto now = static_cast<uint16_t>(after);
                ASSERT_EQ(updated_checksum(checksum(before, other), before, now),
                          checksum(now, other))
                    << before << ' ' << after << ' ' << other;
            }
}

}  // namespace
}  // namespace vethway
