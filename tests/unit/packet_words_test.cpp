// SPDX-License-Identifier: Apache-2.0
#include "control/packet_words.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/unit/packet.h"

namespace vethway {
namespace {

using namespace test;

std::string words(const Bytes& frame) { return describe_frame(frame, frame.size()); }
Bytes tagged(uint16_t tci, const Bytes& frame, uint8_t type = 0x81) {
    Bytes tag = octets({type, static_cast<uint8_t>(type == 0x81 ? 0 : 0xa8),
                        static_cast<uint8_t>(tci >> 8), static_cast<uint8_t>(tci)});
    return join(join(first(frame, 12), tag), from(frame, 12));
}
Bytes tcp_segment(uint8_t flags, const Bytes& options = {}, const Bytes& data = {}) {
    const auto offset = static_cast<uint8_t>((20 + options.size()) / 4 << 4);
    return join(join(as_bytes(TcpHeader{4000, 80, 100, 7, offset, flags, 512, 0, 9}), options),
                data);
}
Bytes ip6(uint8_t next, const Bytes& payload) {
    Bytes l3 = octets({0x60, 0, 0, 0, 0, static_cast<uint8_t>(payload.size()), next, 64});
    const Bytes from = octets({0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
    const Bytes to = octets({0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2});
    return ethernet(kPortMac[1], kHostMac[1], 0x86dd, join(join(l3, from), join(to, payload)));
}
// What came too late, from host 1 to host 2 by UDP, as an ICMP error quotes it.
Bytes error(uint8_t type, uint8_t code, const Bytes& quote = first(Ip4Packet{}.bytes(), 28),
            uint16_t last_word = 0) {
    return frame({.protocol = kProtocolIcmp,
                  .src = kPortIp[1],
                  .dst = kHostIp[1],
                  .payload = join(as_bytes(IcmpHeader{type, code, 0, 0, last_word}), quote)});
}

struct Case {
    const char* name;
    Bytes frame;
    const char* want;
};
class Words : public testing::TestWithParam<Case> {};

TEST_P(Words, AreThose) { EXPECT_EQ(words(GetParam().frame), GetParam().want); }

const Bytes kSynOptions = octets({2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 0, 1, 3, 3, 7});

// clang-format off
INSTANTIATE_TEST_SUITE_P(Frames, Words, testing::Values(
    Case{"udp", frame(Ip4Packet{}), "IP 10.0.1.2.4000 > 10.0.2.2.9: UDP, length 18"},
    Case{"udp_padded", frame({.payload = udp({}), .padding = 18}), "IP 10.0.1.2.4000 > 10.0.2.2.9: UDP, length 0"},
    Case{"udp_long", frame({.payload = octets({0, 1, 0, 2, 0, 99, 0, 0, 1, 2})}), "IP 10.0.1.2.1 > 10.0.2.2.2: UDP, bad length 91 > 2"},
    Case{"udp_short", frame({.payload = octets({0, 1, 0, 2, 0, 7, 0, 0})}), "IP 10.0.1.2.1 > 10.0.2.2.2: UDP, bad length 7"},
    Case{"udp_cut", frame({.payload = octets({0, 1, 0, 2, 0})}), "IP 10.0.1.2.1 > 10.0.2.2.2: [|udp]"},
    Case{"udp_no_ports", frame({.payload = octets({0, 1, 0})}), "IP 10.0.1.2 > 10.0.2.2: [|udp]"},
    Case{"syn", frame({.protocol = kProtocolTcp, .payload = tcp_segment(2, kSynOptions)}),
         "IP 10.0.1.2.4000 > 10.0.2.2.80: Flags [S], seq 100, win 512, options [mss 1460,sackOK,TS val 9 ecr 0,nop,wscale 7], length 0"},
    Case{"push", frame({.protocol = kProtocolTcp, .payload = tcp_segment(0x18, {}, counting(10))}),
         "IP 10.0.1.2.4000 > 10.0.2.2.80: Flags [P.], seq 100:110, ack 7, win 512, length 10"},
    Case{"ack", frame({.protocol = kProtocolTcp, .payload = tcp_segment(0x10)}), "IP 10.0.1.2.4000 > 10.0.2.2.80: Flags [.], ack 7, win 512, length 0"},
    Case{"urgent_reset", frame({.protocol = kProtocolTcp, .payload = tcp_segment(0x24)}), "IP 10.0.1.2.4000 > 10.0.2.2.80: Flags [RU], seq 100, win 512, urg 9, length 0"},
    Case{"no_flags", frame({.protocol = kProtocolTcp, .payload = tcp_segment(0)}), "IP 10.0.1.2.4000 > 10.0.2.2.80: Flags [none], win 512, length 0"},
    Case{"tcp_bad_option", frame({.protocol = kProtocolTcp, .payload = tcp_segment(0x10, octets({8, 10, 0, 0}))}),
         "IP 10.0.1.2.4000 > 10.0.2.2.80: Flags [.], ack 7, win 512, options [bad], length 0"},
    Case{"tcp_long_header", frame({.protocol = kProtocolTcp, .payload = join(octets({0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0xf0, 2}), Bytes(6))}),
         "IP 10.0.1.2.1 > 10.0.2.2.2: Flags [S] [bad hdr length 60 - too long]"},
    Case{"tcp_short_header", frame({.protocol = kProtocolTcp, .payload = Bytes(20)}), "IP 10.0.1.2.0 > 10.0.2.2.0: Flags [none] [bad hdr length 0 - too short, < 20]"},
    Case{"tcp_cut", frame({.protocol = kProtocolTcp, .payload = Bytes(19)}), "IP 10.0.1.2.0 > 10.0.2.2.0: [|tcp]"},
    Case{"echo", frame({.protocol = kProtocolIcmp, .payload = icmp(8)}), "IP 10.0.1.2 > 10.0.2.2: ICMP echo request, id 7, seq 1, length 24"},
    Case{"echo_reply", frame({.protocol = kProtocolIcmp, .payload = icmp(0)}), "IP 10.0.1.2 > 10.0.2.2: ICMP echo reply, id 7, seq 1, length 24"},
    Case{"icmp_other", frame({.protocol = kProtocolIcmp, .payload = icmp(42)}), "IP 10.0.1.2 > 10.0.2.2: ICMP type-#42, length 24"},
    Case{"icmp_cut", frame({.protocol = kProtocolIcmp, .payload = Bytes(7)}), "IP 10.0.1.2 > 10.0.2.2: ICMP [|icmp]"},
    Case{"port_unreachable", error(3, 3), "IP 10.0.1.1 > 10.0.1.2: ICMP 10.0.2.2 udp port 9 unreachable, length 36: IP 10.0.1.2.4000 > 10.0.2.2.9: UDP, length 18"},
    Case{"port_unreachable_cut", error(3, 3, first(Ip4Packet{}.bytes(), 22)), "IP 10.0.1.1 > 10.0.1.2: ICMP 10.0.2.2 udp port unreachable, length 30: IP 10.0.1.2 > 10.0.2.2: [|udp]"},
    Case{"host_unreachable", error(3, 1), "IP 10.0.1.1 > 10.0.1.2: ICMP host 10.0.2.2 unreachable, length 36: IP 10.0.1.2.4000 > 10.0.2.2.9: UDP, length 18"},
    Case{"protocol_unreachable", error(3, 2), "IP 10.0.1.1 > 10.0.1.2: ICMP 10.0.2.2 protocol 17 unreachable, length 36: IP 10.0.1.2.4000 > 10.0.2.2.9: UDP, length 18"},
    Case{"need_to_frag", error(3, 4, first(Ip4Packet{}.bytes(), 28), 1400), "IP 10.0.1.1 > 10.0.1.2: ICMP 10.0.2.2 unreachable - need to frag (mtu 1400), length 36: IP 10.0.1.2.4000 > 10.0.2.2.9: UDP, length 18"},
    Case{"prohibited", error(3, 13), "IP 10.0.1.1 > 10.0.1.2: ICMP host 10.0.2.2 unreachable - admin prohibited filter, length 36: IP 10.0.1.2.4000 > 10.0.2.2.9: UDP, length 18"},
    Case{"unreachable_77", error(3, 77, octets({0x45})), "IP 10.0.1.1 > 10.0.1.2: ICMP unreachable code 77 [|icmp], length 9: IP [|ip]"},
    Case{"time_exceeded", error(11, 0), "IP 10.0.1.1 > 10.0.1.2: ICMP time exceeded in-transit, length 36: IP 10.0.1.2.4000 > 10.0.2.2.9: UDP, length 18"},
    Case{"error_about_an_error", error(11, 0, from(error(11, 0), 14)),
         "IP 10.0.1.1 > 10.0.1.2: ICMP time exceeded in-transit, length 64: IP 10.0.1.1 > 10.0.1.2: ICMP time exceeded in-transit, length 36"},
    Case{"other_protocol", frame({.protocol = 47}), "IP 10.0.1.2 > 10.0.2.2: ip-proto-47, length 26"},
    Case{"first_fragment", frame({.fragment = 0x2000, .payload = udp(counting(16))}), "IP 10.0.1.2.4000 > 10.0.2.2.9: UDP, length 16 (frag 4660:24@0+)"},
    Case{"last_fragment", frame({.fragment = 185}), "IP 10.0.1.2 > 10.0.2.2: ip-proto-17 (frag 4660:26@1480)"},
    Case{"options", frame({.options = octets({1, 1, 1, 0})}), "IP 10.0.1.2.4000 > 10.0.2.2.9: UDP, length 18"},
    Case{"ip_short", frame(Ip4Packet{.cut_to = 19}), "IP [|ip]"},
    Case{"ip_version", frame({.version_ihl = 0x65}), "IP bad version 6"},
    Case{"ip_ihl", frame({.version_ihl = 0x44}), "IP bad-hlen 16"},
    Case{"ip_total", frame({.total_length = 19}), "IP bad-len 19"},
    Case{"ip_missing", frame(Ip4Packet{.cut_to = 40}), "IP truncated-ip - 6 bytes missing! 10.0.1.2.4000 > 10.0.2.2.9: UDP, length 18"},
    Case{"arp_request", frame(ArpMessage{}), "ARP, Request who-has 10.0.1.1 tell 10.0.1.2, length 28"},
    Case{"arp_directed", frame(ArpMessage{.target_mac = kPortMac[1]}), "ARP, Request who-has 10.0.1.1 (02:00:00:00:00:01) tell 10.0.1.2, length 28"},
    Case{"arp_reply", arp_reply(1, kHostMac[1], kHostIp[1]), "ARP, Reply 10.0.1.2 is-at 06:00:00:00:00:01, length 28"},
    Case{"arp_op", frame(ArpMessage{.operation = 9}), "ARP, op 9, length 28"},
    Case{"arp_infiniband", frame(ArpMessage{.hardware_type = 32}), "ARP, hardware 32 protocol 0x0800, length 28"},
    Case{"arp_cut", frame(ArpMessage{.cut_to = 27}), "ARP [|arp]"},
    Case{"vlan", tagged(0x600a, frame(Ip4Packet{})), "vlan 10, p 3, IP 10.0.1.2.4000 > 10.0.2.2.9: UDP, length 18"},
    Case{"two_vlans", tagged(0x1064, tagged(10, frame(ArpMessage{})), 0x88), "vlan 100, p 0, DEI, vlan 10, p 0, ARP, Request who-has 10.0.1.1 tell 10.0.1.2, length 28"},
    Case{"vlan_cut", first(tagged(10, frame(Ip4Packet{})), 17), "[|vlan]"},
    Case{"ip6_udp", ip6(17, udp({}, 5)), "IP6 fe80::1.4000 > ff02::2.5: UDP, length 0"},
    Case{"ip6_solicits", ip6(58, join(octets({133}), Bytes(7))), "IP6 fe80::1 > ff02::2: ICMP6, router solicitation, length 8"},
    Case{"ip6_other", ip6(0, Bytes(8)), "IP6 fe80::1 > ff02::2: next-header 0, length 8"},
    Case{"ip6_missing", first(ip6(0, Bytes(8)), 60), "IP6 truncated-ip6 - 2 bytes missing! fe80::1 > ff02::2: next-header 0, length 8"},
    Case{"ip6_cut", first(ip6(17, {}), 53), "IP6 [|ip6]"},
    Case{"lldp", ethernet(kPortMac[1], kHostMac[1], 0x88cc, Bytes(46)), "ethertype 0x88cc, length 60"},
    Case{"llc", ethernet(kPortMac[1], kHostMac[1], 38, Bytes(46)), "802.3, length 60"},
    Case{"runt", Bytes(13), "[|ether]"}),
    [](const auto& c) { return c.param.name; });
// clang-format on

// What was kept may be less than what there was; lengths are those of the frame.
TEST(WordsOfAPart, LengthsAreTheFrames) {
    const Bytes whole =
        frame({.protocol = kProtocolTcp, .payload = tcp_segment(2, kSynOptions, counting(1000))});
    EXPECT_EQ(describe_frame(first(whole, 64), whole.size()),
              "IP 10.0.1.2.4000 > 10.0.2.2.80: Flags [S], seq 100:1100, win 512, options "
              "[mss 1460,sackOK,[|tcp]], length 1000");
    EXPECT_EQ(describe_frame(first(whole, 36), whole.size()), "IP 10.0.1.2 > 10.0.2.2: [|tcp]");
    EXPECT_EQ(describe_frame({}, 1500), "[|ether]");
}

// A super-frame whose segmentation was left to the device: its IP header may say 0.
TEST(WordsOfAPart, TotalLengthZero) {
    const Bytes whole = frame({.total_length = 0});
    EXPECT_EQ(words(whole), "IP 10.0.1.2.4000 > 10.0.2.2.9: UDP, length 18");
}

// Each block is of exactly its size: under ASan a read too far is found.
TEST(WordsOfRubbish, AreOneLine) {
    std::vector<Bytes> seeds{
        frame(Ip4Packet{}),
        frame({.protocol = kProtocolTcp, .payload = tcp_segment(2, kSynOptions)}),
        error(3, 3),
        error(5, 1),
        frame(ArpMessage{}),
        tagged(10, frame(Ip4Packet{})),
        ip6(58, Bytes(8)),
    };
    std::mt19937 random(1);
    for (int round = 0; round < 20'000; ++round) {
        Bytes bytes = seeds[random() % seeds.size()];
        for (uint_fast32_t i = 0, n = random() % 5; i < n; ++i)
            bytes[12 + random() % (bytes.size() - 12)] = static_cast<std::byte>(random());
        const size_t length = bytes.size();
        bytes = Bytes(first(bytes, random() % (length + 1)));
        bytes.shrink_to_fit();
        const std::string text = describe_frame(bytes, length);
        ASSERT_FALSE(text.empty());
        ASSERT_LT(text.size(), 500U) << text;
        for (const char c : text) ASSERT_TRUE(c >= ' ' && c <= '~') << text;
    }
}

}  // namespace
}  // namespace vethway
