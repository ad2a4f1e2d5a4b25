// SPDX-License-Identifier: Apache-2.0
#include "perf/gen/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace vethway::gen {

namespace {

using Json = nlohmann::json;

template <class Of>
Json latency_json(const Of& histogram, double us_per_tick) {
    if (histogram.count() == 0) return nullptr;
    const auto us = [&](uint64_t ticks) { return static_cast<double>(ticks) * us_per_tick; };
    Json percentiles = Json::object();
    for (const double p : kPercentiles)
        percentiles[fmt::format("{:g}", p)] = us(histogram.percentile(p));
    return {{"min", us(histogram.least())},
            {"mean", histogram.mean() * us_per_tick},
            {"max", us(histogram.most())},
            {"percentiles", percentiles}};
}

double us_per_tick(const TrialResult& r) { return 1e6 / static_cast<double>(r.hz); }

Json flow_json(const TrialResult& r, const Flow& flow, size_t i) {
    const FlowArrivals& a = r.flows[i].arrivals;
    Json out{{"src", Ip4{flow.src}.to_string()},
             {"dst", Ip4{flow.dst}.to_string()},
             {"src_port", flow.src_port},
             {"dst_port", flow.dst_port},
             {"sent", r.flows[i].sent},
             {"received", a.received},
             {"lost", r.flows[i].lost()},
             {"reordered", a.reordered},
             {"furthest_behind", a.furthest_behind},
             {"duplicates", a.duplicates},
             {"too_late", a.too_late},
             {"corrupted", a.corrupted}};
    if (!r.flow_latency.empty()) {
        out["latency_us"] = latency_json(r.flow_latency[i], us_per_tick(r));
    } else if (a.received > 0) {
        out["latency_us"] = {{"min", static_cast<double>(a.latency_least) * us_per_tick(r)},
                             {"mean", static_cast<double>(a.latency_sum) * us_per_tick(r) /
                                          static_cast<double>(a.received)},
                             {"max", static_cast<double>(a.latency_most) * us_per_tick(r)}};
    }
    return out;
}

Json driver_json(const PortStats& s) {
    return {{"rx_missed", s.rx_missed},
            {"rx_errors", s.rx_errors},
            {"rx_no_buffer", s.rx_no_buffer},
            {"tx_errors", s.tx_errors}};
}

std::string pps_text(double pps) {
    if (pps >= 1e6) return fmt::format("{:.3f} Mpps", pps / 1e6);
    if (pps >= 1e3) return fmt::format("{:.3f} kpps", pps / 1e3);
    return fmt::format("{:.1f} pps", pps);
}

std::string wanted_text(const Load& load) {
    return load.pace.pps == 0 ? "as fast as can be" : pps_text(load.pace.pps) + " wanted";
}

std::string latency_line(const TrialResult& r) {
    if (r.latency.count() == 0) return "latency     nothing arrived\n";
    const double us = us_per_tick(r);
    std::string line =
        fmt::format("latency us  min {:.2f}, mean {:.2f}",
                    static_cast<double>(r.latency.least()) * us, r.latency.mean() * us);
    for (const double p : kPercentiles)
        line +=
            fmt::format(", {:g} % {:.2f}", p, static_cast<double>(r.latency.percentile(p)) * us);
    return line + fmt::format(", max {:.2f}\n", static_cast<double>(r.latency.most()) * us);
}

std::string flow_lines(const TrialResult& r, const std::vector<Flow>& flows, uint32_t shown) {
    std::vector<size_t> order(r.flows.size());
    std::iota(order.begin(), order.end(), size_t{0});
    const auto end = order.begin() + std::min<std::ptrdiff_t>(shown, std::ssize(order));
    std::partial_sort(order.begin(), end, order.end(), [&](size_t a, size_t b) {
        return r.flows[a].lost() != r.flows[b].lost() ? r.flows[a].lost() > r.flows[b].lost()
                                                      : a < b;
    });
    std::string text;
    for (auto i = order.begin(); i != end; ++i) {
        const FlowResult& f = r.flows[*i];
        text += fmt::format("flow {:<6} {}:{} > {}:{}: sent {}, received {}, lost {}\n", *i,
                            Ip4{flows[*i].src}.to_string(), flows[*i].src_port,
                            Ip4{flows[*i].dst}.to_string(), flows[*i].dst_port, f.sent,
                            f.arrivals.received, f.lost());
    }
    return text;
}

}  // namespace

Json to_json(const TrialResult& r, const std::vector<Flow>& flows, bool with_flows) {
    Json out{{"rate_wanted_pps", r.load.pace.pps == 0 ? Json(nullptr) : Json(r.load.pace.pps)},
             {"burst", r.load.pace.burst},
             {"frame_bytes", r.mean_frame},
             {"sent", r.sent},
             {"sent_bytes", r.sent_bytes},
             {"received", r.received},
             {"lost", r.lost()},
             {"loss", r.loss()},
             {"reordered", r.reordered},
             {"furthest_behind", r.furthest_behind},
             {"duplicates", r.duplicates},
             {"too_late", r.too_late},
             {"window", r.window},
             {"corrupted", r.corrupted},
             {"foreign", r.foreign},
             {"other_run", r.other_run},
             {"returned", r.returned},
             {"warmed_up", r.warmed_up},
             {"sending_s", r.sending_s},
             {"receiving_s", r.receiving_s},
             {"tx_pps", r.tx_pps()},
             {"rx_pps", r.rx_pps()},
             {"missed", r.missed},
             {"tx_full", r.tx_full},
             {"no_buffer", r.no_buffer},
             {"worst_lateness_us", r.worst_lateness_us},
             {"mean_lateness_us", r.mean_lateness_us},
             {"drivers", {{"tx", driver_json(r.tx_port)}, {"rx", driver_json(r.rx_port)}}},
             {"latency_us", latency_json(r.latency, us_per_tick(r))}};
    if (r.recovery_s) out["recovery_s"] = *r.recovery_s;
    if (!r.problem.empty()) out["problem"] = r.problem;
    if (with_flows)
        for (size_t i = 0; i < r.flows.size(); ++i)
            out["flows"].push_back(flow_json(r, flows[i], i));
    return out;
}

std::string to_text(const TrialResult& r, const std::vector<Flow>& flows, uint32_t flows_shown) {
    std::string text = fmt::format("sent        {} in {:.3f} s: {} ({})\n", r.sent, r.sending_s,
                                   pps_text(r.tx_pps()), wanted_text(r.load));
    if (r.load.pace.pps > 0)
        text +=
            fmt::format("pace        {} missed; late by {:.1f} us on average, {:.1f} at worst\n",
                        r.missed, r.mean_lateness_us, r.worst_lateness_us);
    text += fmt::format("received    {}: {}\n", r.received, pps_text(r.rx_pps()));
    text += fmt::format("lost        {} ({:.6g} %)\n", r.lost(), 100 * r.loss());
    text +=
        fmt::format("reordered   {}{}\n", r.reordered,
                    r.reordered == 0 ? "" : fmt::format(", by up to {} frames", r.furthest_behind));
    text += fmt::format("duplicates  {}\ncorrupted   {}\n", r.duplicates, r.corrupted);
    if (r.too_late > 0)
        text += fmt::format("too late    {} more than {} frames behind; not counted as received\n",
                            r.too_late, r.window);
    if (r.foreign + r.other_run + r.returned > 0)
        text += fmt::format(
            "others      {} foreign, {} of the warm-up or other runs, {} at the "
            "sender's port\n",
            r.foreign, r.other_run, r.returned);
    text += latency_line(r);
    if (r.recovery_s) text += fmt::format("recovery    {:.6f} s\n", *r.recovery_s);
    const PortStats &tx = r.tx_port, &rx = r.rx_port;
    if (tx.rx_missed + tx.rx_no_buffer + tx.tx_errors + rx.rx_missed + rx.rx_no_buffer > 0)
        text += fmt::format("own drivers lost {} to send, {} to receive: not the device's loss\n",
                            tx.tx_errors,
                            tx.rx_missed + tx.rx_no_buffer + rx.rx_missed + rx.rx_no_buffer);
    if (!r.problem.empty()) text += "ended early: " + r.problem + '\n';
    return text + flow_lines(r, flows, flows_shown);
}

}  // namespace vethway::gen
