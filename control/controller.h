// SPDX-License-Identifier: Apache-2.0
// vethway's state and the only hands that change it: file, API and links all end in apply().
// Everything here: control thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "control/adoption.h"
#include "control/announcements.h"
#include "control/loop_watch.h"
#include "control/neighbours.h"
#include "control/paths.h"
#include "control/ports.h"
#include "control/probe/prober.h"
#include "control/reassembly.h"
#include "control/rib.h"
#include "control/snooping.h"
#include "control/spanning_trees.h"
#include "dataplane/dataplane.h"

namespace vethway {

struct ReloadState {
    bool ok = true;
    std::string error;
    std::chrono::system_clock::time_point at{}, succeeded_at{};
    uint64_t successes = 0, failures = 0;
};

// What the start found out about the machine, for `status`.
struct Machine {
    bool hugepages = false;
    std::string memory_reason;
    std::string config_file;
    std::string telemetry_socket, telemetry_problem;  // as Eal has them
    std::chrono::steady_clock::time_point started;
    double start_to_ready_ms = 0;
};

class Controller {
public:
    // `fixed` says what can't change later: dataplane, metrics, control. Its ports come with
    // apply().
    Controller(Dataplane& dataplane, Machine machine, const Config& fixed);
    ~Controller();  // stops the workers, then closes the ports

    // Makes `next` the running configuration, wholly or not at all, and says in words what changed.
    // Throws ConfigError, PortError or std::runtime_error, and then runs on as before.
    std::vector<std::string> apply(const Config& next);
    // The same, of the file that vethwayd was started with.
    std::vector<std::string> reload();
    const Config& config() const { return config_; }  // as written: patterns are patterns
    // A port that one of its patterns stands for, as it would be written; null: there is none of
    // that name.
    const PortConfig* adopted(const std::string& port) const;

    void tick();  // every 100 ms
    // Gives what workers handed up to whom it is for.
    void take_punted();
    // Looks which links are up, and has workers and routes follow. The kernel's interfaces tell of
    // a change (LinkMonitor); other devices have to be asked.
    enum class Links : uint8_t { all, to_be_asked };
    void check_links(Links which);

    Dataplane& dataplane() { return dataplane_; }
    Ports& ports() { return ports_; }
    Rib& rib() { return rib_; }
    Neighbours& neighbours() { return neighbours_; }
    Paths& paths() { return paths_; }
    Prober& prober() { return prober_; }
    SpanningTrees& spanning_trees() { return spanning_trees_; }
    LoopWatch& loop_watch() { return loop_watch_; }
    Snooping& snooping() { return snooping_; }
    const ReloadState& reload_state() const { return reload_; }
    Machine& machine() { return machine_; }
    Books books() const;  // of all workers and the control thread

private:
    Config expand(const Config& config);
    void follow_interfaces();
    void follow_links();
    // Applies the configuration to what there is now. What fails is tried again, not too often.
    void apply_again(const char* what_for);

    Dataplane& dataplane_;
    Machine machine_;
    Config config_;
    Adoption adoption_;
    Config effective_;  // as expand() makes it
    Ports ports_;
    Announcements announcements_;
    Rib rib_;
    Neighbours neighbours_;
    Reassembly reassembly_;
    Paths paths_;
    Prober prober_;
    SpanningTrees spanning_trees_;
    LoopWatch loop_watch_;
    Snooping snooping_;
    ReloadState reload_;
    bool is_applying_ = false;
    unsigned ticks_ = 0;
    std::string reopen_error_;  // of the last try; empty if it succeeded
    std::chrono::steady_clock::time_point reopened_at_{};
};

}  // namespace vethway
