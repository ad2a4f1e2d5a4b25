// SPDX-License-Identifier: Apache-2.0
// The state as Prometheus reads it (text format 0.0.4): collected on the control thread, which
// reads the workers' counters and touches no worker; put into text on the server's.
#pragma once

#include <prometheus/metric_family.h>

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "control/controller.h"
#include "control/event_loop.h"
#include "control/http_server.h"

namespace vethway {

// Metric families in the order in which they were first named. `name`: outlives it.
class Families {
public:
    using Labels = std::vector<std::pair<std::string, std::string>>;
    // `labels` and one more.
    static Labels with(Labels labels, const char* name, const std::string& value) {
        labels.emplace_back(name, value);
        return labels;
    }
    void gauge(const char* name, const char* help, const Labels& labels, double value);
    void counter(const char* name, const char* help, const Labels& labels, double value);
    // `buckets`: upper bound and count, not cumulated.
    void histogram(const char* name, const char* help, const Labels& labels,
                   const std::vector<std::pair<double, uint64_t>>& buckets, double sum);
    std::vector<prometheus::MetricFamily> take() { return std::move(families_); }

private:
    prometheus::ClientMetric& add(const char* name, const char* help, prometheus::MetricType type,
                                  const Labels& labels);
    std::vector<prometheus::MetricFamily> families_;
    std::unordered_map<std::string_view, size_t> index_;
};

// Control thread. The parts are in metrics_ports.cpp, metrics_l2.cpp and metrics.cpp.
void collect_ports(Controller& controller, Families& out);
void collect_l2(Controller& controller, Families& out);
void collect_workers(Controller& controller, Families& out);
void collect_state(Controller& controller, Families& out);
void collect_process(Families& out);

// Any thread. Of counters, gauges and histograms.
std::string to_text(const std::vector<prometheus::MetricFamily>& families);

// Serves /metrics.
class Metrics {
public:
    Metrics(EventLoop& loop, Controller& controller, HttpServer& server);

private:
    std::string scrape();

    EventLoop& loop_;
    Controller& controller_;
};

}  // namespace vethway
