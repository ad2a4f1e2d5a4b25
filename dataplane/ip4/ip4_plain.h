// SPDX-License-Identifier: Apache-2.0
// Most frames are one IPv4 packet without options, right in every way and from another host to the
// port alone: one look at them is enough.
#pragma once

namespace vethway {

struct Context;
class Burst;

struct Ip4PlainOutputs {
    Burst& checked;  // classify() and ip4_input() would put them there and say no more
    Burst& other;
    Burst& errors;  // as Ip4LookupOutputs::errors
};
// Worker. Sends what needs no more (ip4_straight). Takes from the beginning of `rx`, the frames of
// one port, those that are plain and behind them those that are not, as far as both follow each
// other so: all packets in `checked` can then keep their order.
void ip4_plain(Context& c, Burst& rx, Ip4PlainOutputs out) noexcept;

}  // namespace vethway
