// SPDX-License-Identifier: Apache-2.0
// A probe as bytes. Any thread.
#pragma once

#include <cstddef>
#include <vector>

#include "control/probe/probe.h"

namespace vethway {

// What tells one series from the others: an echo's identifier, or the source port of UDP.
struct ProbeMark {
    uint16_t series, sequence;
};

// An Ethernet header that is still to be filled in, and the IP packet, with 0 for its identifier
// and header checksum; echo data is 0, 1, 2, … .
std::vector<std::byte> make_probe(const ProbeSeries& series, Ip4 from, ProbeMark mark, uint8_t ttl,
                                  bool dont_fragment);

// The whole frame (RFC 826; RFC 5227 2.1.1, 2.3): to `to`, which is all or the one that answered.
std::vector<std::byte> make_arp_probe(const ProbeSeries& series, Ip4 from, const Mac& own,
                                      const Mac& to);

}  // namespace vethway
