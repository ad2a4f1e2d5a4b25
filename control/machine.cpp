// SPDX-License-Identifier: Apache-2.0
#include "control/machine.h"

#include <cap-ng.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <numaif.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>

#include "control/port_spec.h"
#include "dataplane/port/kernel_link.h"

namespace vethway {

namespace {

constexpr size_t kHugepage = size_t{2} << 20;
// Beside the mbufs themselves: EAL's own tables, the ports' queues, rings.
constexpr size_t kOtherMemory = size_t{24} << 20;
// An mbuf's own header, its mempool header and our private area.
constexpr size_t kMbufOverhead = 128 + 64 + 64 + RTE_PKTMBUF_HEADROOM;

std::optional<size_t> number_in(const std::string& file) {
    std::ifstream in(file);
    size_t value = 0;
    return in >> value ? std::optional(value) : std::nullopt;
}

void check_capabilities(const Config& config) {
    const auto port = std::ranges::find_if(config.ports, [](const PortConfig& p) {
        return std::holds_alternative<VethConfig>(p.driver) || !kernel_interface(p).empty();
    });
    if (port == config.ports.end()) return;
    if (capng_get_caps_process() != 0) return;
    std::vector<std::string> missing;
    if (capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN) == 0) missing.push_back("NET_ADMIN");
    if (capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_RAW) == 0) missing.push_back("NET_RAW");
    if (missing.empty()) return;
    // Then the kernel passes over a file's capabilities (prctl(2)), so that only root has any.
    const bool is_kept_low = geteuid() != 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
    throw MachineError(
        fmt::format("port {}: {} needs the capability {}, which vethwayd does not have: {}",
                    port->name, driver_name(port->driver), fmt::join(missing, " and "),
                    is_kept_low ? "with no-new-privileges run it as root, --user 0 in a container"
                                : "run it as root, or with --cap-add in a container"));
}

// DPDK asks for and sets the memory policy of hugepages, and gives up where it may not: Docker's
// seccomp profile allows these system calls to those who have SYS_NICE only.
bool may_set_memory_policy() {
    int mode = 0;
    return get_mempolicy(&mode, nullptr, 0, nullptr, 0) == 0 || errno != EPERM;
}

// A port without an MTU of its own has its interface's, and the buffers must fit that.
Config with_kernel_mtus(Config config) {
    for (PortConfig& port : config.ports) {
        const std::string netdev = kernel_interface(port);
        if (netdev.empty() || port.mtu) continue;
        try {
            port.mtu = std::min(find_kernel_link(port.name, netdev).mtu, kMaxMtu);
        } catch (const PortError&) {
            // opening the port will say it
        }
    }
    return config;
}

size_t memory_bytes(const DataplaneOptions& options) {
    return options.mbufs * (options.data_room + kMbufOverhead) +
           options.large_mbufs * (kLargeFrame + kMbufOverhead) + kOtherMemory;
}

size_t hugepages_for(size_t bytes) { return (bytes + kHugepage - 1) / kHugepage; }

}  // namespace

void take_capabilities() {
    if (capng_get_caps_process() != 0) return;
    bool any = false;
    for (unsigned c = 0; c <= CAP_LAST_CAP; ++c) {
        if (capng_have_capability(CAPNG_PERMITTED, c) == 0 ||
            capng_have_capability(CAPNG_EFFECTIVE, c) != 0)
            continue;
        any = capng_update(CAPNG_ADD, CAPNG_EFFECTIVE, c) == 0 || any;
    }
    if (any) capng_apply(CAPNG_SELECT_CAPS);  // what fails is missed where it is needed
}

std::vector<unsigned> allowed_cpus() {
    cpu_set_t set;
    std::vector<unsigned> cpus;
    if (sched_getaffinity(0, sizeof set, &set) != 0) throw MachineError("sched_getaffinity failed");
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu)
        if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
    return cpus;
}

size_t free_hugepages() {
    const std::string pool = "/sys/kernel/mm/hugepages/hugepages-2048kB/";
    const auto less = [](size_t all, size_t part) { return all - std::min(all, part); };
    size_t pages = less(number_in(pool + "free_hugepages").value_or(0),
                        number_in(pool + "resv_hugepages").value_or(0));
    constexpr std::pair<const char*, const char*> kLimits[] = {
        {"/sys/fs/cgroup/hugetlb.2MB.max", "/sys/fs/cgroup/hugetlb.2MB.current"},
        {"/sys/fs/cgroup/hugetlb/hugetlb.2MB.limit_in_bytes",
         "/sys/fs/cgroup/hugetlb/hugetlb.2MB.usage_in_bytes"}};
    for (const auto& [limit, used] : kLimits)
        if (const auto bytes = number_in(limit))
            pages = std::min(pages, less(*bytes, number_in(used).value_or(0)) / kHugepage);
    return pages;
}

size_t wanted_hugepages(const Config& config, unsigned workers) {
    return hugepages_for(memory_bytes(plan_memory(with_kernel_mtus(config), workers)));
}

CpuPlan plan_cpus(const WorkersConfig& wanted, const std::vector<unsigned>& allowed, size_t ports) {
    CpuPlan plan;
    if (!wanted.cpus.empty()) {
        for (const unsigned cpu : wanted.cpus)
            if (std::ranges::find(allowed, cpu) == allowed.end())
                throw MachineError(
                    fmt::format("dataplane.workers: cpu {} is not available to "
                                "vethwayd, which may run on: {}",
                                cpu, fmt::join(allowed, ", ")));
        plan.workers = wanted.cpus;
    } else {
        // More workers than ports would idle; one CPU is best left to the control thread.
        const size_t most = std::max<size_t>(allowed.size(), 2) - 1;
        const size_t count = wanted.count.value_or(
            static_cast<unsigned>(std::clamp<size_t>(ports, 1, std::min<size_t>(most, 64))));
        if (count > allowed.size())
            throw MachineError(
                fmt::format("dataplane.workers: {} wanted, but vethwayd may run on {} CPUs only",
                            count, allowed.size()));
        plan.workers.assign(allowed.end() - static_cast<std::ptrdiff_t>(count), allowed.end());
    }
    for (const unsigned cpu : allowed)
        if (std::ranges::find(plan.workers, cpu) == plan.workers.end()) plan.control.push_back(cpu);
    if (plan.control.empty()) plan.control = allowed;
    return plan;
}

// An af_xdp port keeps 4096 mbufs in its fill ring and as many again in the rings behind it
// (rte_eth_af_xdp.c, ETH_AF_XDP_DFLT_NUM_DESCS); with fewer than it wants it starts and receives
// nothing.
DataplaneOptions plan_memory(const Config& config, unsigned workers) {
    constexpr uint32_t kBase = 8192, kEachAfXdpPort = 8192, kEachWorker = 1024, kLeast = 16384;
    constexpr uint16_t kAroundPacket = 14 + 2 * 4;  // Ethernet, two VLAN tags
    constexpr uint16_t kXdpHeadroom = 256;          // include/uapi/linux/bpf.h, taken from the room
    DataplaneOptions options;
    uint16_t mtu = 1500;
    uint32_t af_xdp_ports = 0;
    for (const PortConfig& port : config.ports) {
        mtu = std::max(mtu, port.mtu.value_or(0));
        if (std::holds_alternative<AfXdpConfig>(port.driver)) ++af_xdp_ports;
    }
    const uint32_t sized = kBase + af_xdp_ports * kEachAfXdpPort + workers * kEachWorker;
    const uint32_t automatic = af_xdp_ports == 0 ? sized : std::max(kLeast, sized);
    options.workers = workers;
    options.mbufs = config.dataplane.mbufs.value_or(automatic);
    options.data_room =
        static_cast<uint16_t>(std::max(2048, (mtu + kAroundPacket + kXdpHeadroom + 63) / 64 * 64));
    options.neighbours = {.gc_thresh1 = config.neighbour_table.gc_thresh1,
                          .gc_thresh2 = config.neighbour_table.gc_thresh2,
                          .gc_thresh3 = config.neighbour_table.gc_thresh3};
    options.max_permanent = kMaxNeighbours;
    options.flight_recorder = config.dataplane.flight_recorder;
    options.idle_sleeps = config.dataplane.idle == Idle::adaptive;
    options.spin_us = config.dataplane.spin_us;
    return options;
}

static size_t devices_of(const Config& config) {
    return static_cast<size_t>(
        std::ranges::count_if(config.ports, std::not_fn(&PortConfig::is_logical)));
}

StartPlan plan_start(const Config& config, bool lost_hugepages) {
    check_capabilities(config);
    StartPlan plan;
    const CpuPlan cpus = plan_cpus(config.dataplane.workers, allowed_cpus(), devices_of(config));
    plan.eal.worker_cpus = cpus.workers;
    plan.eal.control_cpus = cpus.control;
    plan.eal.telemetry = config.dataplane.telemetry;
    plan.dataplane =
        plan_memory(with_kernel_mtus(config), static_cast<unsigned>(cpus.workers.size()));
    for (const PortConfig& port : config.ports)
        if (const auto* p = std::get_if<DevargsConfig>(&port.driver);
            p != nullptr && p->devargs.find(':') < p->devargs.find(','))
            plan.eal.pci.push_back(p->devargs);

    const size_t bytes = memory_bytes(plan.dataplane);
    const size_t wanted = hugepages_for(bytes), free = free_hugepages();
    const Hugepages mode = config.dataplane.hugepages;
    plan.eal.memory_mib = static_cast<unsigned>(bytes >> 20) + 1;
    plan.eal.hugepages = mode == Hugepages::required ||
                         (mode == Hugepages::automatic && free >= wanted && !lost_hugepages);
    const std::string found =
        fmt::format("{} hugepages of 2 MiB are free, {} wanted", free, wanted);
    if (mode == Hugepages::required && free < wanted)
        throw MachineError("dataplane.hugepages: required, but " + found + ": echo " +
                           std::to_string(wanted) +
                           " > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages");
    plan.memory_reason = mode == Hugepages::off ? "off"
                         : lost_hugepages       ? "another process has taken the hugepages"
                                                : found;
    if (plan.eal.hugepages && !may_set_memory_policy()) {
        const std::string why =
            "hugepages need the capability SYS_NICE, which vethwayd does not have: --cap-add "
            "SYS_NICE in a container";
        if (mode == Hugepages::required) throw MachineError("dataplane.hugepages: " + why);
        plan.eal.hugepages = false;
        plan.memory_reason = why;
    }
    plan.may_do_without_hugepages = plan.eal.hugepages && mode == Hugepages::automatic;
    return plan;
}

}  // namespace vethway
