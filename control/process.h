// SPDX-License-Identifier: Apache-2.0
// What the kernel says of this process.
#pragma once

#include <cstdint>

namespace vethway {

struct MemoryUse {
    uint64_t resident_bytes = 0;  // without hugepages
    uint64_t hugepage_bytes = 0;
    uint64_t total() const { return resident_bytes + hugepage_bytes; }
};
MemoryUse memory_use();  // /proc/self/smaps_rollup; zeros where that can't be read

struct ContextSwitches {
    uint64_t voluntary = 0, involuntary = 0;
};
ContextSwitches context_switches(uint32_t thread_id);

struct ProcessUse {
    double cpu_seconds = 0, start_time_seconds = 0;
    uint64_t virtual_bytes = 0, resident_bytes = 0, open_fds = 0, max_fds = 0;
};
ProcessUse process_use();

}  // namespace vethway
