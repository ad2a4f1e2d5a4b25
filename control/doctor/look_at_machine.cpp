// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "control/doctor/gather.h"
#include "control/machine.h"

namespace vethway::doctor {

namespace {

std::string first_line(const std::string& path) {
    std::string line;
    std::ifstream in(path);
    std::getline(in, line);
    return line;
}

bool is_on(const std::string& sysctl) { return first_line("/proc/sys/net/" + sysctl) == "1"; }

// proc(5): "CapEff:\t000001ffffffffff"
void read_status(MachineFacts& facts) {
    std::ifstream in("/proc/thread-self/status");
    for (std::string line; std::getline(in, line);) {
        std::istringstream words(line);
        std::string key, value;
        words >> key >> value;
        if (key == "CapEff:") facts.capabilities = std::strtoull(value.c_str(), nullptr, 16);
        if (key == "Seccomp:") facts.seccomp = value != "0";
    }
}

std::string cpu_file(unsigned cpu, const std::string& name) {
    return fmt::format("/sys/devices/system/cpu/cpu{}/{}", cpu, name);
}

}  // namespace

// "1-3,5": cpulist of the kernel.
bool is_isolated(unsigned cpu) {
    std::istringstream list(first_line("/sys/devices/system/cpu/isolated"));
    for (std::string part; std::getline(list, part, ',');) {
        std::istringstream range(part);
        unsigned from = 0, to = 0;
        char dash = 0;
        if (!(range >> from)) continue;
        if (!(range >> dash >> to)) to = from;
        if (from <= cpu && cpu <= to) return true;
    }
    return false;
}

std::string governor_of(unsigned cpu) {
    return first_line(cpu_file(cpu, "cpufreq/scaling_governor"));
}

MachineFacts look_at_machine() {
    MachineFacts facts;
    utsname names{};
    if (uname(&names) == 0) facts.kernel = names.release;
    read_status(facts);
    std::error_code none;
    facts.container = std::filesystem::exists("/.dockerenv", none) ||
                      std::filesystem::exists("/run/.containerenv", none);
    rlimit limit{};
    if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        facts.memlock = limit.rlim_cur;
    facts.hugepages.free = free_hugepages();
    std::istringstream(first_line("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages")) >>
        facts.hugepages.total;
    facts.ip_forward = is_on("ipv4/ip_forward");
    facts.bridge_calls_iptables = is_on("bridge/bridge-nf-call-iptables");
    return facts;
}

}  // namespace vethway::doctor
