// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace vethway {

struct Context;
class Burst;

// What a LAG's member has received comes in by the LAG, if the member carries its frames; else it
// is dropped. Slow protocols, of a LAG that speaks LACP, go to `punt` whether it does or not.
void enter_lag(Context& c, Burst& rx, Burst& punt) noexcept;

}  // namespace vethway
