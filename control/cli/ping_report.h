// SPDX-License-Identifier: Apache-2.0
// The events of a ping in the words of ping(8) of iputils. Pure.
#pragma once

#include <chrono>
#include <string>

#include "control/cli/client.h"

namespace vethway::cli {

class PingReport {
public:
    using Clock = std::chrono::steady_clock;

    struct Settings {
        std::string to;
        unsigned size = 56;
        bool shows_origin = false;  // in the first line: it was asked for
        std::string port;           // that was asked for
        bool tells_outstanding = false;
        uint64_t count = 0;  // 0: without end
        bool deadline = false;
    };
    PingReport(Settings settings, Clock::time_point began)
        : settings_(std::move(settings)), began_(began), last_(began) {}

    // Lines for stdout and stderr; none where there is nothing to say.
    struct Lines {
        std::string out, err;
    };
    Lines add(const Json& event, Clock::time_point now);
    std::string summary() const;
    Json json() const;
    int exit_status() const;  // as ping(8): 1 where answers are missing

private:
    Lines begin(const Json& event);
    Lines sent(uint64_t sequence);
    Lines reply(const Json& event);
    Lines error(const Json& event);
    Lines not_sent(const Json& event);
    void acknowledge(const Json& event);
    double lost_percent() const;
    double mean_ms() const;
    double deviation_ms() const;

    const Settings settings_;
    const Clock::time_point began_;
    Clock::time_point last_;  // event but for an end
    std::string from_, port_;
    uint64_t sent_ = 0, received_ = 0, duplicates_ = 0, errors_ = 0;
    uint64_t acknowledged_ = 0;  // the last sequence that has been heard of
    uint64_t in_flight_ = 0;     // at most
    double least_ms_ = 0, most_ms_ = 0, sum_ms_ = 0, sum_of_squares_ = 0;
    Json answers_ = Json::array();
};

// "0.045", "12.3": four digits as ping(8) has them.
std::string rtt_words(double ms);

}  // namespace vethway::cli
