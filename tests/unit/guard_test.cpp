// SPDX-License-Identifier: Apache-2.0
// What a guard says of a frame: verdicts on bytes. Station 1 has 10.0.1.2 at port 1 and in VLAN 7,
// station 2 10.0.2.2 at port 2, station 3 10.0.3.2 anywhere. Frames come in by port 1.
#include "dataplane/l2/guard.h"

#include <gtest/gtest.h>

#include "dataplane/l2/domain.h"
#include "dataplane/l2/payload.h"
#include "dataplane/l2/vlan_tag.h"
#include "tests/unit/packet.h"

namespace vethway {
namespace {

using namespace test;
using Fault = GuardFault;

constexpr uint16_t kPort = 1, kVlan = 7;
constexpr Mac kStranger{{0x06, 0, 0, 0, 0, 0x99}};

std::shared_ptr<const Bindings> bindings() {
    auto b = std::make_shared<Bindings>(4);
    b->add(0, kHostIp[1], {kHostMac[1], 1});
    b->add(kVlan, kHostIp[1], {kHostMac[1], 1});
    b->add(0, kHostIp[2], {kHostMac[2], 2});
    b->add(0, kHostIp[3], {kHostMac[3]});
    return b;
}
const Guard kArp{.arp = true, .bindings = bindings()};
const Guard kDhcp{.dhcp = true, .bindings = bindings()};
const Guard kRa{.ra = true, .bindings = bindings()};
const Guard kSource{.source = true, .bindings = bindings()};
const Guard kMacs{.macs = {kHostMac[1], kHostMac[3]}, .bindings = bindings()};
const Guard kAll{.arp = true, .dhcp = true, .ra = true, .source = true, .bindings = bindings()};

// --- Frames
Bytes from_host(size_t host, uint16_t type, const Bytes& l3) {
    return ethernet(Mac::broadcast(), kHostMac[host], type, l3);
}
Bytes arp(const ArpMessage& message, const Mac& src = kHostMac[1]) {
    return ethernet(Mac::broadcast(), src, kEtherTypeArp, message.bytes());
}
Bytes ip4(const Ip4Packet& packet, const Mac& src = kHostMac[1]) {
    return ethernet(kHostMac[2], src, kEtherTypeIp4, packet.bytes());
}
Bytes datagram(uint16_t from, uint16_t to, size_t data = 18) {
    return join(as_bytes(UdpHeader{from, to, static_cast<uint16_t>(8 + data), 0}), counting(data));
}
Bytes dhcp(uint16_t from, uint16_t to, Ip4 src = {}, const Mac& mac = kHostMac[1]) {
    return ip4({.src = src, .dst = Ip4{0xffffffff}, .payload = datagram(from, to)}, mac);
}
Bytes ip6(uint8_t next, const Bytes& payload) {
    const Ip6Header head{.version_class_label = 0x60000000,
                         .payload_length = static_cast<uint16_t>(payload.size()),
                         .next_header = next,
                         .hop_limit = 255,
                         .src = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
                         .dst = {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
    return from_host(1, kEtherTypeIp6, join(as_bytes(head), payload));
}
const Bytes kAdvertisement = icmp(134), kSolicitation = icmp(133);
// An extension header of 8 bytes and `more` times 8, before `next`.
Bytes extension(uint8_t next, const Bytes& rest, uint8_t more = 0) {
    return join(join(octets({next, more, 1, 4, 0, 0, 0, 0}), Bytes(more * size_t{8})), rest);
}
Bytes fragment(uint8_t next, uint16_t offset, const Bytes& rest) {
    return join(octets({next, 0, static_cast<uint8_t>(offset >> 8), static_cast<uint8_t>(offset), 0,
                        0, 0, 1}),
                rest);
}
// The frame with so many tags of priority.
Bytes with_tags(const Bytes& plain, size_t n, uint16_t tpid = kEtherTypeVlan) {
    Bytes tags;
    for (size_t i = 0; i < n; ++i) tags = join(tags, as_bytes(VlanTag{.tpid = tpid, .tci = 0}));
    return join(join(first(plain, 12), tags), test::from(plain, 12));
}
// The same behind an 802.2 header with a subnetwork access protocol.
Bytes with_snap(const Bytes& plain, uint8_t oui = 0) {
    const auto length = static_cast<uint8_t>(std::min<size_t>(plain.size() - 12 + 6, 255));
    return join(join(first(plain, 12), octets({0, length, 0xaa, 0xaa, 3, 0, 0, oui})),
                test::from(plain, 12));
}

struct Case {
    const char* name;
    const Guard& guard;
    Bytes frame;
    Drop why = Drop::none;
    Fault fault = Fault::none;
    uint16_t vlan = 0;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class GuardVerdicts : public testing::TestWithParam<Case> {};
TEST_P(GuardVerdicts, Are) {
    const Case& c = GetParam();
    const GuardVerdict v = check_guard(c.guard, kPort, c.vlan, c.frame);
    EXPECT_EQ(kDropInfo[static_cast<size_t>(v.why)].name,
              std::string(kDropInfo[static_cast<size_t>(c.why)].name));
    EXPECT_EQ(v.fault, c.fault);
}
const auto kNameOf = [](const auto& c) { return c.param.name; };

// clang-format off
const Ip4 k1 = kHostIp[1], k2 = kHostIp[2], k3 = kHostIp[3];
INSTANTIATE_TEST_SUITE_P(Macs, GuardVerdicts, testing::Values(
    Case{"listed",      kMacs, from_host(1, 0x88b5, counting(46))},
    Case{"another",     kMacs, from_host(3, 0x88b5, counting(46))},
    Case{"stranger",    kMacs, from_host(2, 0x88b5, counting(46)), Drop::mac_guard, Fault::mac_not_listed},
    Case{"header_only", kMacs, from_host(1, 0x88b5, {})},
    Case{"any_payload", kMacs, with_tags(from_host(1, kEtherTypeIp4, {}), 20)}), kNameOf);

INSTANTIATE_TEST_SUITE_P(Arp, GuardVerdicts, testing::Values(
    Case{"request",       kArp, arp({})},
    Case{"reply",         kArp, arp({.operation = kArpReply})},
    Case{"announcement",  kArp, arp({.target_ip = k1})},
    Case{"in_the_vlan",   kArp, arp({}), {}, {}, kVlan},
    Case{"other_vlan",    kArp, arp({}), Drop::arp_guard, Fault::ip_not_bound, 8},
    Case{"anywhere",      kArp, arp({.sender_mac = kHostMac[3], .sender_ip = k3}, kHostMac[3])},
    Case{"unknown_ip",    kArp, arp({.sender_ip = Ip4{10, 0, 1, 3}}), Drop::arp_guard, Fault::ip_not_bound},
    Case{"anothers_ip",   kArp, arp({.sender_ip = k2}), Drop::arp_guard, Fault::ip_of_another},
    Case{"elsewhere",     kArp, arp({.sender_mac = kHostMac[2], .sender_ip = k2}, kHostMac[2]), Drop::arp_guard, Fault::ip_elsewhere},
    Case{"forged",        kArp, arp({}, kHostMac[3]), Drop::arp_guard, Fault::forged_sender},
    Case{"probe",         kArp, arp({.sender_ip = {}, .target_ip = k1})},
    Case{"strangers_probe", kArp, arp({.sender_mac = kStranger, .sender_ip = {}}, kStranger), Drop::arp_guard, Fault::mac_not_bound},
    Case{"probe_elsewhere", kArp, arp({.sender_mac = kHostMac[2], .sender_ip = {}}, kHostMac[2]), Drop::arp_guard, Fault::mac_elsewhere},
    Case{"reply_of_nobody", kArp, arp({.operation = kArpReply, .sender_ip = {}}), Drop::arp_guard, Fault::ip_not_bound},
    Case{"short_by_one",  kArp, arp({.cut_to = 27}), Drop::arp_guard, Fault::unreadable},
    Case{"no_bytes",      kArp, arp({.cut_to = 0}), Drop::arp_guard, Fault::unreadable},
    Case{"not_ip4",       kArp, arp({.protocol_type = kEtherTypeIp6}), Drop::arp_guard, Fault::unreadable},
    Case{"long_macs",     kArp, arp({.hardware_bytes = 8}), Drop::arp_guard, Fault::unreadable},
    Case{"padded",        kArp, arp({.padding = 18})},
    Case{"with_a_tag",    kArp, with_tags(arp({.sender_ip = k2}), 1), Drop::arp_guard, Fault::ip_of_another},
    Case{"with_eight",    kArp, with_tags(arp({.sender_ip = k2}), 8), Drop::arp_guard, Fault::ip_of_another},
    Case{"with_nine",     kArp, with_tags(arp({}), 9), Drop::arp_guard, Fault::unreadable},
    Case{"service_tag",   kArp, with_tags(arp({.sender_ip = k2}), 1, kEtherTypeQinq), Drop::arp_guard, Fault::ip_of_another},
    Case{"in_snap",       kArp, with_snap(arp({.sender_ip = k2})), Drop::arp_guard, Fault::ip_of_another},
    Case{"in_a_tunnel",   kArp, with_snap(arp({.sender_ip = k2}), 0xf8), Drop::arp_guard, Fault::ip_of_another},
    Case{"tag_and_snap",  kArp, with_tags(with_snap(with_tags(arp({.sender_ip = k2}), 1)), 1), Drop::arp_guard, Fault::ip_of_another},
    Case{"another_oui",   kArp, with_snap(arp({.sender_ip = k2}), 0x0c)},
    Case{"tag_cut",       kArp, first(with_tags(arp({}), 1), 15), Drop::arp_guard, Fault::unreadable},
    Case{"tag_and_no_type", kArp, first(with_tags(arp({}), 1), 16), Drop::arp_guard, Fault::unreadable},
    Case{"ip_is_not_its_business", kArp, ip4({.src = k2})}), kNameOf);

INSTANTIATE_TEST_SUITE_P(Source, GuardVerdicts, testing::Values(
    Case{"bound",          kSource, ip4({.src = k1})},
    Case{"in_the_vlan",    kSource, ip4({.src = k1}), {}, {}, kVlan},
    Case{"other_vlan",     kSource, ip4({.src = k1}), Drop::source_guard, Fault::ip_not_bound, 8},
    Case{"anywhere",       kSource, ip4({.src = k3}, kHostMac[3])},
    Case{"unknown_ip",     kSource, ip4({.src = Ip4{10, 0, 1, 3}}), Drop::source_guard, Fault::ip_not_bound},
    Case{"anothers_ip",    kSource, ip4({.src = k3}), Drop::source_guard, Fault::ip_of_another},
    Case{"anothers_mac",   kSource, ip4({.src = k1}, kStranger), Drop::source_guard, Fault::ip_of_another},
    Case{"elsewhere",      kSource, ip4({.src = k2}, kHostMac[2]), Drop::source_guard, Fault::ip_elsewhere},
    Case{"later_fragment", kSource, ip4({.fragment = 100, .src = k2}), Drop::source_guard, Fault::ip_of_another},
    Case{"with_options",   kSource, ip4({.src = k1, .options = octets({1, 1, 1, 0})})},
    Case{"short_by_one",   kSource, ip4({.src = k1, .cut_to = 19}), Drop::source_guard, Fault::unreadable},
    Case{"version_6",      kSource, ip4({.version_ihl = 0x65, .src = k1}), Drop::source_guard, Fault::unreadable},
    Case{"ihl_4",          kSource, ip4({.version_ihl = 0x44, .src = k1}), Drop::source_guard, Fault::unreadable},
    Case{"ihl_past_frame", kSource, ip4({.version_ihl = 0x4f, .src = k1, .payload = {}}), Drop::source_guard, Fault::unreadable},
    Case{"with_a_tag",     kSource, with_tags(ip4({.src = k2}), 1), Drop::source_guard, Fault::ip_of_another},
    Case{"in_snap",        kSource, with_snap(ip4({.src = k2})), Drop::source_guard, Fault::ip_of_another},
    Case{"nine_tags",      kSource, with_tags(ip4({.src = k1}), 9), Drop::source_guard, Fault::unreadable},
    Case{"arp",            kSource, arp({})},
    Case{"anothers_arp",   kSource, arp({.sender_ip = k2}), Drop::source_guard, Fault::ip_of_another},
    Case{"arps_own_guard", kAll,    arp({.sender_ip = k2}), Drop::arp_guard, Fault::ip_of_another},
    Case{"asks_for_one",   kSource, dhcp(68, 67)},
    Case{"stranger_asks",  kSource, dhcp(68, 67, {}, kStranger)},
    Case{"asks_as_another", kSource, dhcp(68, 67, {}, kHostMac[2]), Drop::source_guard, Fault::mac_elsewhere},
    Case{"to_another_port", kSource, dhcp(68, 69), Drop::source_guard, Fault::ip_not_bound},
    Case{"from_nobody",    kSource, ip4({.protocol = kProtocolTcp, .src = {}, .payload = tcp({}, 67)}), Drop::source_guard, Fault::ip_not_bound},
    Case{"asks_in_pieces", kSource, ip4({.fragment = 1, .src = {}, .payload = datagram(68, 67)}), Drop::source_guard, Fault::ip_not_bound},
    Case{"asks_cut",       kSource, ip4({.src = {}, .payload = datagram(68, 67), .cut_to = 23}), Drop::source_guard, Fault::ip_not_bound},
    Case{"other_type",     kSource, from_host(1, 0x88b5, counting(46))},
    Case{"strangers_type", kSource, ethernet(kHostMac[2], kStranger, 0x88b5, counting(46)), Drop::source_guard, Fault::mac_not_bound},
    Case{"others_type",    kSource, from_host(2, 0x88b5, counting(46)), Drop::source_guard, Fault::mac_elsewhere},
    Case{"ip6",            kSource, ip6(58, kSolicitation)}), kNameOf);

INSTANTIATE_TEST_SUITE_P(Dhcp, GuardVerdicts, testing::Values(
    Case{"server",         kDhcp, dhcp(67, 68), Drop::dhcp_guard, Fault::server},
    Case{"relay",          kDhcp, dhcp(67, 67, k1), Drop::dhcp_guard, Fault::server},
    Case{"from_any_port",  kDhcp, dhcp(4000, 68, k1), Drop::dhcp_guard, Fault::server},
    Case{"client",         kDhcp, dhcp(68, 67)},
    Case{"other_udp",      kDhcp, dhcp(4000, 4001, k1)},
    Case{"tcp",            kDhcp, ip4({.protocol = kProtocolTcp, .payload = datagram(67, 68)})},
    Case{"first_fragment", kDhcp, ip4({.fragment = Ip4Header::kMoreFragments, .payload = datagram(67, 68, 0)}), Drop::dhcp_guard, Fault::server},
    Case{"later_fragment", kDhcp, ip4({.fragment = 1, .payload = datagram(67, 68)})},
    Case{"cut_in_ports",   kDhcp, ip4({.payload = datagram(67, 68), .cut_to = 23}), Drop::dhcp_guard, Fault::unreadable},
    Case{"cut_behind",     kDhcp, ip4({.payload = datagram(67, 68), .cut_to = 24}), Drop::dhcp_guard, Fault::server},
    Case{"with_options",   kDhcp, ip4({.options = Bytes(40), .payload = datagram(67, 68)}), Drop::dhcp_guard, Fault::server},
    Case{"with_tags",      kDhcp, with_tags(dhcp(67, 68), 2), Drop::dhcp_guard, Fault::server},
    Case{"no_ip",          kDhcp, from_host(1, 0x88b5, counting(46))},
    Case{"server_6",       kDhcp, ip6(17, datagram(547, 546)), Drop::dhcp_guard, Fault::server},
    Case{"client_6",       kDhcp, ip6(17, datagram(546, 547))},
    Case{"behind_options", kDhcp, ip6(0, extension(60, extension(17, datagram(547, 546), 3))), Drop::dhcp_guard, Fault::server},
    Case{"bound_source",   kAll,  dhcp(67, 68, k1), Drop::dhcp_guard, Fault::server},
    Case{"advertisement",  kDhcp, ip6(58, kAdvertisement)}), kNameOf);

INSTANTIATE_TEST_SUITE_P(Ra, GuardVerdicts, testing::Values(
    Case{"advertisement",  kRa, ip6(58, kAdvertisement), Drop::ra_guard, Fault::router},
    Case{"solicitation",   kRa, ip6(58, kSolicitation)},
    Case{"udp",            kRa, ip6(17, kAdvertisement)},
    Case{"behind_options", kRa, ip6(60, extension(43, extension(58, kAdvertisement))), Drop::ra_guard, Fault::router},
    Case{"authenticated",  kRa, ip6(51, extension(58, kAdvertisement)), Drop::ra_guard, Fault::router},
    Case{"first_fragment", kRa, ip6(44, fragment(58, 1, kAdvertisement)), Drop::ra_guard, Fault::router},
    Case{"later_fragment", kRa, ip6(44, fragment(58, 8, kAdvertisement))},
    Case{"chain_is_cut",   kRa, ip6(44, fragment(60, 1, octets({58, 9, 0, 0, 0, 0, 0, 0}))), Drop::ra_guard, Fault::unreadable},
    Case{"endless",        kRa, ip6(60, extension(60, extension(60, extension(60, extension(60, extension(60, extension(60, extension(60, extension(60, {}))))))))), Drop::ra_guard, Fault::unreadable},
    Case{"no_icmp",        kRa, ip6(58, {}), Drop::ra_guard, Fault::unreadable},
    Case{"fragment_cut",   kRa, ip6(44, first(fragment(58, 1, {}), 7)), Drop::ra_guard, Fault::unreadable},
    Case{"header_cut",     kRa, first(ip6(58, kAdvertisement), 14 + 39), Drop::ra_guard, Fault::unreadable},
    Case{"version_4",      kRa, from_host(1, kEtherTypeIp6, Bytes(60, std::byte{0x45})), Drop::ra_guard, Fault::unreadable},
    Case{"with_a_tag",     kRa, with_tags(ip6(58, kAdvertisement), 1), Drop::ra_guard, Fault::router},
    Case{"in_snap",        kRa, with_snap(ip6(58, kAdvertisement)), Drop::ra_guard, Fault::router},
    Case{"ip4",            kRa, ip4({.protocol = 58, .payload = kAdvertisement})}), kNameOf);
// clang-format on

// Whatever the bytes, no look beyond them (under ASan), and a guard that reads nothing refuses
// nothing.
TEST(Guards, ReadNothingBeyondTheFrame) {
    const Bytes frames[] = {arp({}),
                            ip4({.options = Bytes(8)}),
                            dhcp(67, 68),
                            with_tags(arp({}), 3),
                            with_snap(dhcp(68, 67)),
                            ip6(0, extension(44, fragment(58, 0, kAdvertisement), 2))};
    const Guard nothing{.bindings = bindings()};
    for (const Bytes& whole : frames)
        for (size_t size = sizeof(EtherHeader); size <= whole.size(); ++size) {
            const Bytes frame = first(whole, size);
            check_guard(kAll, kPort, 0, frame);
            check_guard(kRa, kPort, 0, frame);
            check_guard(kDhcp, kPort, 0, frame);
            EXPECT_EQ(check_guard(nothing, kPort, 0, frame).why, Drop::none);
        }
}

TEST(Bindings, AreFoundAmongMany) {
    constexpr uint16_t kMost = 4096;
    Bindings b(kMost);
    const auto vlan = [](unsigned i) { return static_cast<uint16_t>(i % 8); };
    for (uint16_t i = 0; i < kMost; ++i)
        b.add(vlan(i), Ip4{0x0a000000U + i}, {Mac::from_u48(0x020000000000 + i), i});
    for (uint16_t i = 0; i < kMost; ++i) {
        ASSERT_NE(b.find(vlan(i), Ip4{0x0a000000U + i}), nullptr);
        EXPECT_EQ(b.find(vlan(i), Ip4{0x0a000000U + i})->port, i);
        EXPECT_EQ(*b.port_of(vlan(i), Mac::from_u48(0x020000000000 + i)), i);
        EXPECT_EQ(b.find(vlan(i + 1U), Ip4{0x0a000000U + i}), nullptr);
    }
    EXPECT_EQ(b.find(0, Ip4{}), nullptr);
    EXPECT_EQ(Bindings().find(0, Ip4{1}), nullptr);
}

}  // namespace
}  // namespace vethway
