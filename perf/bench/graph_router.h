// SPDX-License-Identifier: Apache-2.0
// A rival: the IPv4 path of DPDK's node library (librte_node), as its sample l3fwd-graph sets it
// up: ethdev_rx, pkt_cls, ip4_lookup, ip4_rewrite, ethdev_tx. It verifies no checksum.
#pragma once

#include <rte_graph.h>
#include <rte_graph_worker.h>

#include "perf/bench/memory_ports.h"

namespace vethway::bench {

// One a process: nodes can't be taken back.
class GraphRouter {
public:
    static constexpr uint32_t kNextHops = 16;

    explicit GraphRouter(MemoryPorts& ports);
    GraphRouter(const GraphRouter&) = delete;
    GraphRouter& operator=(const GraphRouter&) = delete;

    void add(const Prefix4& prefix, uint32_t hop);
    void poll() noexcept { rte_graph_walk(graph_); }

private:
    rte_graph* graph_ = nullptr;
};

}  // namespace vethway::bench
