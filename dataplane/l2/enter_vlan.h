// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace vethway {

struct Context;
class Burst;

// A frame whose outermost tag is a VLAN that has a port of its own comes in by that port, without
// the tag; and so on, where that has VLANs as well. Drops what comes for a port that is down.
void enter_vlan(Context& c, Burst& rx) noexcept;

}  // namespace vethway
