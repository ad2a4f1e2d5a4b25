// SPDX-License-Identifier: Apache-2.0
#include "control/cli/top/reading.h"

namespace vethway::cli::top {

namespace {

// A port may be called after an interface, whose name may have nearly any byte in it: none of them
// may move a cursor.
std::string printable(const Json& value) {
    auto text = value.get<std::string>();
    for (char& c : text)
        if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = '?';
    return text;
}

PortReading port_of(const Json& p) {
    const Json& c = p.at("counters");
    return {.name = printable(p.at("name")),
            .state = printable(p.at("state")),
            .reason = printable(p.at("reason")),
            .rx_packets = c.at("rx_packets"),
            .rx_bytes = c.at("rx_bytes"),
            .tx_packets = c.at("tx_packets"),
            .tx_bytes = c.at("tx_bytes"),
            .dropped = c.at("dropped"),
            .missed = c.at("rx_missed")};
}

WorkerReading worker_of(const Json& l) {
    WorkerReading w{.lcore = l.at("lcore"),
                    .cpu = l.at("cpu"),
                    .busy_s = l.at("busy_s"),
                    .idle_s = l.at("idle_s"),
                    .sleep_s = l.at("sleep_s"),
                    .packets = l.at("rx_packets"),
                    .bursts = l.at("rx_bursts"),
                    .wakeups = l.at("wakeups"),
                    .wakeup_s = l.at("wakeup_s")};
    for (const Json& q : l.at("queues"))
        w.queues +=
            (w.queues.empty() ? "" : " ") + printable(q.at("port")) + '.' + q.at("queue").dump();
    return w;
}

Flow flow_of(const Json& f) {
    return {.src = printable(f.at("src")),
            .dst = printable(f.at("dst")),
            .protocol = printable(f.at("protocol")),
            .src_port = f.at("src_port"),
            .dst_port = f.at("dst_port"),
            .packets = f.at("packets"),
            .bytes = f.at("bytes")};
}

Pool pool_of(const Json& p) { return {.used = p.at("used"), .total = p.at("total")}; }

}  // namespace

Reading reading_of(const Answers& answers, double at_s) {
    const Json& status = answers.status;
    const Json& memory = status.at("memory");
    const Json& books = status.at("accounting");
    Reading r{.at_s = at_s,
              .pid = status.at("pid"),
              .version = printable(status.at("version")),
              .uptime_s = status.at("uptime_s"),
              .workers = status.at("workers"),
              .imbalance = books.at("imbalance"),
              .held = books.at("held"),
              .mbufs = pool_of(memory.at("mbufs")),
              .large_mbufs = pool_of(memory.at("large_mbufs"))};
    for (const Json& p : answers.ports.at("ports")) r.ports.push_back(port_of(p));
    for (const Json& d : answers.drops.at("drops"))
        r.drops.push_back({.port = printable(d.at("port")),
                           .reason = printable(d.at("reason")),
                           .stage = printable(d.at("stage")),
                           .help = printable(d.at("help")),
                           .packets = d.at("packets")});
    for (const Json& l : answers.lcores.at("lcores"))
        if (l.at("role") == "worker") r.lcores.push_back(worker_of(l));
    for (const Json& n : answers.neighbours.at("neighbours"))
        r.neighbours.push_back(
            {.port = printable(n.at("port")), .state = printable(n.at("state"))});
    if (!answers.flows.is_null()) {
        r.flows.emplace();
        for (const Json& f : answers.flows.at("flows")) r.flows->push_back(flow_of(f));
    }
    return r;
}

}  // namespace vethway::cli::top
