// SPDX-License-Identifier: Apache-2.0
// A capture under way, for the thread of the API that sends it to its client.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/watch/capture_writer.h"
#include "control/watch/wall_clock.h"
#include "control/watch/watching.h"

namespace vethway {

struct CaptureRequest {
    std::string filter;
    std::vector<std::string> ports;  // by name; empty: all
    CaptureChoice choice;            // without the ports
    uint64_t count = UINT64_MAX;
    std::optional<std::chrono::seconds> lasts;
    bool lines = false;
};

class CaptureSession {
public:
    // Throws std::invalid_argument where the filter or a port is wrong, and what Watching throws.
    CaptureSession(EventLoop& loop, Controller& controller, CaptureRequest request);

    // What has come meanwhile, as pcapng; empty where nothing has.
    std::string next();
    // Nothing is left to come but end().
    bool is_done() const;
    // The rest, and the statistics.
    std::string end();

private:
    using Clock = std::chrono::steady_clock;
    static constexpr size_t kBatch = 4096;
    static constexpr auto kLook = std::chrono::seconds(1);  // at ports and clock

    WatchOptions options(Controller& controller, Filter filter);
    void look_at_ports(const Ports& ports);
    void look();
    void write(const std::vector<Captured>& frames);

    EventLoop& loop_;
    Controller& controller_;
    const CaptureRequest request_;
    WallClock clock_;
    PortNames names_;
    Capture capture_;
    CaptureWriter writer_;
    std::optional<Watching> watching_;
    Clock::time_point began_ = Clock::now(), looked_ = began_;
    uint64_t lost_ = 0;
};

}  // namespace vethway
