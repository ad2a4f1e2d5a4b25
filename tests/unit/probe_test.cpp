// SPDX-License-Identifier: Apache-2.0
// Probes as bytes, what is heard of them, to whom it is told, and when the next is sent.
#include "config/parse.h"
#include "control/controller.h"
#include "control/probe/probe_packet.h"
#include "control/probe/schedule.h"
#include "dataplane/meta.h"
#include "dataplane/net/checksum.h"
#include "tests/unit/eal_fixture.h"
#include "tests/unit/packet.h"

namespace vethway {
namespace {

using test::Bytes;
using What = ProbeNews::What;

constexpr Ip4 kHere{10, 1, 0, 1}, kThere{10, 9, 0, 7}, kRouter{10, 1, 0, 254};

Bytes l3_of(const std::vector<std::byte>& frame) {
    return {frame.begin() + sizeof(EtherHeader), frame.end()};
}

// An IP packet with an ICMP message: `rest` is behind its first four bytes.
Bytes icmp_packet(Ip4 from, uint8_t type, uint8_t code, const Bytes& rest) {
    Bytes bytes(sizeof(Ip4Header) + 4 + rest.size());
    *reinterpret_cast<Ip4Header*>(bytes.data()) = {
        .version_ihl = 0x45,
        .tos = 0,
        .total_length = static_cast<uint16_t>(bytes.size()),
        .id = 0,
        .fragment = 0,
        .ttl = 61,
        .protocol = kProtocolIcmp,
        .checksum = 0,
        .src = from.value,
        .dst = kHere.value};
    bytes[sizeof(Ip4Header)] = std::byte{type};
    bytes[sizeof(Ip4Header) + 1] = std::byte{code};
    std::ranges::copy(rest, bytes.begin() + sizeof(Ip4Header) + 4);
    return bytes;
}
Bytes reply_packet(Ip4 from, uint16_t id, uint16_t sequence) {
    const auto high = [](uint16_t n) { return static_cast<uint8_t>(n >> 8U); };
    const auto low = [](uint16_t n) { return static_cast<uint8_t>(n); };
    return icmp_packet(
        from, kIcmpEchoReply, 0,
        test::join(test::octets({high(id), low(id), high(sequence), low(sequence)}), Bytes(56)));
}
Bytes error_packet(uint8_t type, uint8_t code, uint16_t mtu, const Bytes& quoted) {
    return icmp_packet(
        kRouter, type, code,
        test::join(test::octets({0, 0, static_cast<uint8_t>(mtu >> 8U), static_cast<uint8_t>(mtu)}),
                   test::first(quoted, 28)));
}
Bytes probe_packet(ProbeKind kind, ProbeMark mark, Ip4 to = kThere) {
    return l3_of(make_probe({.kind = kind, .to = to}, kHere, mark, 3, false));
}

TEST(ProbePacket, ChecksumsAreRightAtAnySize) {
    for (const ProbeKind kind : {ProbeKind::echo, ProbeKind::udp})
        for (const int size : {0, 1, 56, 57, 65507}) {
            const Bytes l3 =
                l3_of(make_probe({.kind = kind, .to = kThere, .size = static_cast<uint16_t>(size)},
                                 kHere, {1, 2}, 9, true));
            const auto& ip = *reinterpret_cast<const Ip4Header*>(l3.data());
            ASSERT_EQ(l3.size(), 28U + static_cast<size_t>(size));
            EXPECT_EQ(ip.total_length, l3.size());
            EXPECT_EQ(ip.fragment, Ip4Header::kDontFragment);
            EXPECT_EQ(ip.ttl, 9);
            const auto message = std::span(l3).subspan(sizeof ip);
            const uint32_t pseudo =
                kind == ProbeKind::udp
                    ? test::pseudo_header(kHere, kThere, kProtocolUdp, message.size())
                    : 0;
            EXPECT_EQ(test::reference_checksum(message, pseudo), 0) << "size " << size;
        }
}

TEST(ProbePacket, UdpTakesTheNextPortWithEachSequence) {
    const Bytes l3 = probe_packet(ProbeKind::udp, {.series = 50000, .sequence = 4});
    const auto& udp = *reinterpret_cast<const UdpHeader*>(&l3[sizeof(Ip4Header)]);
    EXPECT_EQ(udp.src_port, 50000);
    EXPECT_EQ(udp.dst_port, 33438);
}

TEST(HeardOf, ReplyIsFromWhereTheProbeWent) {
    const auto heard = hear(reply_packet(kThere, 7, 300));
    ASSERT_TRUE(heard);
    EXPECT_TRUE(heard->is_reply);
    EXPECT_EQ(heard->probe_to, kThere);
    EXPECT_EQ(heard->mark, 7);
    EXPECT_EQ(heard->position, 300);
    EXPECT_EQ(heard->ttl, 61);
    EXPECT_EQ(heard->bytes, 64);
}

TEST(HeardOf, ErrorIsAboutWhatItQuotes) {
    const auto heard =
        hear(error_packet(kIcmpTimeExceeded, 0, 0, probe_packet(ProbeKind::udp, {50000, 4})));
    ASSERT_TRUE(heard);
    EXPECT_FALSE(heard->is_reply);
    EXPECT_EQ(heard->kind, ProbeKind::udp);
    EXPECT_EQ(heard->from, kRouter);
    EXPECT_EQ(heard->probe_to, kThere);
    EXPECT_EQ(heard->mark, 50000);
    EXPECT_EQ(heard->position, 33438);
    EXPECT_EQ(heard->mtu, 0);
}

TEST(HeardOf, WhatQuotesNoProbeIsAboutNone) {
    const Bytes good = probe_packet(ProbeKind::echo, {1, 2});
    const auto is_heard = [](const Bytes& quoted) {
        return hear(error_packet(kIcmpUnreachable, 1, 0, quoted)).has_value();
    };
    const auto with = [&good](size_t at, uint8_t value) {
        Bytes bytes = good;
        bytes[at] = std::byte{value};
        return bytes;
    };
    EXPECT_TRUE(is_heard(good));
    EXPECT_FALSE(is_heard(test::first(good, 27))) << "too short";
    EXPECT_FALSE(is_heard({}));
    EXPECT_FALSE(is_heard(with(0, 0x46))) << "options that are not there";
    EXPECT_FALSE(is_heard(with(0, 0x44)));
    EXPECT_FALSE(is_heard(with(0, 0x65)));
    EXPECT_FALSE(is_heard(with(7, 1))) << "a later fragment";
    EXPECT_FALSE(is_heard(with(9, kProtocolTcp)));
    EXPECT_FALSE(is_heard(with(20, kIcmpTimestampReply)));
}

TEST(HeardOf, ARepliesWayIsNoProbes) {
    Bytes reply = probe_packet(ProbeKind::echo, {1, 2});
    reply[20] = std::byte{kIcmpEchoReply};
    const auto heard = hear(error_packet(kIcmpUnreachable, kIcmpFragmentationNeeded, 1000, reply));
    ASSERT_TRUE(heard);
    EXPECT_TRUE(heard->is_about_reply);
    EXPECT_TRUE(heard->is_too_large());
    EXPECT_EQ(heard->probe_to, kThere);
    EXPECT_EQ(heard->mtu, 1000);
}

TEST(HeardOf, InPingsWords) {
    const auto words = [](uint8_t type, uint8_t code, uint16_t mtu = 0) {
        return icmp_error_text({.type = type, .code = code, .mtu = mtu});
    };
    EXPECT_EQ(words(3, 0), "Destination Net Unreachable");
    EXPECT_EQ(words(3, 1), "Destination Host Unreachable");
    EXPECT_EQ(words(3, 3), "Destination Port Unreachable");
    EXPECT_EQ(words(3, 4, 1400), "Frag needed and DF set (mtu = 1400)");
    EXPECT_EQ(words(3, 13), "Packet filtered");
    EXPECT_EQ(words(3, 99), "Dest Unreachable, Bad Code: 99");
    EXPECT_EQ(words(11, 0), "Time to live exceeded");
    EXPECT_EQ(words(11, 1), "Frag reassembly time exceeded");
    EXPECT_EQ(words(12, 0), "Parameter problem");
}

class ProberTest : public test::EalTest {
protected:
    void SetUp() override {
        controller_.apply(parse_config(R"(
ports:
  - {name: p1, "null": {}, mac: 02:00:00:00:00:01, addresses: [10.1.0.1/24]}
  - {name: p2, "null": {}, mac: 02:00:00:00:00:02, addresses: [10.2.0.1/24]}
routes:
  - {to: default, via: 10.1.0.254}
  - {to: 192.0.2.0/24, action: blackhole}
  - {to: 10.9.0.0/16, via: 10.2.0.9, metric: 20}
  - {to: 10.9.0.0/16, via: 10.1.0.9, metric: 10}
)",
                                       "f"));
    }
    Prober& prober() { return controller_.prober(); }
    Prober::Opened open(const ProbeSeries& series, std::vector<ProbeNews>& news) {
        return prober().open(series, [&news](const ProbeNews& n) { news.push_back(n); });
    }
    std::string refusal(const ProbeSeries& series) {
        try {
            prober().open(series, [](const ProbeNews&) {});
            return "none";
        } catch (const std::runtime_error& e) {
            return e.what();
        }
    }
    // As a worker hands it up.
    void punt(const Bytes& l3) {
        rte_mbuf* m = dataplane_.allocate(1, sizeof(EtherHeader) + l3.size());
        ASSERT_NE(m, nullptr);
        meta(*m).l3_offset = sizeof(EtherHeader);
        meta(*m).tsc = UINT64_MAX;
        std::ranges::copy(l3, l3_bytes(*m).begin());
        ether(*m).type = kEtherTypeIp4;
        ASSERT_TRUE(dataplane_.punt_queue().push(m));
        controller_.take_punted();
    }

    Dataplane dataplane_{{.workers = 1, .mbufs = 1023}};
    Controller controller_{dataplane_, {}, {}};
};

TEST_F(ProberTest, EachHearsOfItsOwnOnly) {
    std::vector<ProbeNews> one, other;
    const auto a = open({.to = kThere}, one), b = open({.to = kThere}, other);
    EXPECT_NE(a.mark, b.mark);
    EXPECT_EQ(prober().send(a.id, {.sequence = 1, .ttl = 5}).what, What::sent);
    EXPECT_EQ(prober().send(b.id, {.sequence = 1}).what, What::sent);
    punt(reply_packet(kThere, b.mark, 1));
    EXPECT_TRUE(one.empty());
    ASSERT_EQ(other.size(), 1U);
    EXPECT_EQ(other[0].what, What::reply);
    EXPECT_FALSE(other[0].duplicate);
    EXPECT_GT(other[0].rtt_ms, 0);
    punt(reply_packet(kThere, a.mark, 1));
    punt(reply_packet(kThere, a.mark, 1));
    ASSERT_EQ(one.size(), 2U);
    EXPECT_FALSE(one[0].duplicate);
    EXPECT_TRUE(one[1].duplicate);
    EXPECT_EQ(one[1].probe_ttl, 5);
}

TEST_F(ProberTest, WhatNobodyAskedIsNotHeard) {
    std::vector<ProbeNews> news;
    const auto opened = open({.to = kThere}, news);
    prober().send(opened.id, {.sequence = 3});
    const auto mark = opened.mark;
    punt(reply_packet(kRouter, mark, 3));                            // another answers
    punt(reply_packet(kThere, static_cast<uint16_t>(mark + 1), 3));  // another's
    punt(reply_packet(kThere, mark, 2));                             // never sent
    punt(reply_packet(kThere, mark, 4));
    punt(error_packet(3, 1, 0, probe_packet(ProbeKind::echo, {mark, 3}, {10, 9, 0, 8})));
    punt(error_packet(3, 1, 0, probe_packet(ProbeKind::udp, {mark, 3})));
    EXPECT_TRUE(news.empty());
    prober().close(opened.id);
    punt(reply_packet(kThere, mark, 3));
    EXPECT_TRUE(news.empty());
    EXPECT_EQ(prober().send(opened.id, {.sequence = 4}).what, What::lost);
}

TEST_F(ProberTest, ErrorsOfUdpAreHeardByTheirPorts) {
    std::vector<ProbeNews> news;
    const auto opened = open({.kind = ProbeKind::udp, .to = kThere}, news);
    prober().send(opened.id, {.sequence = 0, .ttl = 1});
    prober().send(opened.id, {.sequence = 1, .ttl = 2});
    punt(error_packet(3, 3, 0, probe_packet(ProbeKind::udp, {opened.mark, 1})));
    ASSERT_EQ(news.size(), 1U);
    EXPECT_EQ(news[0].what, What::error);
    EXPECT_EQ(news[0].sequence, 1);
    EXPECT_EQ(news[0].probe_ttl, 2);
    EXPECT_EQ(news[0].from, kRouter);
    EXPECT_EQ(news[0].text, "Destination Port Unreachable");
}

TEST_F(ProberTest, TooLargeIsToldAndTheWaysMtuIsLearned) {
    std::vector<ProbeNews> news;
    const auto opened = open({.to = kThere, .size = 1473, .path_mtu = PathMtu::demand}, news);
    const ProbeNews own = prober().send(opened.id, {.sequence = 1});
    EXPECT_EQ(own.what, What::not_sent);
    EXPECT_EQ(own.text, "message too long, mtu=1500");
    const auto fits = open({.to = kThere, .size = 1400, .path_mtu = PathMtu::demand}, news);
    EXPECT_EQ(prober().send(fits.id, {.sequence = 1}).what, What::sent);
    punt(error_packet(3, 4, 1300, probe_packet(ProbeKind::echo, {fits.mark, 1})));
    ASSERT_EQ(news.size(), 1U);
    EXPECT_EQ(news[0].mtu, 1300);
    const ProbeNews learned = prober().send(fits.id, {.sequence = 2});
    EXPECT_EQ(learned.what, What::not_sent);
    EXPECT_EQ(learned.text, "message too long, mtu=1300");
}

// Linux __ip_rt_update_pmtu(), and its knobs.
TEST_F(ProberTest, PathsAreBelievedInReason) {
    Paths& paths = controller_.paths();
    const auto known = [&] { return dataplane_.paths().mtu(kThere); };
    EXPECT_EQ(known(), UINT16_MAX);
    paths.narrow(kThere, 1501);
    EXPECT_EQ(known(), UINT16_MAX) << "more than the link takes";
    paths.narrow(kThere, 1300);
    EXPECT_EQ(known(), 1300);
    paths.narrow(kThere, 1400);
    EXPECT_EQ(known(), 1300) << "a path does not grow";
    paths.narrow(kThere, 0);
    EXPECT_EQ(known(), 552) << "nor shrink below min_pmtu";
    ASSERT_EQ(paths.list().size(), 1U);
    EXPECT_TRUE(paths.list()[0].path.locked);
    EXPECT_EQ(dataplane_.paths().mtu(kHere), UINT16_MAX) << "of that host only";
    paths.narrow(*Ip4::parse("192.0.2.1"), 1000);
    EXPECT_EQ(paths.list().size(), 1U) << "no way leads there";
    EXPECT_EQ(paths.flush(), 1U);
    EXPECT_EQ(known(), UINT16_MAX);
}

// More of them than there is room for: what is known longest makes way.
TEST_F(ProberTest, PathsHaveTheirBounds) {
    PathTable& table = dataplane_.paths();
    constexpr uint32_t kMany = 6 * PathTable::kBuckets * PathTable::kWays;
    const auto host = [](uint32_t n) { return Ip4{0x0a000000U + n}; };
    for (uint32_t n = 0; n < kMany; ++n) table.set({.to = host(n), .mtu = 1000, .expires = n + 1});
    uint32_t there = 0, late = 0;
    table.for_each([&](const PathTable::Entry& e) {
        EXPECT_EQ(host(static_cast<uint32_t>(e.expires) - 1), e.to);
        ++there;
        late += e.expires > kMany / 2;
    });
    EXPECT_EQ(there, PathTable::kBuckets * PathTable::kWays);
    EXPECT_GT(late, there * 9 / 10);
    EXPECT_EQ(table.mtu(host(kMany - 1)), 1000);
    EXPECT_EQ(table.remove_if([](const auto& e) { return e.expires <= kMany; }), there);
}

TEST_F(ProberTest, LargestFits) {
    std::vector<ProbeNews> news;
    const auto opened = open({.to = kHere, .size = 65507}, news);
    EXPECT_EQ(prober().send(opened.id, {.sequence = 1}).what, What::sent);
}

TEST_F(ProberTest, Ways) {
    std::vector<ProbeNews> news;
    const auto way = [&](const ProbeSeries& series) {
        const ProbeWay w = open(series, news).way;
        return (w.local    ? "local "
                : w.forced ? "by "
                           : "") +
               w.port + " via " + w.next_hop.to_string() + " from " + w.from.to_string();
    };
    EXPECT_EQ(way({.to = kThere}), "p1 via 10.1.0.9 from 10.1.0.1");
    EXPECT_EQ(way({.to = kThere, .port = "p2"}), "by p2 via 10.2.0.9 from 10.2.0.1")
        << "a route that is dearer, but by this port";
    EXPECT_EQ(way({.to = {8, 8, 8, 8}, .port = "p2"}), "by p2 via 8.8.8.8 from 10.2.0.1")
        << "without a route by it, on its link";
    EXPECT_EQ(way({.to = {8, 8, 8, 8}, .port = "p1"}), "by p1 via 10.1.0.254 from 10.1.0.1");
    EXPECT_EQ(way({.to = {10, 2, 0, 1}}), "local lo via 0.0.0.0 from 10.2.0.1");
    EXPECT_EQ(way({.to = {10, 2, 0, 1}, .port = "p2"}), "local lo via 0.0.0.0 from 10.2.0.1");
    EXPECT_EQ(way({.to = {10, 2, 0, 1}, .port = "lo"}), "local lo via 0.0.0.0 from 10.2.0.1");
    EXPECT_EQ(way({.to = {10, 2, 0, 1}, .port = "p1"}), "by p1 via 10.1.0.254 from 10.1.0.1")
        << "to our own address, but out of a port";
    EXPECT_EQ(way({.to = kThere, .from = {10, 2, 0, 1}}), "p1 via 10.1.0.9 from 10.2.0.1");
}

TEST_F(ProberTest, RefusalsSayWhy) {
    EXPECT_EQ(refusal({.to = kThere, .port = "p9"}), "there is no port \"p9\"");
    EXPECT_EQ(refusal({.to = kThere, .from = {1, 2, 3, 4}}), "1.2.3.4 is not an address of ours");
    EXPECT_EQ(refusal({.to = kThere, .port = "lo"}),
              "10.9.0.7 is not an address of ours: nothing else is on lo");
    EXPECT_EQ(refusal({.to = {192, 0, 2, 1}}),
              "no way to 192.0.2.1: 192.0.2.0/24 is a blackhole route");
    EXPECT_EQ(refusal({.to = {10, 1, 0, 255}}), "10.1.0.255 is a broadcast address");
    EXPECT_EQ(refusal({.to = {10, 1, 0, 255}, .port = "p1"}), "10.1.0.255 is a broadcast address");
    EXPECT_EQ(refusal({.to = {224, 0, 0, 1}, .port = "p1"}), "224.0.0.1 is no host's address");
}

TEST_F(ProberTest, AllAreToldOfTheEnd) {
    std::vector<ProbeNews> news;
    open({.to = kThere}, news);
    prober().stop();
    ASSERT_EQ(news.size(), 1U);
    EXPECT_EQ(news[0].what, What::stopping);
}

class ArpProberTest : public ProberTest {
protected:
    // As the worker's copy of it.
    void punt_arp(const test::ArpMessage& arp, bool broadcast = false, uint16_t port = 1) {
        const Bytes bytes = test::frame(arp);
        rte_mbuf* m = dataplane_.allocate(port, bytes.size());
        ASSERT_NE(m, nullptr);
        std::ranges::copy(bytes, frame_bytes(*m).begin());
        meta(*m).l3_offset = sizeof(EtherHeader);
        meta(*m).link_group = broadcast;
        meta(*m).tsc = UINT64_MAX;
        ASSERT_TRUE(dataplane_.punt_queue().push(m));
        controller_.take_punted();
    }
    static test::ArpMessage answer() {
        return {.operation = kArpReply,
                .sender_mac = kTheirMac,
                .sender_ip = {10, 1, 0, 2},
                .target_mac = {{0x02, 0, 0, 0, 0, 1}},
                .target_ip = kHere};
    }
    static constexpr Mac kTheirMac{{0x06, 0, 0, 0, 0, 9}};
    std::vector<ProbeNews> news_;
};

TEST_F(ArpProberTest, AnswersToItsOwnQuestionsOnly) {
    const auto opened = open({.kind = ProbeKind::arp, .to = {10, 1, 0, 2}}, news_);
    EXPECT_TRUE(dataplane_.arp_asked().has(1, {10, 1, 0, 2}));
    punt_arp(answer());
    EXPECT_TRUE(news_.empty()) << "nothing has been asked yet";
    const ProbeNews first = prober().send(opened.id, {.sequence = 1});
    EXPECT_TRUE(first.arp.broadcast);
    test::ArpMessage wrong = answer();
    wrong.target_ip = {10, 1, 0, 7};
    punt_arp(wrong);
    wrong = answer();
    wrong.target_mac = kTheirMac;
    punt_arp(wrong);
    wrong = answer();
    wrong.sender_ip = {10, 1, 0, 3};
    punt_arp(wrong);
    punt_arp(answer(), false, 2);
    EXPECT_TRUE(news_.empty());
    punt_arp(answer());
    ASSERT_EQ(news_.size(), 1U);
    EXPECT_EQ(news_[0].sequence, 1);
    EXPECT_EQ(news_[0].arp.sender, kTheirMac);
    EXPECT_GT(news_[0].rtt_ms, 0);
    EXPECT_FALSE(prober().send(opened.id, {.sequence = 2}).arp.broadcast) << "only the one";
    prober().close(opened.id);
    EXPECT_FALSE(dataplane_.arp_asked().any());
}

TEST_F(ArpProberTest, ConflictsAreWhoeverElseHasItOrIsAboutTo) {
    const auto opened =
        open({.kind = ProbeKind::arp, .to = kHere, .port = "p1", .arp = ArpForm::detect}, news_);
    EXPECT_TRUE(opened.way.from.is_zero());
    prober().send(opened.id, {.sequence = 1});
    punt_arp({.sender_mac = {{0x02, 0, 0, 0, 0, 1}}, .sender_ip = kHere});
    EXPECT_TRUE(news_.empty()) << "that was us";
    punt_arp({.sender_mac = kTheirMac, .sender_ip = {10, 1, 0, 2}, .target_ip = kHere});
    EXPECT_TRUE(news_.empty()) << "asks for it";
    punt_arp({.sender_mac = kTheirMac, .sender_ip = kHere, .target_ip = {10, 1, 0, 2}}, true);
    punt_arp({.sender_mac = kTheirMac, .sender_ip = {}, .target_ip = kHere}, true);
    ASSERT_EQ(news_.size(), 2U);
    EXPECT_TRUE(news_[0].arp.is_request && news_[0].arp.broadcast);
    EXPECT_EQ(news_[0].from, kHere);
    EXPECT_TRUE(news_[1].from.is_zero());
}

TEST_F(ArpProberTest, PortsAndRefusals) {
    const auto port_of = [&](const char* to) {
        return open({.kind = ProbeKind::arp, .to = *Ip4::parse(to)}, news_).way.port;
    };
    EXPECT_EQ(port_of("10.1.0.9"), "p1");
    EXPECT_EQ(port_of("10.2.0.1"), "p2");
    EXPECT_EQ(refusal({.kind = ProbeKind::arp, .to = kThere}),
              "no port has 10.9.0.7 on its link: name one with -I PORT");
    EXPECT_EQ(refusal({.kind = ProbeKind::arp, .to = kThere, .arp = ArpForm::announce_reply}),
              "no port has 10.9.0.7 on its link: name one with -I PORT");
    EXPECT_EQ(
        refusal({.kind = ProbeKind::arp, .to = {10, 1, 0, 2}, .arp = ArpForm::announce_request}),
        "10.1.0.2 is not an address of ours: there is nothing to announce");
}

TEST(ArpProbe, AsTheRfcsHaveIt) {
    const Mac own{{0x02, 0, 0, 0, 0, 1}};
    const auto arp_of = [&](ArpForm form, Ip4 from) {
        const auto frame = make_arp_probe({.kind = ProbeKind::arp, .to = kHere, .arp = form}, from,
                                          own, Mac::broadcast());
        return *reinterpret_cast<const ArpHeader*>(&frame[sizeof(EtherHeader)]);
    };
    const ArpHeader detect = arp_of(ArpForm::detect, {});
    EXPECT_EQ(detect.operation, kArpRequest);
    EXPECT_EQ(detect.sender_ip, 0U);
    EXPECT_EQ(Ip4{detect.target_ip}, kHere);
    EXPECT_TRUE(detect.target_mac.is_zero());
    const ArpHeader reply = arp_of(ArpForm::announce_reply, kHere);
    EXPECT_EQ(reply.operation, kArpReply);
    EXPECT_EQ(Ip4{reply.sender_ip}, kHere);
    EXPECT_EQ(Ip4{reply.target_ip}, kHere);
    EXPECT_EQ(reply.target_mac, own);
}

// --- When ---

using Clock = ProbeSchedule::Clock;
using std::chrono::milliseconds;

class PingScheduleTest : public testing::Test {
protected:
    void begin(const PingOptions& options) { schedule_ = ping_schedule(options, at(0)); }
    static Clock::time_point at(int ms) { return Clock::time_point(milliseconds(ms)); }
    // The sequence that is sent then; 0: none.
    unsigned taken(int ms) {
        const auto probe = schedule_->take(at(ms));
        return probe ? probe->sequence : 0U;
    }
    void reply(int ms, double rtt_ms = 1, bool duplicate = false) {
        schedule_->note({.what = What::reply, .rtt_ms = rtt_ms, .duplicate = duplicate}, at(ms));
    }
    void error(int ms) { schedule_->note({.what = What::error}, at(ms)); }
    bool done(int ms) { return schedule_->is_done(at(ms)); }

    std::unique_ptr<ProbeSchedule> schedule_;
};

TEST_F(PingScheduleTest, OneAnIntervalWhetherAnsweredOrNot) {
    begin({.count = 3, .interval = milliseconds(100)});
    EXPECT_EQ(taken(0), 1U);
    EXPECT_EQ(taken(0), 0U);
    EXPECT_EQ(schedule_->due(), at(100));
    EXPECT_EQ(taken(99), 0U);
    EXPECT_EQ(taken(100), 2U);
    EXPECT_EQ(taken(230), 3U);
    EXPECT_EQ(taken(1000), 0U);
}

TEST_F(PingScheduleTest, AfterAPauseItDoesNotCatchUp) {
    begin({.interval = milliseconds(100)});
    EXPECT_EQ(taken(0), 1U);
    EXPECT_EQ(taken(950), 2U);
    EXPECT_EQ(taken(950), 3U) << "the next interval may have begun";
    EXPECT_EQ(taken(950), 0U);
}

TEST_F(PingScheduleTest, DoneWithAsManyAnswersOrErrors) {
    begin({.count = 2, .interval = milliseconds(100)});
    taken(0), taken(100);
    reply(101);
    reply(102, 1, true);
    EXPECT_FALSE(done(102)) << "a duplicate is no answer";
    error(103);
    EXPECT_TRUE(done(103));
}

TEST_F(PingScheduleTest, WaitsForTheLast) {
    begin({.count = 1, .wait = milliseconds(3000)});
    taken(0);
    EXPECT_EQ(schedule_->due(), at(3000));
    EXPECT_FALSE(done(2999));
    EXPECT_TRUE(done(3000));
    begin({.count = 2, .interval = milliseconds(100), .wait = milliseconds(3000)});
    taken(0);
    reply(80, 80);
    taken(100);
    EXPECT_FALSE(done(259)) << "twice as long as the first took";
    EXPECT_TRUE(done(260));
}

TEST_F(PingScheduleTest, WithADeadlineItIsAnswersThatCount) {
    begin({.count = 2, .interval = milliseconds(100), .deadline = milliseconds(500)});
    EXPECT_EQ(taken(0), 1U);
    EXPECT_EQ(taken(100), 2U);
    EXPECT_EQ(taken(200), 3U);
    reply(201);
    EXPECT_FALSE(done(499));
    EXPECT_TRUE(done(500));
    EXPECT_EQ(taken(500), 0U);
    begin({.deadline = milliseconds(500)});
    taken(0);
    error(10);
    EXPECT_TRUE(done(10));
}

TEST_F(PingScheduleTest, UntilTheFirstReply) {
    begin({.until_reply = true});
    taken(0);
    EXPECT_FALSE(done(1));
    reply(2);
    EXPECT_TRUE(done(2));
}

class TraceScheduleTest : public testing::Test {
protected:
    static Clock::time_point at(int ms) { return Clock::time_point(milliseconds(ms)); }
    // The TTLs of all that is sent then.
    std::vector<unsigned> taken(ProbeSchedule& schedule, int ms) {
        std::vector<unsigned> ttls;
        while (const auto probe = schedule.take(at(ms))) {
            ttls.push_back(probe->ttl);
            last_ = probe->sequence;
        }
        return ttls;
    }
    static ProbeNews error(uint16_t sequence, uint8_t ttl, uint8_t type) {
        return {.what = What::error, .sequence = sequence, .probe_ttl = ttl, .type = type};
    }
    using Ttls = std::vector<unsigned>;
    uint16_t last_ = 0;
};

TEST_F(TraceScheduleTest, SeveralInFlightUntilTheWayEnds) {
    const auto s = trace_schedule({.queries = 2, .at_once = 5});
    EXPECT_EQ(taken(*s, 0), (Ttls{1, 1, 2, 2, 3}));
    s->note(error(0, 1, kIcmpTimeExceeded), at(1));
    EXPECT_EQ(taken(*s, 1), (Ttls{3})) << "one answered, one more";
    s->note(error(3, 2, kIcmpUnreachable), at(2));
    EXPECT_EQ(taken(*s, 2), (Ttls{})) << "nothing beyond the second hop any more";
    EXPECT_FALSE(s->is_done(at(2)));
    s->note(error(1, 1, kIcmpTimeExceeded), at(3));
    EXPECT_FALSE(s->is_done(at(3)));
    s->note(error(2, 2, kIcmpUnreachable), at(3));
    EXPECT_TRUE(s->is_done(at(3))) << "whatever becomes of the third hop's";
}

TEST_F(TraceScheduleTest, SilentOnesAreGivenUpSoonerWhereOthersAnswer) {
    const auto s = trace_schedule({.max_ttl = 3, .queries = 1, .wait = milliseconds(5000)});
    EXPECT_EQ(taken(*s, 0), (Ttls{1, 2, 3}));
    EXPECT_EQ(s->due(), at(5000));
    s->note(error(1, 2, kIcmpTimeExceeded), at(19));
    EXPECT_EQ(s->due(), at(200)) << "ten times what the next hop took";
    EXPECT_TRUE(s->give_up(at(199)).empty());
    const auto lost = s->give_up(at(200));
    ASSERT_EQ(lost.size(), 1U);
    EXPECT_EQ(lost[0].probe_ttl, 1);
    EXPECT_EQ(lost[0].what, What::lost);
    EXPECT_TRUE(s->give_up(at(4999)).empty()) << "each once";
    EXPECT_EQ(s->give_up(at(5000)).size(), 1U);
    EXPECT_TRUE(s->is_done(at(5000)));
}

TEST_F(TraceScheduleTest, RoundsGoAsFarAsTheWayIsKnown) {
    const auto s =
        rounds_schedule({.beyond = 2, .rounds = 2, .interval = milliseconds(100)}, at(0));
    EXPECT_EQ(taken(*s, 0), (Ttls{1}));
    s->note(error(last_, 1, kIcmpTimeExceeded), at(1));
    EXPECT_EQ(taken(*s, 24), (Ttls{})) << "not all at once";
    EXPECT_EQ(taken(*s, 25), (Ttls{2}));
    s->note({.what = What::reply, .sequence = last_, .probe_ttl = 2}, at(26));
    EXPECT_EQ(taken(*s, 99), (Ttls{})) << "the way ends there";
    EXPECT_EQ(taken(*s, 100), (Ttls{1}));
    s->note(error(last_, 1, kIcmpTimeExceeded), at(101));
    EXPECT_EQ(taken(*s, 125), (Ttls{2}));
    EXPECT_EQ(taken(*s, 900), (Ttls{})) << "two rounds";
    EXPECT_FALSE(s->is_done(at(900)));
    EXPECT_EQ(s->due(), at(5125));
    EXPECT_EQ(s->give_up(at(5125)).size(), 1U);
    EXPECT_TRUE(s->is_done(at(5125)));
}

}  // namespace
}  // namespace vethway
