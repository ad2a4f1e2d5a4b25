// SPDX-License-Identifier: Apache-2.0
// A machine and a port of which nothing is to be said, for tests to break.
#pragma once

#include <gtest/gtest.h>

#include <functional>

#include "control/doctor/judge.h"

namespace vethway::doctor::test {

inline constexpr uint64_t kAllCapabilities = ~uint64_t{0};

inline Program shield(const char* place) { return {place, 7, "vethway_shield"}; }

inline PortFacts healthy_port() {
    PortFacts p{.name = "p1", .kind = "veth", .netdev = "v1"};
    p.mac = "02:00:00:00:00:01";
    p.driver = "veth";
    p.interface = Interface{.link = {.ifindex = 5,
                                     .name = "v1",
                                     .kind = "veth",
                                     .up = true,
                                     .carrier = true,
                                     .mtu = 1500,
                                     .promiscuity = 1,
                                     .mac = "02:00:00:00:00:01",
                                     .qdisc = "noqueue",
                                     .peer = 6}};
    p.interface->programs = {shield("TCX ingress"), shield("TCX egress")};
    p.interface->ipv6 = true;
    p.interface->taken = true;
    p.peer = Peer{.link = {.ifindex = 6, .name = "eth0", .up = true, .carrier = true, .mtu = 1500},
                  .netns = "h1"};
    return p;
}

// A daemon that runs.
inline Facts healthy() {
    Facts f{.scope = Scope::daemon};
    f.machine.kernel = "6.1.0";
    f.machine.capabilities = kAllCapabilities;
    f.machine.hugepages = {.total = 64, .free = 20, .wanted = 40, .used = true};
    f.machine.workers = {{.cpu = 1}};
    f.ports = {healthy_port()};
    return f;
}

// The same machine before vethwayd is started on it.
inline Facts before_start() {
    Facts f = healthy();
    f.scope = Scope::file;
    f.machine.hugepages = {.total = 64, .free = 64, .wanted = 40};
    PortFacts& p = f.ports.front();
    p.driver = "";
    p.interface->programs.clear();
    p.interface->taken = false;
    return f;
}

// "bad capabilities: no capability NET_RAW", a line each, of what is not ok.
inline std::string complaints(const Facts& facts) {
    std::string text;
    for (const Finding& f : judge(facts))
        if (f.status != Status::ok)
            text += std::string(kStatusNames[static_cast<size_t>(f.status)]) + ' ' + f.check +
                    ": " + f.what + '\n';
    return text;
}

// Of healthy(), broken by `change`.
inline std::string with(const std::function<void(Facts&)>& change, Facts facts = healthy()) {
    change(facts);
    return complaints(facts);
}
inline std::string with_port(const std::function<void(PortFacts&)>& change,
                             Facts facts = healthy()) {
    change(facts.ports.front());
    return complaints(facts);
}

// The advice of the only complaint.
inline Advice advice_of(const Facts& facts) {
    Advice found;
    int complaints = 0;
    for (const Finding& f : judge(facts))
        if (f.status != Status::ok) {
            found = f.advice;
            ++complaints;
        }
    EXPECT_EQ(complaints, 1);
    return found;
}

// What only a running daemon without its shield has: the kernel is on the interface.
inline Facts unshielded() {
    Facts f = healthy();
    f.ports.front().interface->programs.clear();
    f.ports.front().interface->ipv6 = false;
    return f;
}

inline Advice advice_with_port(const std::function<void(PortFacts&)>& change) {
    Facts f = healthy();
    change(f.ports.front());
    return advice_of(f);
}

}  // namespace vethway::doctor::test
