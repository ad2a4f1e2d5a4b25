// SPDX-License-Identifier: Apache-2.0
// IPv4 options (RFC 791 3.1, RFC 1812 4.2.2.1 and 5.3.13) in the manner of Linux
// net/ipv4/ip_options.c. Offsets are from the IPv4 header's first byte; 0: there is none. An option
// that is not named here is passed as it is (RFC 1812 5.3.13.1), a security label of any kind too.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/meta.h"

namespace vethway {

class RouteTable;

struct Ip4Options {
    uint8_t record_route = 0, timestamp = 0, source_route = 0;
    uint8_t end = 0;  // of what follows the end of the list
    uint8_t bad = 0;  // what a parameter problem points at; nothing behind it was looked at
};
// `header` is of its whole length, and lengths in it may be anything.
Ip4Options find_options(std::span<const std::byte> header) noexcept;

// What a router writes into the packets that it meets.
struct OptionStamp {
    Ip4 address;       // ours, as the sender of the packet knows us
    uint32_t time_ms;  // since midnight UTC
};
uint32_t ms_since_midnight() noexcept;

// Fills in what was found, up to the bad one, and clears what is behind the end. The header's
// checksum is left as it was, as Linux does: an error quotes it so.
OptionWork fill_options(std::span<std::byte> header, const Ip4Options& found,
                        const OptionStamp& stamp, const RouteTable& routes) noexcept;

struct EchoedOptions {
    std::array<std::byte, 40> bytes{};
    size_t size = 0;
    OptionWork work{};
    Ip4 first_stop{};  // where the answer goes; zero: to the sender
};
// The options of an answer to a packet with `header`, which fill_options() has seen (RFC 1122
// 3.2.2.6; Linux __ip_options_echo): record route and timestamp go on, a source route goes back,
// others don't. Nothing where
// Linux does not answer: the next address would need more room than the option has left.
std::optional<EchoedOptions> echo_options(std::span<const std::byte> header, OptionWork work,
                                          const RouteTable& routes) noexcept;

// What is left to do once the way is known: `address` goes where fill_options() put that which the
// sender knows (Linux ip_forward_options). The checksum is the caller's.
void record_egress(std::span<std::byte> header, OptionWork work, Ip4 address) noexcept;
// The same where a source route sends the packet on to `stop`.
void record_stop(std::span<std::byte> header, OptionWork work, Ip4 stop, Ip4 address) noexcept;
// The same for a packet of our own, with echo_options() in it (Linux ip_options_build).
void stamp_own(std::span<std::byte> header, OptionWork work, const OptionStamp& stamp) noexcept;

}  // namespace vethway
