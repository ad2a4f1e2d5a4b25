// SPDX-License-Identifier: Apache-2.0
// A rival of our own writing: the packet's path of DPDK's sample l3fwd, of its public API. Four at
// a time: rte_lpm_lookupx4, Ethernet header by one wide store, TTL and checksum, and bursts by
// egress port. It looks at version, header and total length as the sample does (RFC 1812 5.2.2),
// and leaves the header's checksum to the device, unless it is told to verify it.
#pragma once

#include <rte_lpm.h>

#include <array>
#include <memory>

#include "perf/bench/memory_ports.h"

namespace vethway::bench {

class LpmRouter {
public:
    static constexpr uint32_t kNextHops = 16;

    LpmRouter(MemoryPorts& ports, bool verifies_checksums);
    void add(const Prefix4& prefix, uint32_t hop);
    // Receives a burst, routes and sends it.
    void poll() noexcept;
    uint64_t sent() const noexcept { return sent_; }

private:
    struct FreeLpm {
        void operator()(rte_lpm* lpm) const noexcept { rte_lpm_free(lpm); }
    };
    struct NextHopHeader {
        alignas(16) std::array<std::byte, 16> ether;  // the last two are not its own
        uint16_t port;
    };
    bool is_valid(const rte_mbuf& m) const noexcept;
    void route_four(rte_mbuf** frames) noexcept;
    void send(rte_mbuf* m, uint32_t hop) noexcept;

    MemoryPorts& ports_;
    const bool verifies_;
    std::unique_ptr<rte_lpm, FreeLpm> lpm_;
    std::array<NextHopHeader, kNextHops> hops_{};
    std::array<std::array<rte_mbuf*, 64>, 2> out_;
    std::array<uint16_t, 2> waiting_{};
    uint64_t sent_ = 0;
};

}  // namespace vethway::bench
