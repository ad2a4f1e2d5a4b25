// SPDX-License-Identifier: Apache-2.0
// The socket on which DPDK answers dpdk-telemetry.py: whether it can be had, where it is, its end.
// EAL ends the process where it can't be opened, and never ends the threads that serve it.
#pragma once

#include <string>

namespace vethway {

class TelemetrySocket {
public:
    // Before EAL starts: tries whether a socket can be bound in its runtime directory, and keeps
    // the directory from others' removal. One a process.
    TelemetrySocket();
    ~TelemetrySocket();
    TelemetrySocket(const TelemetrySocket&) = delete;
    TelemetrySocket& operator=(const TelemetrySocket&) = delete;

    // Empty: it can be had. Else why not.
    const std::string& problem() const { return problem_; }
    // Once EAL has started, with telemetry.
    void find();
    const std::string& path() const { return path_; }  // empty unless found
    // No thread of DPDK's answers any more, and none will: what they look at may go. Waits for
    // what is being answered.
    void close();

    // Before EAL starts, which makes the directory with telemetry or without.
    static void remove_directory_at_exit();
    static constexpr const char* kFilePrefix = "vethway";  // of EAL and of dpdk-telemetry.py

private:
    void let_go();

    std::string problem_, path_, trial_;
    int trial_fd_ = -1, listener_ = -1;
};

}  // namespace vethway
