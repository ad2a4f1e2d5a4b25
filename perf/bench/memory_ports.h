// SPDX-License-Identifier: Apache-2.0
// Two ports without a wire: net_null, into whose empty frames a receive callback writes packets, as
// a network card writes them to memory. Whoever forwards in a bench uses them: vethway by its own
// EthdevPort, rivals by their ethdev port numbers.
#pragma once

#include <rte_ethdev.h>
#include <rte_mempool.h>

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "dataplane/net/headers.h"
#include "dataplane/port/port.h"

namespace vethway::bench {

inline constexpr size_t kFrameBytes = 64;
struct alignas(64) Frame {
    std::array<std::byte, kFrameBytes> bytes;
};

inline constexpr Ip4 kSender{10, 0, 0, 2};  // the host behind port 1
// The addresses of the switch's ports and of the hosts behind them.
inline constexpr Mac kPortMacs[] = {{{0x02, 0, 0, 0, 0, 1}}, {{0x02, 0, 0, 0, 0, 2}}};
inline constexpr Mac kHostMacs[] = {{{0x06, 0, 0, 0, 0, 1}}, {{0x06, 0, 0, 0, 0, 2}}};

// What is received: UDP from a host behind port 1, whose destinations come in this order, over and
// over. Defaults are valid.
struct FrameSpec {
    Ip4 destination;
    uint8_t ttl = 64;
    bool wrong_checksum = false;
    Mac to = kPortMacs[0], from = kHostMacs[0];
    Ip4 source = kSender;
};
Frame make_frame(const FrameSpec& spec);

// One pair at a time. Frames come in at port 0, and go where the device frees them at port 1; or
// both ways.
class MemoryPorts {
public:
    // With as many queues as there are workers. Throws PortError, std::runtime_error.
    explicit MemoryPorts(unsigned workers = 1);
    ~MemoryPorts();
    MemoryPorts(const MemoryPorts&) = delete;
    MemoryPorts& operator=(const MemoryPorts&) = delete;

    // Before each burst of up to `n` packets `go_on(n)` is asked; once it says no, nothing is
    // received any more and `ended()` is true.
    void receive(std::vector<Frame> frames, std::function<bool(uint16_t)> go_on);
    bool ended() const noexcept { return ended_.load(std::memory_order_relaxed); }
    // Until then port 1 receives as well, by its first queue, what `make` makes of an undefined
    // frame: on the thread of whoever receives.
    void receive_beside(std::function<void(Frame&)> make) { beside_ = std::move(make); }

    Port& port(size_t i) noexcept { return *ports_[i]; }
    uint16_t id(size_t i) const noexcept { return ids_[i]; }
    const FrameBuffers& buffers() const noexcept { return buffers_; }

private:
    struct FreePool {
        void operator()(rte_mempool* p) const noexcept { rte_mempool_free(p); }
    };
    using Pool = std::unique_ptr<rte_mempool, FreePool>;
    static uint16_t fill_beside(uint16_t id, uint16_t queue, rte_mbuf** frames, uint16_t n,
                                uint16_t most, void* self);
    static uint16_t fill(uint16_t id, uint16_t queue, rte_mbuf** frames, uint16_t n, uint16_t most,
                         void* self);

    Pool pool_, large_pool_;
    FrameBuffers buffers_;
    std::array<std::unique_ptr<Port>, 2> ports_;
    std::array<uint16_t, 2> ids_{};
    std::array<const rte_eth_rxtx_callback*, 2> callbacks_{};
    std::vector<Frame> frames_;
    size_t next_ = 0;
    std::function<bool(uint16_t)> go_on_;
    std::function<void(Frame&)> beside_;
    std::atomic<bool> ended_{false};
};

}  // namespace vethway::bench
