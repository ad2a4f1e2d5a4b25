// SPDX-License-Identifier: Apache-2.0
// What the machine gives and what the configuration wants of it, settled before EAL starts: a start
// that can't work ends in one line that says what is missing.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "config/config.h"
#include "dataplane/dataplane.h"
#include "dataplane/eal.h"

namespace vethway {

struct MachineError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct StartPlan {
    EalOptions eal;
    DataplaneOptions dataplane;
    std::string memory_reason;  // why hugepages or plain memory: "auto: 0 of 40 pages are free"
    bool may_do_without_hugepages = false;  // which it would use
};

// Makes effective what capabilities the process is permitted, before it has threads. A file's come
// so (capabilities(7), `setcap …+p`): where a container lacks one of them the kernel would not even
// start a file that has them effective, and nothing would say which one is missing.
void take_capabilities();

// Throws MachineError. `lost_hugepages`: those that were free were not there any more when this
// process took them, so that it does without if it may.
StartPlan plan_start(const Config& config, bool lost_hugepages = false);

// The parts of it that look at the machine.
std::vector<unsigned> allowed_cpus();  // of the calling thread; throws MachineError
// Of 2 MiB, what may be taken: the free pages that nobody has reserved, less where a container's
// limit is lower.
size_t free_hugepages();
size_t wanted_hugepages(const Config& config, unsigned workers);

// The parts of it that only compute.
struct CpuPlan {
    std::vector<unsigned> workers, control;
};
CpuPlan plan_cpus(const WorkersConfig& wanted, const std::vector<unsigned>& allowed, size_t ports);
DataplaneOptions plan_memory(const Config& config, unsigned workers);

}  // namespace vethway
