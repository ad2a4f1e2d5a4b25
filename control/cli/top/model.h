// SPDX-License-Identifier: Apache-2.0
// From readings to what is shown: rates, sorted and filtered. Knows no terminal.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "control/cli/top/reading.h"

namespace vethway::cli::top {

inline constexpr size_t kHistory = 60;  // readings that a sparkline shows

// Per second; known once there are two readings of what still counts on.
struct PortRates {
    double rx_pps = 0, tx_pps = 0, rx_bits = 0, tx_bits = 0, drops = 0, missed = 0;
};
struct PortRow {
    std::string name, state, reason;
    std::optional<PortRates> rates;
    std::vector<double> history;  // packets a second, received and sent; the newest is the last
};
struct DropRow {
    std::string port, reason, stage, help;
    uint64_t packets = 0;
    std::optional<double> rate;
};
struct WorkerUse {
    double busy = 0, idle = 0, sleep = 0;  // parts of the time, of 1 together
    std::optional<double> burst;           // packets, of those bursts that had any
    std::optional<double> wakeup_us;       // how long the frame waited that woke it, on average
    double wakeups = 0;                    // per second
};
struct WorkerRow {
    unsigned lcore = 0, cpu = 0;
    std::string queues;
    std::optional<WorkerUse> use;
};
struct Talker {
    Flow flow;
    double share = 0;  // of all sampled bytes
};

enum class SortBy : uint8_t { name, rx_pps, tx_pps, rx_bits, tx_bits, drops, kCount };
inline constexpr const char* kSortNames[] = {"name",     "rx pps",   "tx pps",
                                             "rx bit/s", "tx bit/s", "drops/s"};

class Model {
public:
    // The next reading. One that comes too soon after the last (kShortest) is not taken.
    void add(Reading reading);
    // The daemon can't be asked, and why: what was last known stays.
    void lost(std::string why) { trouble_ = std::move(why); }

    bool any() const { return reading_.has_value(); }
    const Reading& reading() const { return *reading_; }     // the last; any() only
    const std::string& trouble() const { return trouble_; }  // empty: it answers

    // Those whose name has `filter` in it. Largest first, names from a on; or the other way round.
    // Ports without rates are behind the others.
    std::vector<PortRow> ports(SortBy by, bool reverse, const std::string& filter) const;
    // Of those ports; the most frequent first, then the most packets.
    std::vector<DropRow> drops(const std::string& filter) const;
    const std::vector<WorkerRow>& workers() const { return workers_; }
    // How many in each state, of those ports.
    std::map<std::string, unsigned> neighbours(const std::string& filter) const;

    static constexpr double kShortest = 0.05;  // s; rates over less would be noise

private:
    void compare(const Reading& before, double dt);

    std::optional<Reading> reading_;
    std::string trouble_;
    std::vector<PortRow> ports_;
    std::vector<DropRow> drops_;
    std::vector<WorkerRow> workers_;
    std::map<std::string, std::deque<double>> history_;
};

// The flows that carried most bytes, at most `most` of them; samples of one flow are put together.
std::vector<Talker> top_talkers(const std::vector<Flow>& sampled, size_t most);

}  // namespace vethway::cli::top
