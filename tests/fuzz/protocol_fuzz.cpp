// SPDX-License-Identifier: Apache-2.0
// Any bytes as frames of the spanning tree, of link aggregation, and about multicast groups. What
// is read and written again reads the same; and whatever others say, the machines find their rest.
//
// The input: records of a byte of where to and what, a byte of length, and that many bytes of a
// frame.
#include <cstdio>
#include <cstdlib>

#include "control/lacp/lacp.h"
#include "control/snooping/snooper.h"
#include "control/stp/rstp.h"

namespace {

using namespace vethway;
using Bytes = std::span<const std::byte>;

constexpr unsigned kPorts = 3;
constexpr Mac kOurs{{2, 0, 0, 0, 0, 1}};

[[noreturn]] void fail(const char* what) {
    std::fprintf(stderr, "%s\n", what);
    std::abort();
}

void expect_rest(const std::string& event) {
    if (event.ends_with("find no rest")) fail(event.c_str());
}

struct StpHands final : RstpHands {
    void apply(std::span<const StpChange>) override {}
    void send(uint16_t, Bytes frame) override {
        if (!read_bpdu(frame).bpdu && read_bpdu(frame).fault != kOld)
            fail("sends what can't be read");
    }
    void tell(const std::string& event) override { expect_rest(event); }
    static constexpr std::string_view kOld = "older than its maximum age";
};

struct LagHands final : LacpHands {
    void apply(std::span<const LacpChange>) override {}
    void send(uint16_t, Bytes frame) override {
        if (read_slow(frame).pdu.index() == 0) fail("sends what can't be read");
    }
    void tell(const std::string& event) override { expect_rest(event); }
};

struct GroupHands final : SnooperHands {
    void ask(uint16_t, std::optional<uint16_t>, const MembershipQuery& query) override {
        if (read_membership(write_query(query, kOurs)).message.index() != 1)
            fail("asks what can't be read");
    }
    void tell(const std::string&) override {}
};

void check_query(const MembershipQuery& query) {
    const auto again =
        std::get<MembershipQuery>(read_membership(write_query(query, kOurs)).message);
    if (again.source != query.source || again.group != query.group ||
        again.max_response > query.max_response || again.interval != query.interval)
        fail("a query reads back as another");
}

void check_codecs(Bytes frame) {
    const MembershipReading about_groups = read_membership(frame);
    if (const auto* query = std::get_if<MembershipQuery>(&about_groups.message))
        check_query(*query);
    if (const auto bpdu = read_bpdu(frame).bpdu)
        if (const auto again = read_bpdu(write_bpdu(*bpdu, kOurs));
            again.bpdu && again.bpdu != bpdu)
            fail("a BPDU reads back as another");
    const SlowReading slow = read_slow(frame);
    if (const auto* pdu = std::get_if<Lacpdu>(&slow.pdu))
        if (read_slow(write_lacpdu(*pdu, kOurs)).pdu != slow.pdu)
            fail("an LACPDU reads back as another");
    if (const auto* marker = std::get_if<Marker>(&slow.pdu))
        if (read_slow(write_marker(*marker, kOurs)).pdu != slow.pdu)
            fail("a marker reads back as another");
}

struct Machines {
    Rstp::Clock::time_point now{};
    StpHands stp_hands;
    LagHands lag_hands;
    Rstp rstp{{.name = "b", .mac = kOurs}, stp_hands, now};
    Lacp lacp{{.name = "l", .system = kOurs}, lag_hands};
    GroupHands group_hands;
    const SnooperConfig listening{.bridge = "b",
                                  .querier = true,
                                  .sources4 = {{0, Ip4{10, 0, 0, 9}}},
                                  .source6 = *Ip6::parse("fe80::9")};
    Snooper snooper{listening, group_hands};

    Machines() {
        for (uint16_t port = 0; port < kPorts; ++port) {
            rstp.set_port(port, {.name = "p", .mac = kOurs, .root_guard = port == 2});
            rstp.link(port, true, 0);
            lacp.set_port(port, {.name = "p", .mac = kOurs}, now);
            lacp.link(port, true, now);
        }
        snooper.configure(listening, now);
        snooper.set_ports({{0, {"p"}}, {1, {"p"}}, {2, {"p", true}}}, now);
    }
    void take(uint8_t what, Bytes frame) {
        const auto port = static_cast<uint16_t>(what % kPorts);
        if ((what & 0x80) != 0) {
            const bool up = (what & 0x40) != 0;
            rstp.link(port, up, 1000);
            lacp.link(port, up, now);
        }
        now += std::chrono::milliseconds(100 * (what & 0x30));
        rstp.tick(now);
        lacp.tick(now);
        check_codecs(frame);
        rstp.bpdu_received(port, frame);
        lacp.frame_received(port, frame, now);
        snooper.received(port, 0, frame, now);
        snooper.tick(now);
        if (snooper.status(now).groups.size() > Snooper::kMostGroups) fail("too many groups");
        if (rstp.due() <= now || lacp.due() <= now) fail("is due in the past");
    }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    Bytes rest(reinterpret_cast<const std::byte*>(data), size);
    Machines machines;
    while (rest.size() >= 2) {
        const auto what = std::to_integer<uint8_t>(rest[0]);
        const size_t bytes = std::min<size_t>(std::to_integer<size_t>(rest[1]), rest.size() - 2);
        // Of its own, so that ASan sees a byte read too far.
        const std::vector<std::byte> frame(rest.begin() + 2,
                                           rest.begin() + 2 + static_cast<long>(bytes));
        machines.take(what, frame);
        rest = rest.subspan(2 + bytes);
    }
    return 0;
}
