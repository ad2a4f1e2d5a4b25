// SPDX-License-Identifier: Apache-2.0
// Who speaks to whom, and how much, by samples of what ports receive. Pure.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>

#include "dataplane/net/ip4.h"

namespace vethway {

struct FlowKey {
    Ip4 src, dst;
    uint8_t protocol = 0;                       // IPv4's
    uint16_t source_port = 0, target_port = 0;  // of TCP, UDP and SCTP; of a later fragment 0
    friend auto operator<=>(const FlowKey&, const FlowKey&) = default;
};

struct FlowSample {
    uint64_t packets = 0, bytes = 0;
};

// Of an Ethernet frame with an IPv4 packet, tagged or not; none of any other. `frame` may be cut.
std::optional<FlowKey> flow_of(std::span<const std::byte> frame);

using Flows = std::map<FlowKey, FlowSample>;

}  // namespace vethway
