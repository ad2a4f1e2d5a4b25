// SPDX-License-Identifier: Apache-2.0
// The events of probes with growing TTLs, in the words of traceroute(8) and mtr(8). Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "control/cli/client.h"

namespace vethway::cli {

// Each hop's line as soon as all of it is known, and those before it.
class TracerouteReport {
public:
    struct Settings {
        std::string to;
        unsigned first_ttl = 1, max_ttl = 30, queries = 3, packet_bytes = 60;
        bool numeric = false;
    };
    explicit TracerouteReport(Settings settings)
        : settings_(std::move(settings)), next_ttl_(settings_.first_ttl) {}

    std::string begin() const;
    // What can be told since.
    std::string add(const Json& event);
    // What is left, at the end or when it was interrupted.
    std::string end();
    Json json() const;

private:
    struct Answer {
        bool lost = true;
        std::string from, note;  // note: "!H"
        double rtt_ms = 0;
    };
    using Hop = std::map<unsigned, Answer>;  // by sequence
    std::string line_of(unsigned ttl, const Hop& hop) const;
    std::string told_hops(bool all);

    const Settings settings_;
    std::map<unsigned, Hop> hops_;
    unsigned next_ttl_;
    std::optional<unsigned> last_ttl_;  // where the way ends
    bool reached_ = false;
};

// What traceroute(8) puts behind the time of an answer that is an error.
std::string error_note(const Json& event);

// The hops of several rounds, summed up.
class MtrReport {
public:
    explicit MtrReport(std::string to) : to_(std::move(to)) {}

    void add(const Json& event);
    // The table of `mtr --report`.
    std::string table(const std::string& host) const;
    Json json() const;

private:
    struct Hop {
        std::vector<std::string> from;  // all that have answered, the first first
        uint64_t sent = 0, waiting = 0, received = 0;
        double last_ms = 0, best_ms = 0, worst_ms = 0, mean_ms = 0, squares = 0;

        void add(double ms);
        double lost_percent() const;
        double deviation_ms() const;
    };
    std::string row(unsigned ttl, const Hop& hop) const;
    unsigned shown_hops() const;

    const std::string to_;
    std::map<unsigned, Hop> hops_;
    std::map<unsigned, unsigned> waiting_;  // sequence -> TTL
    std::optional<unsigned> last_ttl_;
    bool reached_ = false;
};

}  // namespace vethway::cli
