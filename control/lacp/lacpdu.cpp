// SPDX-License-Identifier: Apache-2.0
#include "control/lacp/lacpdu.h"

#include <fmt/format.h>

#include "dataplane/net/headers.h"

namespace vethway {

namespace {

struct PartyTlv {
    uint8_t type, bytes;
    Be16 system_priority;
    Mac system;
    Be16 key, port_priority, port;
    uint8_t state, reserved[3];
};
struct LacpBody {
    uint8_t subtype, version;
    PartyTlv actor, partner;
    uint8_t collector, collector_bytes;
    Be16 collector_delay;  // in 10 us; 0: it never reorders
    uint8_t reserved[12], terminator, terminator_bytes, padding[50];
};
struct MarkerBody {
    uint8_t subtype, version, type, bytes;
    Be16 port;
    Mac system;
    Be32 transaction;
    uint8_t reserved[2], terminator, terminator_bytes, padding[90];
};
static_assert(sizeof(PartyTlv) == 20 && sizeof(LacpBody) == 110 && sizeof(MarkerBody) == 110);
static_assert(alignof(LacpBody) == 1 && alignof(MarkerBody) == 1);

constexpr uint8_t kLacp = 1, kMarker = 2, kVersion = 1;
constexpr uint8_t kActor = 1, kPartner = 2, kCollector = 3, kMarkerAsked = 1, kMarkerAnswered = 2;
constexpr uint8_t kPartyBytes = 20, kCollectorBytes = 16, kMarkerBytes = 16;

LacpParty decode(const PartyTlv& t) {
    return {t.system_priority, t.system, t.key, t.port_priority, t.port, t.state};
}
PartyTlv encode(const LacpParty& p, uint8_t type) {
    return {type,    kPartyBytes, p.system_priority, p.system, p.key, p.port_priority, p.port,
            p.state, {}};
}

template <class Body>
std::vector<std::byte> frame_of(const Body& body, Mac from) {
    std::vector<std::byte> frame(sizeof(EtherHeader) + sizeof body);
    *reinterpret_cast<EtherHeader*>(frame.data()) = {kSlowGroup, from, kEtherTypeSlow};
    *reinterpret_cast<Body*>(frame.data() + sizeof(EtherHeader)) = body;
    return frame;
}

}  // namespace

std::string LacpParty::to_string() const {
    return fmt::format("{} port {} key {}", system.to_string(), port, key);
}

SlowReading read_slow(std::span<const std::byte> frame) {
    if (frame.size() < sizeof(EtherHeader)) return {{}, "ends before its EtherType", {}};
    const auto& ether = *reinterpret_cast<const EtherHeader*>(frame.data());
    const auto refused = [&](const char* why) { return SlowReading{{}, why, ether.src}; };
    if (ether.dst != kSlowGroup || ether.type != kEtherTypeSlow)
        return refused("not of the slow protocols");
    if (frame.size() < sizeof(EtherHeader) + sizeof(LacpBody)) return refused("ends too early");
    const std::byte* const bytes = frame.data() + sizeof(EtherHeader);
    const auto& lacp = *reinterpret_cast<const LacpBody*>(bytes);
    if (lacp.version < kVersion) return refused("of version 0");
    if (lacp.subtype == kMarker) {
        const auto& marker = *reinterpret_cast<const MarkerBody*>(bytes);
        if (marker.type != kMarkerAsked && marker.type != kMarkerAnswered)
            return refused("a marker of an unknown type");
        if (marker.bytes != kMarkerBytes) return refused("a marker of a wrong length");
        return {
            Marker{marker.type == kMarkerAnswered, marker.port, marker.system, marker.transaction},
            "", ether.src};
    }
    if (lacp.subtype != kLacp) return refused("neither LACP nor a marker");
    if (lacp.actor.type != kActor || lacp.actor.bytes != kPartyBytes)
        return refused("its actor is not where it must be");
    if (lacp.partner.type != kPartner || lacp.partner.bytes != kPartyBytes)
        return refused("its partner is not where it must be");
    if (lacp.collector != kCollector || lacp.collector_bytes != kCollectorBytes)
        return refused("its collector is not where it must be");
    return {Lacpdu{decode(lacp.actor), decode(lacp.partner)}, "", ether.src};
}

std::vector<std::byte> write_lacpdu(const Lacpdu& pdu, Mac from) {
    LacpBody body{};
    body.subtype = kLacp;
    body.version = kVersion;
    body.actor = encode(pdu.actor, kActor);
    body.partner = encode(pdu.partner, kPartner);
    body.collector = kCollector;
    body.collector_bytes = kCollectorBytes;
    return frame_of(body, from);
}

std::vector<std::byte> write_marker(const Marker& marker, Mac from) {
    MarkerBody body{};
    body.subtype = kMarker;
    body.version = kVersion;
    body.type = marker.is_response ? kMarkerAnswered : kMarkerAsked;
    body.bytes = kMarkerBytes;
    body.port = marker.port;
    body.system = marker.system;
    body.transaction = marker.transaction;
    return frame_of(body, from);
}

}  // namespace vethway
