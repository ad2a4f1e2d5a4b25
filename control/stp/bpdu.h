// SPDX-License-Identifier: Apache-2.0
// Bridge protocol data units as they lie in a frame (IEEE 802.1D-2004 clause 9): configuration and
// topology change notification of the old spanning tree, RST of the rapid one. Any thread.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dataplane/net/mac.h"

namespace vethway {

inline constexpr Mac kStpGroup{{0x01, 0x80, 0xc2, 0x00, 0x00, 0x00}};  // 802.1D table 7-10

struct BridgeId {  // 9.2.5: the smaller is the better
    uint16_t priority = 0x8000;
    Mac mac;
    std::string to_string() const;  // "8000.02:00:00:00:0a:00"
    friend auto operator<=>(const BridgeId&, const BridgeId&) = default;
};

// What bridges compare (17.5), in this order; the smaller is the better.
struct StpVector {
    BridgeId root;
    uint32_t cost = 0;  // of the way from `bridge` to `root`
    BridgeId bridge;    // who says so
    uint16_t port = 0;  // by which of its ports: 4 bits of priority, 12 of number
    friend auto operator<=>(const StpVector&, const StpVector&) = default;
};

// In a BPDU in 1/256 s; here to the nearest second, which is what the timers count (17.22).
struct StpTimes {
    uint16_t message_age_s = 0, max_age_s = 20, hello_s = 2, forward_delay_s = 15;
    friend bool operator==(const StpTimes&, const StpTimes&) = default;
};

enum class BpduType : uint8_t { config, tcn, rst };
enum class BpduRole : uint8_t { unknown, alternate_or_backup, root, designated };  // 9.2.9

struct Bpdu {
    BpduType type = BpduType::rst;
    BpduRole role = BpduRole::designated;
    bool topology_change = false, topology_change_ack = false;
    bool proposal = false, agreement = false, learning = false, forwarding = false;
    StpVector vector;
    StpTimes times;
    friend bool operator==(const Bpdu&, const Bpdu&) = default;
};

struct BpduReading {
    std::optional<Bpdu> bpdu;
    const char* fault = "";  // why there is none
    Mac from;                // the frame's source, where there is an Ethernet header
};

// Of a whole frame, from its Ethernet header on; bytes behind the BPDU are padding, or what a later
// version has put there (9.3.4). An RST BPDU of an unknown role is a configuration BPDU (9.2.9).
BpduReading read_bpdu(std::span<const std::byte> frame);
// The frame, without padding.
std::vector<std::byte> write_bpdu(const Bpdu& bpdu, Mac from);

}  // namespace vethway
