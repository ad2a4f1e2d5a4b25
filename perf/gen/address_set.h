// SPDX-License-Identifier: Apache-2.0
// A set of IPv4 addresses that flows go from or to, in the order in which it was written.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/net/ip4.h"

namespace vethway::gen {

// What a user wrote and can't be used: names what and where, and what was expected.
struct OptionError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class AddressSet {
public:
    // "10.0.0.2", "10.0.0.2-10.0.0.9", "10.0.0.0/24" (its hosts: without network and broadcast
    // address), or several of these with commas between. Throws OptionError.
    static AddressSet parse(std::string_view text);
    // One address of each prefix of a routing table: a line each, that begins with the prefix (what
    // follows is not looked at); empty lines and those that begin with # are none. `seed` chooses
    // the host. Throws OptionError with the file's line.
    static AddressSet read_prefixes(const std::string& file, uint64_t seed);

    uint64_t size() const noexcept { return size_; }
    Ip4 at(uint64_t i) const noexcept;  // i < size()
    bool contains(Ip4 ip) const noexcept;

private:
    struct Range {
        uint32_t first;
        uint64_t count;
        uint64_t before;  // how many addresses the ranges before it have
    };
    void add(uint32_t first, uint64_t count);
    void finish();

    std::vector<Range> ranges_;
    std::vector<Range> sorted_;  // by address
    uint64_t size_ = 0;
};

}  // namespace vethway::gen
