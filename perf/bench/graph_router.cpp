// SPDX-License-Identifier: Apache-2.0
#include "perf/bench/graph_router.h"

#include <rte_node_eth_api.h>
#include <rte_node_ip4_api.h>

#include <cstring>
#include <stdexcept>

namespace vethway::bench {

GraphRouter::GraphRouter(MemoryPorts& ports) {
    rte_node_ethdev_config config[2]{};
    for (size_t i = 0; i < 2; ++i)
        config[i] = {.port_id = ports.id(i), .num_rx_queues = 1, .num_tx_queues = 1};
    if (rte_node_eth_config(config, 2, 1) < 0) throw std::runtime_error("rte_node_eth_config");
    const char* patterns[] = {"ip4*", "ethdev_tx-*", "pkt_drop", "ethdev_rx-0-0"};
    rte_graph_param param{};
    param.socket_id = static_cast<int>(rte_socket_id());  // whose routes it looks up
    param.nb_node_patterns = 4;
    param.node_patterns = patterns;
    const rte_graph_t id = rte_graph_create("bench", &param);
    graph_ = id == RTE_GRAPH_ID_INVALID ? nullptr : rte_graph_lookup("bench");
    if (graph_ == nullptr) throw std::runtime_error("rte_graph_create");
    const EtherHeader ether{kHostMacs[1], kPortMacs[1], kEtherTypeIp4};
    uint8_t bytes[sizeof ether];
    std::memcpy(bytes, &ether, sizeof ether);
    for (uint16_t hop = 0; hop < kNextHops; ++hop)
        if (rte_node_ip4_rewrite_add(hop, bytes, sizeof bytes, ports.id(1)) < 0)
            throw std::runtime_error("rte_node_ip4_rewrite_add");
}

void GraphRouter::add(const Prefix4& prefix, uint32_t hop) {
    if (rte_node_ip4_route_add(prefix.address.value, prefix.length, static_cast<uint16_t>(hop),
                               RTE_NODE_IP4_LOOKUP_NEXT_REWRITE) < 0)
        throw std::runtime_error("rte_node_ip4_route_add");
}

}  // namespace vethway::bench
