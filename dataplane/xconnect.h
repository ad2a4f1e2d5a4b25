// SPDX-License-Identifier: Apache-2.0
// Cross-connects: two ports as the two ends of one wire.
#pragma once

namespace vethway {

struct Context;
class Burst;

// Worker. Takes out of `rx` what a cross-connected port received, and sends it by the other port as
// it is. What stays is for the stages that look into frames.
void xconnect(Context& c, Burst& rx) noexcept;

}  // namespace vethway
