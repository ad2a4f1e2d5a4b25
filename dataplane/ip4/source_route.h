// SPDX-License-Identifier: Apache-2.0
// Loose and strict source routes: the way that a sender has written into its packet (RFC 791 3.1,
// RFC 1122 3.2.1.8, RFC 1812 5.2.4.1; Linux net/ipv4/ip_options.c). `option` is one that
// find_options() has found.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/net/ip4.h"

namespace vethway {

class RouteTable;

// A packet that has come to an address of ours, and where its source route sends it.
struct NextStop {
    enum class Fate : uint8_t {
        arrived,  // there is none
        goes_on,  // to `stop`
        nowhere,  // nobody is there
        bad       // half an address is left
    };
    Fate fate;
    Ip4 here;  // the last of our addresses that it has come to by its route; zero: what its header
               // says
    Ip4 stop{};
};
// Stops that are our own are passed by at once (Linux ip_options_rcv_srr).
NextStop next_stop(std::span<const std::byte> option, const RouteTable& routes) noexcept;

// `ours` goes in the place of `stop`, and the pointer behind it (Linux ip_forward_options).
void record_stop(std::span<std::byte> option, Ip4 stop, Ip4 ours) noexcept;

// The way back, for an answer to `sender` (RFC 1122 3.2.2.6; Linux __ip_options_echo). `out` has
// room for an option of that length; returns how much of it is used, 0 where the way is straight.
// `first` is where the answer is sent.
size_t reverse_route(std::span<const std::byte> option, Ip4 sender, std::span<std::byte> out,
                     Ip4& first) noexcept;

}  // namespace vethway
