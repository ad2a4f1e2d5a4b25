// SPDX-License-Identifier: Apache-2.0
// What is shown of each port: its state, its counters, its drops.
#include "control/json_views.h"

namespace vethway {

namespace {

// {"name": count, …} of a row of counters and its names.
template <size_t N>
Json by_kind(const std::array<uint64_t, N>& counts, const char* const (&names)[N]) {
    Json out = Json::object();
    for (size_t i = 0; i < N; ++i) out[names[i]] = counts[i];
    return out;
}

Json dropped_by_reason(const PortTotals& totals) {
    Json out = Json::object();
    for (size_t i = 1; i < kDropReasons; ++i)
        if (totals.dropped[i] > 0) out[kDropInfo[i].name] = totals.dropped[i];
    return out;
}

Json basic_counters(const PortTotals& t) {
    return {{"rx_packets", t.rx_packets},
            {"rx_bytes", t.rx_bytes},
            {"tx_packets", t.tx_packets},
            {"tx_bytes", t.tx_bytes}};
}

Json port_counters(const PortTotals& t, const PortStats& s) {
    Json out = basic_counters(t);
    out.update({{"dropped", t.all_dropped()},
                {"consumed", t.all_consumed()},
                {"originated", t.all_originated()},
                {"checksum_completed", t.checksum_completed},
                {"tx_checksum_completed", t.tx_checksum_completed},
                {"rx_missed", s.rx_missed},
                {"rx_errors", s.rx_errors},
                {"rx_no_buffer", s.rx_no_buffer},
                {"tx_errors", s.tx_errors}});
    return out;
}

Json loopback_view(Controller& controller) {
    return {{"name", "lo"},
            {"index", kLoopback},
            {"driver", "loopback"},
            {"kind", "loopback"},
            {"netdev", ""},
            {"mac", "00:00:00:00:00:00"},
            {"mtu", controller.dataplane().snapshot().ports[kLoopback].mtu},
            {"admin", "up"},
            {"link", "up"},
            {"state", "up"},
            {"reason", ""},
            {"addresses", Json::array()},
            {"counters", port_counters(controller.ports().totals(kLoopback), {})}};
}

Json port_view(const ManagedPort& port, const PortKnobs& knobs, const PortTotals& totals,
               const ManagedPort* other_end, const BridgeConfig* bridge, const LagConfig* lag) {
    const PortInfo& info = port.device->info();
    Json addresses = Json::array();
    for (const Prefix4& a : port.config.addresses) addresses.push_back(a.to_string());
    return {{"name", port.config.name},
            {"index", port.index},
            {"driver", info.driver},
            {"kind", driver_name(port.config.driver)},
            {"device", info.device},
            {"netdev", info.netdev},
            {"netns", info.netns},
            {"ifindex", info.ifindex},
            {"mac", port.mac().to_string()},
            {"mtu", port.mtu()},
            {"admin", port.config.admin_up ? "up" : "down"},
            {"link", port.link_up() ? "up" : "down"},
            {"state", port.up() ? "up" : "down"},
            {"reason", port.down_reason()},
            {"addresses", addresses},
            {"knobs", json_of(knobs)},
            {"xconnect", other_end != nullptr ? other_end->config.name : ""},
            {"bridge", bridge != nullptr ? bridge->port.name : ""},
            {"lag", lag != nullptr ? lag->port.name : ""},
            {"offloads", info.offloads},
            {"super_frames", info.super_frames},
            {"rx_queues", info.rx_queues},
            {"tx_queues", info.tx_queues},
            {"note", info.note},
            {"counters", port_counters(totals, port.device->stats())}};
}

// Every port's name and totals, `lo` first.
std::vector<std::pair<std::string, PortTotals>> all_totals(Controller& controller) {
    std::vector<std::pair<std::string, PortTotals>> out{
        {"lo", controller.ports().totals(kLoopback)}};
    for (const auto& [name, port] : controller.ports().all())
        out.emplace_back(name, controller.ports().totals(port.index));
    return out;
}

// The control thread's own are the last.
Json books_by_worker(const Dataplane& dataplane) {
    Json out = Json::array();
    const auto& all = dataplane.all_counters();
    for (unsigned i = 0; i < all.size(); ++i) {
        const bool control = i == dataplane.workers();
        Json row{{"worker", control ? std::string("control") : std::to_string(i)}};
        row.update(json_of(all[i]->books()));
        out.push_back(row);
    }
    return out;
}

}  // namespace

Json ports_view(Controller& controller) {
    Json out = Json::array({loopback_view(controller)});
    for (const auto& [name, port] : controller.ports().all())
        out.push_back(port_view(
            port, controller.ports().knobs_of(port), controller.ports().totals(port.index),
            controller.ports().other_end(port), controller.ports().bridges().of_member(name),
            controller.ports().lags().of_member(name)));
    return {{"ports", out}};
}

Json drops_view(Controller& controller, bool all) {
    Json out = Json::array();
    const auto row = [&](const char* port, size_t i, uint64_t packets) {
        out.push_back({{"port", port},
                       {"stage", kDropInfo[i].stage},
                       {"reason", kDropInfo[i].name},
                       {"packets", packets},
                       {"help", kDropInfo[i].help},
                       {"remedy", kDropInfo[i].remedy}});
    };
    const auto totals = all_totals(controller);
    for (size_t i = 1; i < kDropReasons; ++i) {
        uint64_t sum = 0;
        for (const auto& [name, t] : totals) {
            sum += t.dropped[i];
            if (!all && t.dropped[i] > 0) row(name.c_str(), i, t.dropped[i]);
        }
        if (all) row("all", i, sum);
    }
    Json answer = reading_of(controller);
    answer["drops"] = out;
    return answer;
}

Json counters_view(Controller& controller) {
    Json ports = Json::array();
    for (const auto& [name, totals] : all_totals(controller)) {
        Json port{{"port", name}};
        port.update(basic_counters(totals));
        port["checksum_completed"] = totals.checksum_completed;
        port["consumed"] = by_kind(totals.consumed, kConsumedNames);
        port["originated"] = by_kind(totals.originated, kOriginatedNames);
        port["dropped"] = dropped_by_reason(totals);
        ports.push_back(port);
    }
    Json answer = reading_of(controller);
    answer["ports"] = ports;
    answer["accounting"] = json_of(controller.books());
    answer["workers"] = books_by_worker(controller.dataplane());
    return answer;
}

}  // namespace vethway
