// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>

#include "dataplane/port/port.h"

namespace vethway {

namespace {

constexpr size_t kThreads = 32;

}  // namespace

// For each descriptor of a packet socket, and each BPF link, close(2) waits until all CPUs have let
// go of it (net/packet/af_packet.c: packet_release, synchronize_net): 70 ms a port, in which
// nothing is done. Those that wait at the same time wait for the same.
void close_ports(std::vector<std::unique_ptr<Port>> ports) noexcept {
    const auto beside = std::partition(
        ports.begin(), ports.end(), [](const auto& port) { return !port->is_closed_anywhere(); });
    const size_t first = static_cast<size_t>(beside - ports.begin());
    std::atomic<size_t> next{first};
    const auto close_some = [&] {
        for (size_t i; (i = next.fetch_add(1)) < ports.size();) ports[i].reset();
    };
    std::vector<std::jthread> threads;  // joined at the end
    try {
        while (threads.size() + 1 < std::min(kThreads, ports.size() - first))
            threads.emplace_back(close_some);
    } catch (const std::system_error&) {
        // No more threads are to be had: those there are close them all.
    }
    for (size_t i = 0; i < first; ++i) ports[i].reset();
    close_some();
}

}  // namespace vethway
