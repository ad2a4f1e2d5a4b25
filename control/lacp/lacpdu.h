// SPDX-License-Identifier: Apache-2.0
// LACPDUs and markers as they lie in a frame (IEEE 802.1AX-2008 5.4.2 and 5.5). Any thread.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "dataplane/net/mac.h"

namespace vethway {

inline constexpr Mac kSlowGroup{{0x01, 0x80, 0xc2, 0x00, 0x00, 0x02}};  // annex 43B of 802.3
inline constexpr uint16_t kEtherTypeSlow = 0x8809;

// Of one end of a link, 5.4.2.2 m; bits as on the wire.
inline constexpr uint8_t kLacpActivity = 0x01, kLacpShortTimeout = 0x02, kLacpAggregation = 0x04,
                         kLacpSynchronization = 0x08, kLacpCollecting = 0x10,
                         kLacpDistributing = 0x20, kLacpDefaulted = 0x40, kLacpExpired = 0x80;

struct LacpParty {
    uint16_t system_priority = 0;
    Mac system;
    uint16_t key = 0;
    uint16_t port_priority = 0, port = 0;
    uint8_t state = 0;

    bool has(uint8_t bit) const noexcept { return (state & bit) != 0; }
    void set(uint8_t bit, bool on) noexcept {
        state = static_cast<uint8_t>(on ? state | bit : state & ~bit);
    }
    // The same end, that may be aggregated as before: what is compared in 5.4.9.
    bool is_same(const LacpParty& o) const noexcept {
        return system_priority == o.system_priority && system == o.system && key == o.key &&
               port_priority == o.port_priority && port == o.port &&
               has(kLacpAggregation) == o.has(kLacpAggregation);
    }
    std::string to_string() const;  // "02:00:00:00:0a:00 port 3 key 2"
    friend bool operator==(const LacpParty&, const LacpParty&) = default;
};

struct Lacpdu {
    LacpParty actor, partner;  // the sender, and whom it takes the receiver for
    friend bool operator==(const Lacpdu&, const Lacpdu&) = default;
};

struct Marker {
    bool is_response = false;
    uint16_t port = 0;
    Mac system;
    uint32_t transaction = 0;
    friend bool operator==(const Marker&, const Marker&) = default;
};

struct SlowReading {
    std::variant<std::monostate, Lacpdu, Marker> pdu;
    const char* fault = "";  // why there is none
    Mac from;
};

// Of a whole frame, from its Ethernet header on. Reserved fields are not looked at, and of a later
// version what this one knows (5.4.2.2 c).
SlowReading read_slow(std::span<const std::byte> frame);
// Frames of 124 bytes.
std::vector<std::byte> write_lacpdu(const Lacpdu& pdu, Mac from);
std::vector<std::byte> write_marker(const Marker& marker, Mac from);

}  // namespace vethway
