// SPDX-License-Identifier: Apache-2.0
// Frames of members of bridge domains: may they come in, what do they teach, where do they go.
#pragma once

#include <cstdint>
#include <optional>

#include "dataplane/drop.h"
#include "dataplane/net/mac.h"

namespace vethway {

struct Context;
class Burst;
struct Domain;

// Of 01:80:c2:00:00:0x, the addresses that stay on a link (IEEE 802.1Q table 8-1): x.
std::optional<unsigned> reserved_group(const Mac& destination) noexcept;
inline constexpr unsigned kBridgeGroup = 0;  // the x of spanning trees (IEEE 802.1D 7.12.3)

// What is done with a frame to such an address.
enum class ReservedFate : uint8_t { passes, punted, refused };
ReservedFate reserved_fate(unsigned x, const Domain& domain) noexcept;

struct BridgeOutputs {
    Burst &ip,  // for IP: of ports that are in no domain, and to a domain's own port
        &punt;
};
// Consumes `rx`.
void bridge_input(Context& c, Burst& rx, BridgeOutputs out) noexcept;

}  // namespace vethway
