// SPDX-License-Identifier: Apache-2.0
#include "control/doctor/subject.h"

#include <rte_cycles.h>

#include <algorithm>

#include "control/adoption.h"
#include "control/controller.h"
#include "control/doctor/gather.h"
#include "control/machine.h"
#include "control/process.h"

namespace vethway::doctor {

namespace {

bool has(const std::vector<unsigned>& cpus, unsigned cpu) {
    return std::ranges::find(cpus, cpu) != cpus.end();
}

WorkerCpu running_worker(const Dataplane& dataplane, unsigned worker,
                         const std::vector<unsigned>& control) {
    const WorkerCounters& w = dataplane.counters(worker).worker;
    const unsigned cpu = dataplane.place(worker).cpu;
    const auto spun = static_cast<double>(w.busy_cycles.value() + w.idle_cycles.value());
    return {.cpu = cpu,
            .with_control = has(control, cpu),
            .spun_s = spun / static_cast<double>(rte_get_tsc_hz()),
            .forced_switches =
                context_switches(w.thread_id.load(std::memory_order_relaxed)).involuntary};
}

// `ports` in place of the patterns among those that `config` has.
void set_ports(Subject& subject, const Config& config, std::vector<PortConfig> ports) {
    std::set<std::string> written;
    bool adopts = false;
    for (const PortConfig& p : config.ports) {
        written.insert(p.name);
        adopts |= p.adopt_addresses;
    }
    for (const PortConfig& p : ports)
        if (adopts && !written.contains(p.name)) subject.adopting.insert(p.name);
    subject.config.ports = std::move(ports);
}

}  // namespace

Subject running_subject(Controller& controller) {
    Subject subject{.scope = Scope::daemon,
                    .config = controller.config(),
                    .config_file = controller.machine().config_file,
                    .trials = try_kernel()};
    subject.hugepages = controller.machine().hugepages;
    std::vector<PortConfig> ports;
    for (const auto& [name, port] : controller.ports().all()) {
        ports.push_back(port.config);
        subject.ports[name] = {.driver = port.device->info().driver,
                               .note = port.device->info().note,
                               .mac = port.mac().to_string(),
                               .link_up = port.link_up()};
    }
    set_ports(subject, controller.config(), std::move(ports));
    const std::vector<unsigned> control = allowed_cpus();
    for (unsigned w = 0; w < controller.dataplane().workers(); ++w)
        subject.workers.push_back(running_worker(controller.dataplane(), w, control));
    return subject;
}

Subject planned_subject(const Config& config, const std::string& config_file) {
    Subject subject{.scope = config_file.empty() ? Scope::machine : Scope::file,
                    .config = config,
                    .config_file = config_file,
                    .trials = try_kernel()};
    set_ports(subject, config, Adoption().expand(config).ports);
    try {
        const CpuPlan plan =
            plan_cpus(config.dataplane.workers, allowed_cpus(), config.ports.size());
        for (const unsigned cpu : plan.workers)
            subject.workers.push_back({.cpu = cpu, .with_control = has(plan.control, cpu)});
    } catch (const MachineError& e) {
        subject.cpu_refusal = e.what();
    }
    return subject;
}

}  // namespace vethway::doctor
