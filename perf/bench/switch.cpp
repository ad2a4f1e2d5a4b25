// SPDX-License-Identifier: Apache-2.0
#include "perf/bench/switch.h"

#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include <stdexcept>
#include <string>

namespace vethway::bench {

namespace {
Ip4 hop_address(uint32_t hop) { return Ip4{Ip4(10, 1, 0, 2).value + hop}; }
}  // namespace

Switch::Own::Own(unsigned id)
    : inject_ring(
          rte_ring_create(("bench_inject" + std::to_string(id)).c_str(), 64, SOCKET_ID_ANY, 0)) {}

Switch::Switch(MemoryPorts& ports, As as, unsigned workers)
    : ports_(ports),
      rcu_(workers),
      snapshot_(rcu_, std::make_unique<const Snapshot>(make_snapshot(as, workers))) {
    for (uint32_t hop = 0; hop < kNextHops; ++hop) {
        Neighbour* n = neighbours_.find_or_add_permanent({2, hop_address(hop)}, rte_rdtsc());
        n->change(n->read(), {NeighbourState::permanent, kHostMacs[1]}, rte_rdtsc());
    }
    Neighbour* sender = neighbours_.find_or_add_permanent({1, kSender}, rte_rdtsc());
    sender->change(sender->read(), {NeighbourState::permanent, kHostMacs[0]}, rte_rdtsc());
    routes_.set({kSender, 32},
                {.type = RouteType::forward, .hop_count = 1, .hops = {{1, {}, UINT32_MAX}}});
    for (uint16_t p = 1; p <= 1 + kFloodPorts; ++p) l2_->set_state(p, MemberState::forwarding);
    for (unsigned id = 0; id < workers; ++id) {
        Own& own = own_.emplace_back(id);
        own.worker = std::make_unique<Worker>(id,
                                              WorkerShared{.rcu = rcu_,
                                                           .snapshot = snapshot_,
                                                           .routes = routes_,
                                                           .neighbours = neighbours_,
                                                           .reassembly = reassembly_,
                                                           .paths = paths_,
                                                           .l2 = *l2_,
                                                           .punt_queue = punt_queue_,
                                                           .arp_asked = arp_asked_,
                                                           .watches = watches_,
                                                           .waker = waker_,
                                                           .workers = workers,
                                                           .sleeps = false},
                                              ports.buffers(), *own.inject_ring, *own.counters,
                                              &own.recorder);
    }
}

Switch::~Switch() = default;

RouteEntry Switch::via(uint32_t hop) {
    return {.type = RouteType::forward,
            .hop_count = 1,
            .hops = {NextHop{2, hop_address(hop), UINT32_MAX}}};
}

// Of all ports, with the limits that a configuration has.
static void make_domain(Snapshot& s, uint16_t ports) {
    s.any_l2 = true;
    Domain& domain = s.domains.emplace_back();
    for (uint16_t p = 1; p <= ports; ++p) {
        s.ports[p].domain = 0;
        s.ports[p].member = static_cast<uint16_t>(p - 1);
        domain.members.push_back(
            {.port = p, .learn = {.domain_limit = 16384, .moves_a_second = 5}});
    }
}

Snapshot Switch::make_snapshot(As as, unsigned workers) const {
    Snapshot s;
    s.generation = 1;
    const auto ports = static_cast<uint16_t>(as == As::bridge_of_many ? 1 + kFloodPorts : 2);
    s.ports.resize(ports + 1U);
    s.ports[kLoopback] = {.up = true, .mtu = UINT16_MAX};
    for (uint16_t p = 1; p <= ports; ++p) {
        const Ip4 address(10, static_cast<uint8_t>(p - 1), 0, 1);
        Port& device = ports_.port(p == 1 ? 0 : 1);
        s.ports[p] = {.device = &device,
                      .up = true,
                      .mtu = 1500,
                      .tx_queues = device.info().tx_queues,
                      .mac = kPortMacs[p == 1 ? 0 : 1],
                      .addresses = {{address, 24}},
                      .shares_mbufs = device.info().shares_mbufs};
        s.own.add(address);
    }
    s.rx = {{{1, 0}}};
    if (workers == 2)
        s.rx.push_back({{2, 0}});
    else if (as == As::bridge_both_ways)
        s.rx[0].push_back({2, 0});
    if (as != As::router) make_domain(s, ports);
    return s;
}

void Switch::receive(std::vector<Frame> frames, std::function<bool(uint16_t)> go_on) {
    ports_.receive(std::move(frames), [this, go_on = std::move(go_on)](uint16_t n) {
        if (go_on(n)) return true;
        for (Own& own : own_) own.worker->stop();
        return false;
    });
}

void Switch::launch(Worker& worker) {
    const auto run = [](void* self) {
        static_cast<Worker*>(self)->run();
        return 0;
    };
    if (rte_eal_remote_launch(run, &worker, rte_get_next_lcore(UINT_MAX, 1, 0)) != 0)
        throw std::runtime_error("the other lcore is busy");
}

void Switch::run(std::vector<Frame> frames, std::function<bool(uint16_t)> go_on) {
    receive(std::move(frames), std::move(go_on));
    if (own_.size() > 1) launch(*own_[1].worker);
    own_[0].worker->run();
    join();
}

void Switch::start(std::vector<Frame> frames, std::function<bool(uint16_t)> go_on) {
    receive(std::move(frames), std::move(go_on));
    launch(*own_[0].worker);
}

void Switch::join() noexcept { rte_eal_mp_wait_lcore(); }

}  // namespace vethway::bench
