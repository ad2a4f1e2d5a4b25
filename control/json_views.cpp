// SPDX-License-Identifier: Apache-2.0
#include "control/json_views.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <rte_cycles.h>
#include <rte_version.h>
#include <unistd.h>

#include "config/names.h"
#include "control/process.h"
#include "version.h"

namespace vethway {

namespace {

Json text_or_null(const std::optional<Ip4>& ip) {
    return ip ? Json(ip->to_string()) : Json(nullptr);
}

Json memory_view(Controller& controller) {
    const MemoryUse use = memory_use();
    const FrameBuffers& buffers = controller.dataplane().buffers();
    const auto pool = [](const rte_mempool& p) -> Json {
        return {{"total", p.populated_size}, {"used", rte_mempool_in_use_count(&p)}};
    };
    return {{"rss_bytes", use.resident_bytes},
            {"hugepages_bytes", use.hugepage_bytes},
            {"total_bytes", use.total()},
            {"mode", controller.machine().hugepages ? "hugepages" : "plain"},
            {"mode_reason", controller.machine().memory_reason},
            {"mbufs", pool(buffers.ordinary)},
            {"large_mbufs", pool(buffers.large)},
            {"fib_bytes", controller.dataplane().routes().stats().bytes},
            {"neighbour_table_bytes", controller.dataplane().neighbours().bytes()}};
}

Json reload_view(const ReloadState& state) {
    const bool ever = state.successes + state.failures > 0;
    return {
        {"ok", state.ok},
        {"at", ever ? Json(fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                                       fmt::gmtime(std::chrono::system_clock::to_time_t(state.at))))
                    : Json(nullptr)},
        {"error", state.error}};
}

Json switches_view(uint32_t thread_id) {
    const ContextSwitches s = context_switches(thread_id);
    return {{"voluntary", s.voluntary}, {"involuntary", s.involuntary}};
}

Json worker_view(Controller& controller, unsigned worker) {
    const Dataplane& dataplane = controller.dataplane();
    const WorkerPlace place = dataplane.place(worker);
    const WorkerCounters& w = dataplane.counters(worker).worker;
    const auto seconds = [](const Counter& cycles) {
        return static_cast<double>(cycles.value()) / static_cast<double>(rte_get_tsc_hz());
    };
    const Counters& counters = dataplane.counters(worker);
    uint64_t packets = 0, bursts = 0;
    for (size_t port = 0; port < kMaxPorts; ++port) {
        if (port == kLoopback) continue;  // has no bursts: a packet is received by itself
        packets += counters.ports[port].rx_packets.value();
        for (const Counter& n : counters.ports[port].rx_bursts) bursts += n.value();
    }
    uint64_t wakeups = 0;
    for (const Counter& n : w.wakeups) wakeups += n.value();
    Json queues = Json::array();
    for (const RxQueue q : dataplane.snapshot().rx[worker])
        queues.push_back(
            {{"port", controller.ports().find(q.port)->config.name}, {"queue", q.queue}});
    return {{"lcore", place.lcore},
            {"cpu", place.cpu},
            {"numa", place.numa},
            {"role", "worker"},
            {"queues", queues},
            {"busy_s", seconds(w.busy_cycles)},
            {"idle_s", seconds(w.idle_cycles)},
            {"sleep_s", seconds(w.sleep_cycles)},
            {"polls_busy", w.polls_busy.value()},
            {"polls_empty", w.polls_empty.value()},
            {"rx_packets", packets},
            {"rx_bursts", bursts},
            {"wakeups", wakeups},
            {"wakeup_s", static_cast<double>(w.wakeup_ns.value()) * 1e-9},
            {"context_switches", switches_view(w.thread_id.load(std::memory_order_relaxed))}};
}

}  // namespace

Json json_of(const Books& b) {
    return {{"rx", b.rx},
            {"originated", b.originated},
            {"tx", b.tx},
            {"consumed", b.consumed},
            {"dropped", b.dropped},
            {"held", b.held()},
            {"imbalance", b.imbalance()}};
}

Json reading_of(Controller& controller) {
    const auto started = controller.machine().started;
    return {{"instance", fmt::format("{}.{}", getpid(), started.time_since_epoch().count())},
            {"at_s",
             std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count()}};
}

Json json_of(const RibRoute& route) {
    Json hops = Json::array();
    for (const RibHop& hop : route.hops)
        hops.push_back({{"via", text_or_null(hop.via)},
                        {"port", hop.port},
                        {"weight", hop.weight},
                        {"onlink", hop.onlink},
                        {"up", hop.up}});
    return {{"to", route.to.to_string()},
            {"type", route.type()},
            {"metric", route.metric},
            {"active", route.active},
            {"inactive_reason", route.inactive_reason},
            {"next_hops", hops},
            {"scope", kRouteScopeNames[static_cast<size_t>(route.scope)]},
            {"nhid", route.nhid ? Json(*route.nhid) : Json(nullptr)},
            {"source", text_or_null(route.source)}};
}

Json json_of(const NeighbourView& n) {
    const bool known = NeighbourLink{n.state, n.mac}.usable();
    return {{"address", n.address.to_string()},
            {"mac", known ? Json(n.mac.to_string()) : Json(nullptr)},
            {"port", n.port},
            {"state", kNeighbourStateNames[static_cast<size_t>(n.state)]},
            {"age_s", n.age_s},
            {"held", n.held}};
}

Json status_view(Controller& controller) {
    const auto& ports = controller.ports().all();
    const auto up = std::ranges::count_if(ports, [](const auto& p) { return p.second.up(); });
    const auto uptime = std::chrono::steady_clock::now() - controller.machine().started;
    return {{"version", VETHWAY_VERSION},
            {"revision", VETHWAY_REVISION},
            {"dpdk", rte_version()},
            {"pid", getpid()},
            {"uptime_s", std::chrono::duration<double>(uptime).count()},
            {"config_file", controller.machine().config_file},
            {"start_to_ready_ms", controller.machine().start_to_ready_ms},
            {"memory", memory_view(controller)},
            {"telemetry",
             {{"socket", controller.machine().telemetry_socket},
              {"problem", controller.machine().telemetry_problem}}},
            {"workers", controller.dataplane().workers()},
            {"ports", {{"total", ports.size()}, {"up", up}}},
            {"routes", controller.rib().routes().size()},
            {"neighbours", controller.neighbours().list().size()},
            {"accounting", json_of(controller.books())},
            {"last_reload", reload_view(controller.reload_state())}};
}

Json routes_view(Controller& controller, bool all) {
    Json out = Json::array();
    for (const RibRoute& route : controller.rib().routes())
        if (all || (route.origin != RouteOrigin::local && route.origin != RouteOrigin::broadcast))
            out.push_back(json_of(route));
    return {{"routes", out}};
}

Json route_lookup_view(Controller& controller, Ip4 to) {
    const RibRoute* route = controller.rib().lookup(to);
    if (route == nullptr) return nullptr;
    Json out{{"destination", to.to_string()}, {"route", json_of(*route)}, {"next_hop", nullptr}};
    const bool forwards =
        route->origin == RouteOrigin::connected ||
        (route->origin == RouteOrigin::configured && route->action == RouteAction::forward);
    if (!forwards) return out;
    const RibHop& hop = *std::ranges::find_if(route->hops, &RibHop::up);
    const Ip4 via = hop.via.value_or(to);
    Json neighbour = nullptr;
    for (const NeighbourView& n : controller.neighbours().list())
        if (n.port == hop.port && n.address == via) neighbour = json_of(n);
    out["next_hop"] = {{"address", via.to_string()}, {"port", hop.port}, {"neighbour", neighbour}};
    const uint16_t port = controller.ports().find(hop.port)->index;
    out["source"] =
        route->source.value_or(controller.dataplane().snapshot().source_for(port, via)).to_string();
    return out;
}

Json neighbours_view(Controller& controller) {
    Json out = Json::array();
    for (const NeighbourView& n : controller.neighbours().list()) out.push_back(json_of(n));
    return {{"neighbours", out}};
}

Json paths_view(Controller& controller) {
    Json out = Json::array();
    for (const auto& [path, expires_s] : controller.paths().list()) {
        Json one{{"address", path.to.to_string()}, {"expires_s", expires_s}};
        one["via"] = path.via.is_zero() ? Json() : Json(path.via.to_string());
        one["mtu"] = path.mtu == UINT16_MAX ? Json() : Json(path.mtu);
        one["locked"] = path.locked;
        out.push_back(std::move(one));
    }
    return {{"paths", out}};
}

Json lcores_view(Controller& controller) {
    Json out =
        Json::array({{{"lcore", 0},
                      {"role", "control"},
                      {"context_switches", switches_view(static_cast<uint32_t>(gettid()))}}});
    for (unsigned w = 0; w < controller.dataplane().workers(); ++w)
        out.push_back(worker_view(controller, w));
    return {{"lcores", out}};
}

}  // namespace vethway
