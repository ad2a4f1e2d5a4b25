// SPDX-License-Identifier: Apache-2.0
#include "control/doctor/gather.h"

#include "control/machine.h"
#include "control/port_spec.h"

namespace vethway::doctor {

namespace {

PortFacts port_facts(const Subject& subject, const PortConfig& config) {
    PortFacts port{.name = config.name,
                   .kind = driver_name(config.driver),
                   .netdev = kernel_interface(config),
                   .admin_up = config.admin_up,
                   .wanted_mtu = config.mtu};
    if (const auto* veth = std::get_if<VethConfig>(&config.driver)) {
        port.netns = veth->netns;
        port.makes_it = veth->create.has_value();
        port.wants_shield = veth->shield;
        port.wants_qdisc = !veth->qdisc_bypass;
    }
    port.adopts = subject.adopting.contains(config.name);
    if (config.mac) port.mac = config.mac->to_string();
    if (const auto running = subject.ports.find(config.name); running != subject.ports.end()) {
        port.driver = running->second.driver;
        port.note = running->second.note;
        port.mac = running->second.mac;
        port.link_up = running->second.link_up;
    }
    return port;
}

}  // namespace

Facts gather(const Subject& subject) {
    const Config& config = subject.config;
    Facts facts{
        .scope = subject.scope, .idle = config.dataplane.idle, .machine = look_at_machine()};
    facts.machine.trials = subject.trials;
    facts.machine.hugepages.mode = config.dataplane.hugepages;
    facts.machine.hugepages.used = subject.hugepages;
    facts.machine.hugepages.wanted =
        wanted_hugepages(config, static_cast<unsigned>(subject.workers.size()));
    facts.machine.workers = subject.workers;
    facts.machine.cpu_refusal = subject.cpu_refusal;
    for (WorkerCpu& worker : facts.machine.workers) {
        worker.isolated = is_isolated(worker.cpu);
        worker.governor = governor_of(worker.cpu);
    }
    for (const PortConfig& p : config.ports) {
        facts.ports.push_back(port_facts(subject, p));
        look_at_interface(facts.ports.back());
    }
    return facts;
}

}  // namespace vethway::doctor
