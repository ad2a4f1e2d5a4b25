// SPDX-License-Identifier: Apache-2.0
#include "control/metrics.h"

#include <rte_cycles.h>
#include <rte_version.h>

#include <limits>
#include <map>

#include "control/process.h"
#include "version.h"

namespace vethway {

namespace {

double seconds_since_epoch(std::chrono::system_clock::time_point t) {
    return std::chrono::duration<double>(t.time_since_epoch()).count();
}

double seconds(const Counter& cycles) {
    return static_cast<double>(cycles.value()) / static_cast<double>(rte_get_tsc_hz());
}

void collect_fib(Controller& controller, Families& out) {
    std::map<std::string, unsigned> by_type;
    for (const char* type :
         {"connected", "local", "broadcast", "static", "blackhole", "unreachable", "prohibit"})
        by_type[type] = 0;
    for (const RibRoute& route : controller.rib().routes()) by_type[route.type()] += route.active;
    for (const auto& [type, routes] : by_type)
        out.gauge("vethway_fib_routes", "Routes in use, by family and type.",
                  {{"family", "ipv4"}, {"type", type}}, routes);
    const Fib4::Stats stats = controller.dataplane().routes().stats();
    out.gauge("vethway_fib_bytes", "Memory of the forwarding table.", {{"family", "ipv4"}},
              static_cast<double>(stats.bytes));
    for (const auto& [state, chunks] :
         {std::pair("used", stats.chunks), std::pair("waiting", stats.chunks_waiting)})
        out.gauge("vethway_fib_chunks",
                  "Chunks of the forwarding table: linked, or waiting for their grace period.",
                  {{"family", "ipv4"}, {"state", state}}, static_cast<double>(chunks));
}

void collect_neighbours(Controller& controller, Families& out) {
    std::map<std::pair<std::string, size_t>, unsigned> count;
    std::map<std::string, unsigned> held;
    for (const auto& [name, port] : controller.ports().all()) {
        held[name] = 0;
        for (size_t s = 1; s < std::size(kNeighbourStateNames); ++s) count[{name, s}] = 0;
    }
    for (const NeighbourView& n : controller.neighbours().list()) {
        ++count[{n.port, static_cast<size_t>(n.state)}];
        held[n.port] += n.held;
    }
    for (const auto& [key, neighbours] : count)
        out.gauge("vethway_neighbours", "Neighbours by state.",
                  {{"port", key.first}, {"state", kNeighbourStateNames[key.second]}}, neighbours);
    for (const auto& [port, packets] : held)
        out.gauge("vethway_neighbour_queue_packets",
                  "Packets that wait for a neighbour's MAC address.", {{"port", port}}, packets);
}

void collect_accounting(Controller& controller, Families& out) {
    const Books books = controller.books();
    out.gauge(
        "vethway_accounting_imbalance",
        "rx + originated - tx - consumed - dropped - held; 0 when every packet is accounted for.",
        {}, static_cast<double>(books.imbalance()));
    out.gauge("vethway_held_packets", "Packets put aside: for a neighbour, or between workers.", {},
              static_cast<double>(books.held()));
}

}  // namespace

prometheus::ClientMetric& Families::add(const char* name, const char* help,
                                        prometheus::MetricType type, const Labels& labels) {
    const auto [found, is_new] = index_.try_emplace(name, families_.size());
    if (is_new) families_.push_back({name, help, type, {}});
    prometheus::ClientMetric& metric = families_[found->second].metric.emplace_back();
    metric.label.reserve(labels.size());
    for (const auto& [key, value] : labels) metric.label.push_back({key, value});
    return metric;
}

void Families::gauge(const char* name, const char* help, const Labels& labels, double value) {
    add(name, help, prometheus::MetricType::Gauge, labels).gauge.value = value;
}

void Families::counter(const char* name, const char* help, const Labels& labels, double value) {
    add(name, help, prometheus::MetricType::Counter, labels).counter.value = value;
}

void Families::histogram(const char* name, const char* help, const Labels& labels,
                         const std::vector<std::pair<double, uint64_t>>& buckets, double sum) {
    auto& histogram = add(name, help, prometheus::MetricType::Histogram, labels).histogram;
    for (const auto& [bound, count] : buckets) {
        histogram.sample_count += count;
        histogram.bucket.push_back({histogram.sample_count, bound});
    }
    constexpr double kUnbounded = std::numeric_limits<double>::infinity();
    if (buckets.empty() || buckets.back().first != kUnbounded)
        histogram.bucket.push_back({histogram.sample_count, kUnbounded});
    histogram.sample_sum = sum;
}

static void collect_wakeups(const Families::Labels& lcore, const WorkerCounters& w, Families& out) {
    std::vector<std::pair<double, uint64_t>> buckets;
    for (size_t i = 0; i < w.wakeups.size(); ++i)
        buckets.emplace_back(i < kWakeupBoundsUs.size() ? kWakeupBoundsUs[i] * 1e-6
                                                        : std::numeric_limits<double>::infinity(),
                             w.wakeups[i].value());
    out.histogram(
        "vethway_lcore_wakeup_seconds",
        "How long the frame waited that woke a worker, on ports whose driver says when it "
        "came.",
        lcore, buckets, static_cast<double>(w.wakeup_ns.value()) * 1e-9);
}

void collect_workers(Controller& controller, Families& out) {
    for (unsigned i = 0; i < controller.dataplane().workers(); ++i) {
        const WorkerPlace place = controller.dataplane().place(i);
        const WorkerCounters& w = controller.dataplane().counters(i).worker;
        const Families::Labels lcore{{"lcore", std::to_string(place.lcore)},
                                     {"cpu", std::to_string(place.cpu)},
                                     {"numa", std::to_string(place.numa)}};
        out.counter("vethway_lcore_busy_seconds_total", "Time in loops that moved packets.", lcore,
                    seconds(w.busy_cycles));
        out.counter("vethway_lcore_idle_seconds_total", "Time in loops that found nothing to do.",
                    lcore, seconds(w.idle_cycles));
        out.counter("vethway_lcore_sleep_seconds_total", "Time asleep.", lcore,
                    seconds(w.sleep_cycles));
        const auto with = [&](const char* key, const char* value) {
            return Families::Labels{{"lcore", std::to_string(place.lcore)}, {key, value}};
        };
        out.counter("vethway_lcore_polls_total", "Loops, by whether they moved packets.",
                    with("result", "nonempty"), static_cast<double>(w.polls_busy.value()));
        out.counter("vethway_lcore_polls_total", "", with("result", "empty"),
                    static_cast<double>(w.polls_empty.value()));
        collect_wakeups(lcore, w, out);
        const ContextSwitches s = context_switches(w.thread_id.load(std::memory_order_relaxed));
        out.counter("vethway_lcore_context_switches_total",
                    "Context switches; involuntary ones mean that the worker shares its CPU.",
                    with("type", "voluntary"), static_cast<double>(s.voluntary));
        out.counter("vethway_lcore_context_switches_total", "", with("type", "involuntary"),
                    static_cast<double>(s.involuntary));
    }
}

void collect_state(Controller& controller, Families& out) {
    out.gauge("vethway_build_info", "What is running; always 1.",
              {{"version", VETHWAY_VERSION},
               {"revision", VETHWAY_REVISION},
               {"dpdk_version", rte_version()},
               {"compiler", __VERSION__}},
              1);
    collect_accounting(controller, out);
    collect_fib(controller, out);
    collect_neighbours(controller, out);
    uint64_t suppressed = 0, exceeded = 0, unreachable = 0, needed = 0, problem = 0, redirect = 0;
    for (const Counters* c : controller.dataplane().all_counters()) {
        suppressed += c->worker.icmp_suppressed.value();
        exceeded += c->worker.icmp_time_exceeded.value();
        unreachable += c->worker.icmp_unreachable.value();
        needed += c->worker.icmp_fragmentation_needed.value();
        problem += c->worker.icmp_parameter_problem.value();
        redirect += c->worker.icmp_redirect.value();
    }
    for (const auto& [type, sent] :
         {std::pair("time_exceeded", exceeded), std::pair("unreachable", unreachable),
          std::pair("fragmentation_needed", needed), std::pair("parameter_problem", problem),
          std::pair("redirect", redirect)})
        out.counter("vethway_icmp_sent_total", "ICMP errors sent, by type.",
                    {{"family", "ipv4"}, {"type", type}}, static_cast<double>(sent));
    out.counter("vethway_icmp_suppressed_total", "ICMP errors not sent because of the rate limit.",
                {{"family", "ipv4"}}, static_cast<double>(suppressed));
    const FrameBuffers& buffers = controller.dataplane().buffers();
    for (const rte_mempool* pool : {&buffers.ordinary, &buffers.large}) {
        const unsigned used = rte_mempool_in_use_count(pool);
        out.gauge("vethway_mempool_buffers", "Packet buffers.",
                  {{"pool", pool->name}, {"state", "used"}}, used);
        out.gauge("vethway_mempool_buffers", "", {{"pool", pool->name}, {"state", "free"}},
                  pool->populated_size - used);
    }
    const ReloadState& reload = controller.reload_state();
    out.gauge("vethway_config_last_reload_successful", "Whether the last reload was taken.", {},
              reload.ok ? 1 : 0);
    out.gauge("vethway_config_last_reload_success_timestamp_seconds",
              "When a reload was last taken; 0: never.", {},
              reload.successes == 0 ? 0 : seconds_since_epoch(reload.succeeded_at));
    for (const auto& [result, times] :
         {std::pair("success", reload.successes), std::pair("failure", reload.failures)})
        out.counter("vethway_config_reloads_total", "Reloads, by result.", {{"result", result}},
                    static_cast<double>(times));
}

void collect_process(Families& out) {
    const ProcessUse use = process_use();
    out.counter("process_cpu_seconds_total", "CPU time, of user and system.", {}, use.cpu_seconds);
    out.gauge("process_start_time_seconds", "When the process started, since the epoch.", {},
              use.start_time_seconds);
    out.gauge("process_virtual_memory_bytes", "Virtual memory.", {},
              static_cast<double>(use.virtual_bytes));
    out.gauge("process_resident_memory_bytes", "Resident memory, without hugepages.", {},
              static_cast<double>(use.resident_bytes));
    out.gauge("process_open_fds", "Open file descriptors.", {}, static_cast<double>(use.open_fds));
    out.gauge("process_max_fds", "How many file descriptors may be open.", {},
              static_cast<double>(use.max_fds));
}

Metrics::Metrics(EventLoop& loop, Controller& controller, HttpServer& server)
    : loop_(loop), controller_(controller) {
    server.routes().Get("/metrics", [this](const httplib::Request&, httplib::Response& response) {
        try {
            response.set_content(scrape(), "text/plain; version=0.0.4; charset=utf-8");
        } catch (const std::exception& e) {
            response.status = 503;
            response.set_content(std::string(e.what()) + '\n', "text/plain");
        }
    });
    server.routes().Get("/", [](const httplib::Request&, httplib::Response& response) {
        response.set_content("vethway: the metrics are at /metrics\n", "text/plain");
    });
}

std::string Metrics::scrape() {
    const auto began = std::chrono::steady_clock::now();
    Families families = loop_.call([this] {
        Families out;
        collect_state(controller_, out);
        collect_ports(controller_, out);
        collect_l2(controller_, out);
        collect_workers(controller_, out);
        return out;
    });
    collect_process(families);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    families.gauge("vethway_scrape_duration_seconds", "How long this page took to collect.", {},
                   took.count());
    return to_text(families.take());
}

}  // namespace vethway
