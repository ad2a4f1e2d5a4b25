// SPDX-License-Identifier: Apache-2.0
#include "control/cli/top/json.h"

namespace vethway::cli::top {

namespace {

Json or_null(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

Json rates_of(const std::optional<PortRates>& r) {
    if (!r) return nullptr;
    return {{"rx_pps", r->rx_pps},         {"tx_pps", r->tx_pps},     {"rx_bits_per_s", r->rx_bits},
            {"tx_bits_per_s", r->tx_bits}, {"drops_per_s", r->drops}, {"missed_per_s", r->missed}};
}

Json use_of(const std::optional<WorkerUse>& u) {
    if (!u) return nullptr;
    return {{"busy", u->busy},
            {"idle", u->idle},
            {"sleep", u->sleep},
            {"burst", or_null(u->burst)},
            {"wakeups_per_s", u->wakeups},
            {"wakeup_us", or_null(u->wakeup_us)}};
}

}  // namespace

Json json_of(const Model& model, const View& view) {
    const Reading& r = model.reading();
    Json ports = Json::array(), drops = Json::array(), workers = Json::array();
    for (const PortRow& p : model.ports(view.sort, view.reverse, view.filter))
        ports.push_back({{"name", p.name},
                         {"state", p.state},
                         {"reason", p.reason},
                         {"rates", rates_of(p.rates)}});
    for (const DropRow& d : model.drops(view.filter))
        drops.push_back({{"port", d.port},
                         {"reason", d.reason},
                         {"stage", d.stage},
                         {"packets", d.packets},
                         {"drops_per_s", or_null(d.rate)}});
    for (const WorkerRow& w : model.workers())
        workers.push_back({{"lcore", w.lcore}, {"cpu", w.cpu}, {"use", use_of(w.use)}});
    Json neighbours = Json::object();
    for (const auto& [state, count] : model.neighbours(view.filter)) neighbours[state] = count;
    return {{"uptime_s", r.uptime_s}, {"imbalance", r.imbalance},
            {"held", r.held},         {"mbufs", {{"used", r.mbufs.used}, {"total", r.mbufs.total}}},
            {"ports", ports},         {"drops", drops},
            {"workers", workers},     {"neighbours", neighbours}};
}

}  // namespace vethway::cli::top
