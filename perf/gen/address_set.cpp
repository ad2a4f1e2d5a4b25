// SPDX-License-Identifier: Apache-2.0
#include "perf/gen/address_set.h"

#include <algorithm>
#include <fstream>
#include <optional>

#include "perf/gen/random.h"

namespace vethway::gen {

namespace {

constexpr const char* kSetForm =
    "expected an address, a range (10.0.0.2-10.0.0.9) or a prefix (10.0.0.0/24)";

struct Hosts {
    uint32_t first;
    uint64_t count;
};

// Network and broadcast address are no hosts; of a /31 both are (RFC 3021).
Hosts hosts_of(const Prefix4& prefix) {
    const uint64_t all = uint64_t{1} << (32 - prefix.length);
    const uint32_t first = prefix.network().address.value;
    if (prefix.length >= 31) return {first, all};
    return {first + 1, all - 2};
}

std::optional<Hosts> parse_hosts(std::string_view text) {
    if (const size_t dash = text.find('-'); dash != std::string_view::npos) {
        const auto first = Ip4::parse(text.substr(0, dash));
        const auto last = Ip4::parse(text.substr(dash + 1));
        if (!first || !last || *last < *first) return std::nullopt;
        return Hosts{first->value, uint64_t{last->value} - first->value + 1};
    }
    const auto prefix = Prefix4::parse(text);
    if (!prefix) return std::nullopt;
    // "10.0.0.7/24" with host bits is more likely a slip than a set.
    if (prefix->network() != *prefix) return std::nullopt;
    return hosts_of(*prefix);
}

}  // namespace

AddressSet AddressSet::parse(std::string_view text) {
    AddressSet set;
    for (size_t at = 0; at <= text.size();) {
        const size_t comma = std::min(text.find(',', at), text.size());
        const std::string_view one = text.substr(at, comma - at);
        const auto hosts = parse_hosts(one);
        if (!hosts) throw OptionError(std::string(kSetForm) + ", got \"" + std::string(one) + '"');
        set.add(hosts->first, hosts->count);
        at = comma + 1;
    }
    set.finish();
    return set;
}

AddressSet AddressSet::read_prefixes(const std::string& file, uint64_t seed) {
    std::ifstream in(file);
    if (!in) throw OptionError(file + ": can't be read");
    AddressSet set;
    Random random(seed);
    std::string line;
    for (size_t number = 1; std::getline(in, line); ++number) {
        const size_t begin = line.find_first_not_of(" \t\r");
        if (begin == std::string::npos || line[begin] == '#') continue;
        const std::string word = line.substr(begin, line.find_first_of(" \t\r,;", begin) - begin);
        const auto prefix = Prefix4::parse(word);
        if (!prefix)
            throw OptionError(file + ':' + std::to_string(number) +
                              ": expected a prefix like 192.0.2.0/24, got \"" + word + '"');
        const Hosts hosts = hosts_of(*prefix);
        set.add(hosts.first + static_cast<uint32_t>(random.below(hosts.count)), 1);
    }
    if (set.size_ == 0) throw OptionError(file + ": no prefix in it");
    set.finish();
    return set;
}

void AddressSet::add(uint32_t first, uint64_t count) {
    ranges_.push_back({first, count, size_});
    size_ += count;
}

void AddressSet::finish() {
    sorted_ = ranges_;
    std::ranges::sort(sorted_, {}, &Range::first);
}

Ip4 AddressSet::at(uint64_t i) const noexcept {
    const auto behind = std::ranges::upper_bound(ranges_, i, {}, &Range::before);
    const Range& range = *(behind - 1);
    return Ip4{static_cast<uint32_t>(range.first + (i - range.before))};
}

bool AddressSet::contains(Ip4 ip) const noexcept {
    auto range = std::ranges::upper_bound(sorted_, ip.value, {}, &Range::first);
    // Ranges may overlap, so one before the nearest may be the longer; they are few, or of one
    // address each, of which the nearest is enough.
    while (range != sorted_.begin()) {
        --range;
        if (uint64_t{ip.value} - range->first < range->count) return true;
        if (sorted_.size() > 64) return false;
    }
    return false;
}

}  // namespace vethway::gen
