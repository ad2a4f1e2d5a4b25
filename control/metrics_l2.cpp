// SPDX-License-Identifier: Apache-2.0
// What Prometheus is told of LAGs and bridges.
#include <algorithm>

#include "control/metrics.h"

namespace vethway {

namespace {

void count_both_ways(const char* name, const char* help, const Families::Labels& label, uint64_t rx,
                     uint64_t tx, Families& out) {
    out.counter(name, help, Families::with(label, "direction", "rx"), static_cast<double>(rx));
    out.counter(name, help, Families::with(label, "direction", "tx"), static_cast<double>(tx));
}

void collect_lacp(const Families::Labels& member, const LacpPortStatus& port, Families& out) {
    count_both_ways("vethway_lacp_packets_total", "LACPDUs taken in or sent.", member,
                    port.received, port.sent, out);
    out.counter("vethway_lacp_refused_packets_total",
                "Frames of slow protocols that were no LACPDUs or markers, or broken ones.", member,
                static_cast<double>(port.refused));
}

void collect_lag(const Lag& lag, Families& out) {
    const Families::Labels label{{"lag", lag.config().port.name}};
    out.gauge("vethway_lag_members", "Members that the LAG is configured to have.", label,
              static_cast<double>(lag.members().size()));
    out.gauge("vethway_lag_min_links", "With fewer members that carry the LAG is down.", label,
              std::max(lag.config().min_links, 1U));
    out.gauge("vethway_lag_carrying", "Members that carry the LAG's frames.", label,
              lag.carrying());
    const std::optional<LacpStatus> lacp = lag.lacp();
    for (const Lag::Member& m : lag.members()) {
        const Families::Labels member = Families::with(label, "port", m.name);
        out.gauge("vethway_lag_member_carrying", "Whether the member carries the LAG's frames.",
                  member, lag.carries(m) ? 1 : 0);
        if (!lacp) continue;
        const auto of = std::ranges::find(lacp->ports, m.port, &LacpPortStatus::port);
        if (of != lacp->ports.end()) collect_lacp(member, *of, out);
    }
}

// What holds a member back though its link is up. `by`: what does.
void collect_guard(const Families::Labels& member, const char* by, bool guarded, Families& out) {
    out.gauge("vethway_bridge_member_guarded",
              "Whether the member of a bridge is kept from forwarding, and by what.",
              Families::with(member, "by", by), guarded ? 1 : 0);
}

Families::Labels member_label(const std::string& port, const BridgeConfig& bridge) {
    return {{"port", port}, {"bridge", bridge.port.name}};
}

void collect_tree_port(const Families::Labels& member, const RstpPortStatus& p, Families& out) {
    count_both_ways("vethway_stp_bpdus_total", "BPDUs of spanning trees.", member, p.bpdus_received,
                    p.bpdus_sent, out);
    collect_guard(member, "bpdu_guard", p.guarded, out);
    collect_guard(member, "root_guard", p.root_guarded, out);
}

void collect_spanning_tree(Controller& controller, const BridgeConfig& bridge, Families& out) {
    const auto tree = controller.spanning_trees().status(bridge.port.name);
    if (!tree) return;
    const Families::Labels label{{"bridge", bridge.port.name}};
    out.gauge("vethway_stp_root", "Whether the bridge is the root of its spanning tree.", label,
              tree->root == tree->id);
    out.counter("vethway_stp_topology_changes_total", "Topology changes that the bridge has seen.",
                label, static_cast<double>(tree->topology_changes));
    for (const RstpPortStatus& p : tree->ports)
        if (const ManagedPort* port = controller.ports().find(p.port))
            collect_tree_port(member_label(port->config.name, bridge), p, out);
}

void collect_member(Controller& controller, const ManagedPort& port, const BridgeConfig& bridge,
                    Families& out) {
    const Families::Labels label = member_label(port.config.name, bridge);
    const PortTotals totals = controller.ports().totals(port.index);
    for (size_t i = 0; i < totals.bridged.size(); ++i)
        out.counter("vethway_bridge_events_total",
                    "What bridging did with frames of the member, and what it learned of them.",
                    Families::with(label, "event", kBridgedNames[i]),
                    static_cast<double>(totals.bridged[i]));
    out.gauge(
        "vethway_bridge_member_forwarding", "Whether the member of a bridge is up and forwarding.",
        label,
        port.up() && controller.dataplane().l2().state(port.index) == MemberState::forwarding);
    if (bridge.loop_detection == LoopDetection::off) return;
    const LoopWatch& loops = controller.loop_watch();
    out.gauge("vethway_bridge_member_looped",
              "Whether frames of the bridge's own come back by the member.", label,
              loops.is_looped(port.config.name) ? 1 : 0);
    collect_guard(label, "loop_detection", loops.is_shut(port.config.name), out);
}

void collect_snooping(Controller& controller, const BridgeConfig& bridge, Families& out) {
    const auto learned = controller.snooping().status(bridge.port.name);
    if (!learned) return;
    const Families::Labels label{{"bridge", bridge.port.name}};
    out.gauge("vethway_bridge_groups", "Multicast groups that the bridge has learned.", label,
              static_cast<double>(learned->groups.size()));
    out.gauge("vethway_bridge_groups_limit", "Multicast groups that the bridge may learn.", label,
              Snooper::kMostGroups);
    const auto count = [&](const char* kind, uint64_t messages) {
        out.counter("vethway_bridge_snooped_messages_total",
                    "Messages of IGMP, MLD and routers that the bridge has heard.",
                    Families::with(label, "kind", kind), static_cast<double>(messages));
    };
    count("query", learned->queries);
    count("report", learned->reports);
    count("router", learned->router_messages);
    count("faulty", learned->faulty);
    out.counter("vethway_bridge_queries_sent_total",
                "Questions of the bridge's own, which groups are wanted.", label,
                static_cast<double>(learned->queries_sent));
}

void collect_bridge(Controller& controller, const BridgeConfig& bridge, Families& out) {
    const Families::Labels label{{"bridge", bridge.port.name}};
    out.gauge("vethway_bridge_stations", "Stations that the bridge has learned.", label,
              controller.ports().bridges().learned(bridge.port.name));
    const uint32_t limit = bridge.learn_limit == 0 ? Fdb::kMaxStations : bridge.learn_limit;
    out.gauge("vethway_bridge_stations_limit", "Stations that the bridge may learn.", label,
              std::min(limit, Fdb::kMaxStations));
    for (const MemberConfig& m : bridge.members)
        if (const ManagedPort* port = controller.ports().find(m.port))
            collect_member(controller, *port, bridge, out);
    collect_spanning_tree(controller, bridge, out);
    collect_snooping(controller, bridge, out);
}

}  // namespace

void collect_l2(Controller& controller, Families& out) {
    for (const Lag& lag : controller.ports().lags().all()) collect_lag(lag, out);
    for (const BridgeConfig& bridge : controller.ports().bridges().all())
        collect_bridge(controller, bridge, out);
}

}  // namespace vethway
