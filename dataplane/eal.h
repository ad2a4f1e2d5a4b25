// SPDX-License-Identifier: Apache-2.0
// DPDK's environment, set up from what vethway wants rather than from its command line.
#pragma once

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/telemetry_socket.h"

namespace vethway {

struct EalOptions {
    std::vector<unsigned> control_cpus;  // where the control thread may run
    std::vector<unsigned> worker_cpus;   // a worker is pinned to each
    bool hugepages = false;
    unsigned memory_mib = 128;     // plain memory: all there will be; touched pages only
    std::vector<std::string> pci;  // devices that may be probed; else the bus is left alone
    bool telemetry = false;        // if its socket can be opened
};

struct EalError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Where hugepages were counted before: another process may have taken them meanwhile.
struct MemoryError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// One a process. The calling thread becomes the main lcore, with lcore id 0; worker i has i + 1.
class Eal {
public:
    // Throws MemoryError, or EalError with EAL's own last words. `log` gets every later line of
    // DPDK, from any thread.
    Eal(const EalOptions& options, std::function<void(std::string_view)> log);
    ~Eal();
    Eal(const Eal&) = delete;
    Eal& operator=(const Eal&) = delete;

    // Where dpdk-telemetry.py is answered; empty: nowhere. And why nowhere, if it was wanted.
    std::string telemetry_path() const { return telemetry_ ? telemetry_->path() : ""; }
    std::string telemetry_problem() const { return telemetry_ ? telemetry_->problem() : ""; }

private:
    std::optional<TelemetrySocket> telemetry_;
    std::function<void(std::string_view)> log_;
    std::string words_;  // during initialisation
};

}  // namespace vethway
