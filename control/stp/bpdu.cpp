// SPDX-License-Identifier: Apache-2.0
#include "control/stp/bpdu.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "dataplane/net/headers.h"

namespace vethway {

namespace {

// 802.1D 9.3, behind an 802.3 header whose type is a length, and the LLC of 802.2.
struct BpduHeader {
    Be16 protocol;
    uint8_t version, type;
};
struct BpduBody {
    uint8_t flags;
    Be16 root_priority;
    Mac root;
    Be32 cost;
    Be16 bridge_priority;
    Mac bridge;
    Be16 port, message_age, max_age, hello, forward_delay;
};
static_assert(sizeof(BpduHeader) == 4 && sizeof(BpduBody) == 31 && alignof(BpduBody) == 1);

constexpr uint8_t kLlc[] = {0x42, 0x42, 0x03};  // 7.12.3: both SAPs, unnumbered information
constexpr size_t kAtLlc = sizeof(EtherHeader), kAtBpdu = kAtLlc + sizeof kLlc;
constexpr size_t kConfigBytes = sizeof(BpduHeader) + sizeof(BpduBody), kRstBytes = kConfigBytes + 1;
constexpr uint8_t kTypeConfig = 0x00, kTypeRst = 0x02, kTypeTcn = 0x80;
constexpr uint8_t kVersionStp = 0, kVersionRstp = 2;
constexpr uint8_t kTopologyChange = 0x01, kProposal = 0x02, kLearning = 0x10, kForwarding = 0x20,
                  kAgreement = 0x40, kTopologyChangeAck = 0x80;
constexpr unsigned kRoleShift = 2, kRoleMask = 3;
constexpr uint32_t kWireSecond = 256;

uint16_t to_seconds(uint16_t wire) {
    return static_cast<uint16_t>((wire + kWireSecond / 2) / kWireSecond);
}
uint16_t to_wire(uint16_t seconds) {
    return static_cast<uint16_t>(std::min<uint32_t>(seconds * kWireSecond, UINT16_MAX));
}

Bpdu decode(BpduType type, const BpduBody& b) {
    const auto is = [&](uint8_t flag) { return (b.flags & flag) != 0; };
    Bpdu bpdu{.type = type,
              .topology_change = is(kTopologyChange),
              .topology_change_ack = is(kTopologyChangeAck),
              .vector = {{b.root_priority, b.root}, b.cost, {b.bridge_priority, b.bridge}, b.port},
              .times = {to_seconds(b.message_age), to_seconds(b.max_age), to_seconds(b.hello),
                        to_seconds(b.forward_delay)}};
    const auto role = static_cast<BpduRole>(b.flags >> kRoleShift & kRoleMask);
    if (type == BpduType::rst && role == BpduRole::unknown) bpdu.type = BpduType::config;
    if (bpdu.type == BpduType::config) return bpdu;
    bpdu.role = role;
    bpdu.proposal = is(kProposal);
    bpdu.agreement = is(kAgreement);
    bpdu.learning = is(kLearning);
    bpdu.forwarding = is(kForwarding);
    return bpdu;
}

// 9.3.4, of what the length field covers.
BpduReading read_payload(std::span<const std::byte> bytes, Mac from) {
    const auto refused = [&](const char* why) { return BpduReading{std::nullopt, why, from}; };
    if (bytes.size() < sizeof(BpduHeader)) return refused("ends before its type");
    const auto& header = *reinterpret_cast<const BpduHeader*>(bytes.data());
    if (header.protocol != 0) return refused("its protocol is not the spanning tree's");
    if (header.type == kTypeTcn) return {Bpdu{.type = BpduType::tcn}, "", from};
    if (header.type != kTypeConfig && header.type != kTypeRst) return refused("of an unknown type");
    const bool is_rst = header.type == kTypeRst;
    if (is_rst && header.version < kVersionRstp) return refused("RST of a version before 2");
    if (bytes.size() < (is_rst ? kRstBytes : kConfigBytes)) return refused("ends too early");
    const auto& body = *reinterpret_cast<const BpduBody*>(bytes.data() + sizeof header);
    if (body.message_age >= body.max_age) return refused("older than its maximum age");
    return {decode(is_rst ? BpduType::rst : BpduType::config, body), "", from};
}

uint8_t flags_of(const Bpdu& b) {
    const auto flag = [](bool on, uint8_t bit) { return on ? bit : uint8_t{0}; };
    uint8_t flags = flag(b.topology_change, kTopologyChange);
    flags |= flag(b.topology_change_ack, kTopologyChangeAck);
    if (b.type == BpduType::config) return flags;
    flags |= static_cast<uint8_t>(static_cast<unsigned>(b.role) << kRoleShift);
    flags |= flag(b.proposal, kProposal);
    flags |= flag(b.learning, kLearning);
    flags |= flag(b.forwarding, kForwarding);
    flags |= flag(b.agreement, kAgreement);
    return flags;
}

}  // namespace

std::string BridgeId::to_string() const {
    return fmt::format("{:04x}.{}", priority, mac.to_string());
}

BpduReading read_bpdu(std::span<const std::byte> frame) {
    if (frame.size() < kAtLlc) return {std::nullopt, "ends before its LLC", {}};
    const auto& ether = *reinterpret_cast<const EtherHeader*>(frame.data());
    const auto refused = [&](const char* why) { return BpduReading{std::nullopt, why, ether.src}; };
    if (ether.dst != kStpGroup) return refused("not for the bridge group address");
    if (ether.type > frame.size() - kAtLlc) return refused("shorter than its 802.3 length");
    if (ether.type < sizeof kLlc) return refused("ends before its LLC");
    if (std::memcmp(frame.data() + kAtLlc, kLlc, sizeof kLlc) != 0)
        return refused("its LLC is not the spanning tree's");
    return read_payload(frame.subspan(kAtBpdu, ether.type - sizeof kLlc), ether.src);
}

std::vector<std::byte> write_bpdu(const Bpdu& bpdu, Mac from) {
    const bool is_rst = bpdu.type == BpduType::rst;
    const size_t bytes = bpdu.type == BpduType::tcn ? sizeof(BpduHeader)
                         : is_rst                   ? kRstBytes
                                                    : kConfigBytes;
    std::vector<std::byte> frame(kAtBpdu + bytes);
    *reinterpret_cast<EtherHeader*>(frame.data()) = {kStpGroup, from,
                                                     static_cast<uint16_t>(sizeof kLlc + bytes)};
    std::memcpy(frame.data() + kAtLlc, kLlc, sizeof kLlc);
    auto& header = *reinterpret_cast<BpduHeader*>(frame.data() + kAtBpdu);
    header.version = is_rst ? kVersionRstp : kVersionStp;
    header.type = is_rst ? kTypeRst : kTypeConfig;
    if (bpdu.type == BpduType::tcn) {
        header.type = kTypeTcn;
        return frame;
    }
    const auto& [root, cost, bridge, port] = bpdu.vector;
    const StpTimes& t = bpdu.times;
    *reinterpret_cast<BpduBody*>(frame.data() + kAtBpdu + sizeof header) = {
        flags_of(bpdu),
        root.priority,
        root.mac,
        cost,
        bridge.priority,
        bridge.mac,
        port,
        to_wire(t.message_age_s),
        to_wire(t.max_age_s),
        to_wire(t.hello_s),
        to_wire(t.forward_delay_s)};
    return frame;
}

}  // namespace vethway
