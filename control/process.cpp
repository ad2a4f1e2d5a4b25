// SPDX-License-Identifier: Apache-2.0
#include "control/process.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace vethway {

namespace {

// The number behind `key` in a file of "key: number unit" lines; 0 if there is none.
uint64_t number_after(const std::string& text, const std::string& key) {
    const size_t at = text.find(key + ':');
    if (at == std::string::npos) return 0;
    return std::strtoull(text.c_str() + at + key.size() + 1, nullptr, 10);
}

std::string read_file(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

}  // namespace

MemoryUse memory_use() {
    const std::string text = read_file("/proc/self/smaps_rollup");
    return {
        .resident_bytes = number_after(text, "Rss") * 1024,
        .hugepage_bytes =
            (number_after(text, "Private_Hugetlb") + number_after(text, "Shared_Hugetlb")) * 1024};
}

ContextSwitches context_switches(uint32_t thread_id) {
    const std::string text = read_file("/proc/self/task/" + std::to_string(thread_id) + "/status");
    return {.voluntary = number_after(text, "\nvoluntary_ctxt_switches"),
            .involuntary = number_after(text, "nonvoluntary_ctxt_switches")};
}

ProcessUse process_use() {
    ProcessUse use;
    // proc_pid_stat(5): the fields behind the command's name, which may hold anything but ")".
    const std::string stat = read_file("/proc/self/stat");
    std::istringstream fields(stat.substr(stat.rfind(')') + 2));
    std::string skip;
    for (int i = 3; i < 14; ++i) fields >> skip;
    uint64_t user = 0, system = 0, start = 0, resident = 0;
    fields >> user >> system;
    for (int i = 16; i < 22; ++i) fields >> skip;
    fields >> start >> use.virtual_bytes >> resident;
    const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
    use.cpu_seconds = static_cast<double>(user + system) / ticks;
    const uint64_t booted = [] {
        const std::string text = read_file("/proc/stat");
        const size_t at = text.find("btime ");
        return at == std::string::npos ? 0 : std::strtoull(text.c_str() + at + 6, nullptr, 10);
    }();
    use.start_time_seconds = static_cast<double>(booted) + static_cast<double>(start) / ticks;
    use.resident_bytes = resident * static_cast<uint64_t>(getpagesize());
    std::error_code error;
    for ([[maybe_unused]] const auto& entry :
         std::filesystem::directory_iterator("/proc/self/fd", error))
        ++use.open_fds;
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    use.max_fds = limit.rlim_cur;
    return use;
}

}  // namespace vethway
