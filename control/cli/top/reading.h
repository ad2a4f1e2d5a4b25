// SPDX-License-Identifier: Apache-2.0
// What the API said at one moment, as values. Pure functions of its JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "control/cli/client.h"

namespace vethway::cli::top {

struct PortReading {
    std::string name, state, reason;
    uint64_t rx_packets = 0, rx_bytes = 0, tx_packets = 0, tx_bytes = 0;
    uint64_t dropped = 0, missed = 0;  // missed: lost before vethway saw them
};

struct DropReading {
    std::string port, reason, stage, help;
    uint64_t packets = 0;
};

struct WorkerReading {
    unsigned lcore = 0, cpu = 0;
    std::string queues;  // "p1.0 p2.0"
    double busy_s = 0, idle_s = 0, sleep_s = 0;
    uint64_t packets = 0, bursts = 0;
    uint64_t wakeups = 0;
    double wakeup_s = 0;  // of all of them together
};

struct NeighbourReading {
    std::string port, state;
};

// A flow as it was sampled: what one source sent to one destination.
struct Flow {
    std::string src, dst, protocol;
    uint16_t src_port = 0, dst_port = 0;
    uint64_t packets = 0, bytes = 0;
};

struct Pool {
    uint64_t used = 0, total = 0;
};

struct Reading {
    double at_s = 0;  // by the reader's own clock
    int64_t pid = 0;  // another one: the counters began anew
    std::string version;
    double uptime_s = 0;
    unsigned workers = 0;
    int64_t imbalance = 0, held = 0;
    Pool mbufs, large_mbufs;
    std::vector<PortReading> ports;
    std::vector<DropReading> drops;
    std::vector<WorkerReading> lcores;
    std::vector<NeighbourReading> neighbours;
    std::optional<std::vector<Flow>> flows;  // unset: the daemon samples none
};

// What the daemon answered to a GET of each of them; `flows` null: it has none.
struct Answers {
    Json status, ports, drops, lcores, neighbours, flows;
};

// Throws Json::exception where the answers are not a vethwayd's.
Reading reading_of(const Answers& answers, double at_s);

}  // namespace vethway::cli::top
