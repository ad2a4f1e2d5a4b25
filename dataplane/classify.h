// SPDX-License-Identifier: Apache-2.0
// What is it, and is it for us: admission by MAC address and by EtherType. Ports hear every frame
// of their link, so the filter that a network card would do is done here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/drop.h"
#include "dataplane/net/headers.h"

namespace vethway {

struct Context;
class Burst;

enum class FrameKind : uint8_t { dropped, arp, ip4 };
struct FrameClass {
    FrameKind kind = FrameKind::dropped;
    Drop why = Drop::none;    // when dropped
    bool link_group = false;  // sent to a broadcast or multicast address
};
FrameClass classify_frame(std::span<const std::byte> frame, const Mac& port_mac) noexcept;

struct ClassifyOutputs {
    Burst &arp, &ip4;
};
// Consumes `rx`: every packet ends in one of the outputs or is dropped.
void classify(Context& c, Burst& rx, ClassifyOutputs out) noexcept;

}  // namespace vethway
