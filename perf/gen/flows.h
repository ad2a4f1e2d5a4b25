// SPDX-License-Identifier: Apache-2.0
// The flows: who talks to whom, and whose turn it is.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "perf/gen/address_set.h"
#include "perf/gen/random.h"

namespace vethway::gen {

// What the sender needs of a flow; host order. ICMP echo: src_port is the identifier, dst_port the
// sequence number.
struct Flow {
    uint32_t src = 0, dst = 0;
    uint16_t src_port = 0, dst_port = 0;
    uint64_t next_sequence = 0;  // of the frame to come; how many were sent

    // As 16-bit words, for checksums.
    uint32_t address_sum() const noexcept {
        return (src >> 16) + (src & 0xffff) + (dst >> 16) + (dst & 0xffff);
    }
};

struct PortRange {
    uint16_t first = 0, last = 0;
    uint64_t size() const noexcept { return uint64_t{last} - first + 1; }
};

struct FlowSets {
    AddressSet src, dst;
    PortRange src_ports, dst_ports;
};

// `count` flows, no two alike: all destinations first, then with the next source, then with the
// next source port, then with the next destination port. Throws OptionError where the sets make
// fewer.
std::vector<Flow> make_flows(const FlowSets& sets, uint64_t count);

// Which flow the next frame is of. The same sequence for the same seed.
class FlowOrder {
public:
    enum class Kind : uint8_t { round_robin, uniform, zipf };
    // Zipf: flow k (from 0) as often as 1 / (k + 1)^exponent.
    FlowOrder(Kind kind, uint32_t flows, uint64_t seed, double exponent = 1);

    uint32_t next() noexcept {
        if (kind_ == Kind::round_robin) {
            const uint32_t flow = turn_;
            turn_ = turn_ + 1 == flows_ ? 0 : turn_ + 1;
            return flow;
        }
        const uint64_t drawn = random_.next();
        const auto column = static_cast<uint32_t>((drawn >> 32) * flows_ >> 32);
        if (kind_ == Kind::uniform) return column;
        const Column& c = columns_[column];
        return static_cast<uint32_t>(drawn) < c.keep ? column : c.other;
    }

private:
    // Walker's alias method (as Vose builds it): every column has the same share, and is of at most
    // two flows; so a draw costs the same whatever the distribution.
    struct Column {
        uint32_t keep;   // of 2^32: how often the column is its own flow's
        uint32_t other;  // and whose it is else
    };
    void build_columns(double exponent);

    Kind kind_;
    uint32_t flows_, turn_ = 0;
    Random random_;
    std::vector<Column> columns_;
};

}  // namespace vethway::gen
