// SPDX-License-Identifier: Apache-2.0
// What is to be examined: what the daemon knows of itself, or what a file says.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "config/config.h"
#include "control/doctor/facts.h"

namespace vethway {
class Controller;
}

namespace vethway::doctor {

struct RunningPort {
    std::string driver, note, mac;
    bool link_up = true;
};

struct Subject {
    Scope scope = Scope::machine;
    Config config;                   // with ports in place of patterns
    std::set<std::string> adopting;  // ports that have the kernel's addresses by a pattern
    std::string config_file;
    Trials trials;
    // Of the daemon that runs.
    std::map<std::string, RunningPort> ports;
    std::vector<WorkerCpu> workers;
    bool hugepages = false;
    std::string cpu_refusal;  // why the workers that are wanted can't be had
};

// Control thread: a copy of what is running, quickly made, so that the looking is done elsewhere.
// But the trials are made here: their sockets, opened while a port is, could be taken for the
// port's own (own_sockets.h).
Subject running_subject(Controller& controller);

// No daemon of ours: what one would find that is started here with `config`; of an empty
// `config_file`, what the machine alone tells. Throws nothing of its own.
Subject planned_subject(const Config& config, const std::string& config_file);

}  // namespace vethway::doctor
