// SPDX-License-Identifier: Apache-2.0
// What workers count. One block a worker, written by it alone and read by the control thread;
// nothing is ever reset. The identity that holds of each worker between two bursts, always:
//   rx + originated = tx + consumed + dropped + held
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>

#include "dataplane/drop.h"

namespace vethway {

// One writer: a relaxed load and store, no locked instruction.
class Counter {
public:
    void add(uint64_t n) noexcept {
        value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<uint64_t> value_{0};
};

// How a received packet ended in the switch, other than dropped.
enum class Consumed : uint8_t {
    arp_request,
    arp_reply,
    echo_request,
    host,
    fragmented,
    segmented,
    reassembled,
    timestamp_request,
    kCount
};
inline constexpr const char* kConsumedNames[] = {"arp_request", "arp_reply",        "echo_request",
                                                 "host",        "fragmented",       "segmented",
                                                 "reassembled", "timestamp_request"};
// What the switch makes of its own, counted at the port whose traffic caused it; an ARP request at
// the port that it leaves by. A copy goes to the control thread.
enum class Originated : uint8_t {
    arp_request,
    arp_reply,
    echo_reply,
    icmp_error,
    host,
    fragment,
    segment,
    reassembled,
    timestamp_reply,
    tcp_reset,
    arp_copy,
    group_copy,
    flood_copy,
    l2_control,
    kCount
};
inline constexpr const char* kOriginatedNames[] = {
    "arp_request", "arp_reply",  "echo_reply",  "icmp_error",      "host",
    "fragment",    "segment",    "reassembled", "timestamp_reply", "tcp_reset",
    "arp_copy",    "group_copy", "flood_copy",  "l2_control"};

// What bridging did, counted at the member that a frame came by.
enum class Bridged : uint8_t {
    unicast,        // to the one member that the station is behind
    flooded,        // to all that take it
    multicast,      // to those that want its group
    suppressed,     // an ARP request, answered for whom it asks about
    routed,         // to the bridge's own address: taken by IP
    learned,        // a new station
    moved,          // a station, from another member
    damped,         // a station that moves too often
    pinned,         // a static entry says another member
    learn_limited,  // a station too many
    learn_full,     // no room in the table
    snooped,        // a message about groups, heard by the control thread
    snoop_limited,  // one too many of them
    kCount
};
inline constexpr const char* kBridgedNames[] = {
    "unicast", "flooded", "multicast",     "suppressed", "routed",  "learned",      "moved",
    "damped",  "pinned",  "learn_limited", "learn_full", "snooped", "snoop_limited"};

// Bursts as received: 1, 2, 3-4, 5-8, 9-16, 17-32, 33-64 packets.
inline constexpr size_t kBurstBuckets = 7;
constexpr size_t burst_bucket(unsigned packets) noexcept {
    return static_cast<size_t>(std::bit_width(packets - 1));
}

// Drops, consumed and originated count at the ingress port; `lo` for what the switch sends itself.
struct alignas(64) PortCounters {
    Counter rx_packets, rx_bytes, tx_packets, tx_bytes;
    Counter checksum_completed;     // on the way in, of frames whose driver can't say so
    Counter tx_checksum_completed;  // on the way out, for a driver that can't be told so
    // Of a bridge's and a VLAN's port, which have no wire: what passes within the switch is in no
    // book, since the packet is counted by the ports that it comes and leaves by.
    Counter passed_in_packets, passed_in_bytes, passed_out_packets, passed_out_bytes;
    std::array<Counter, static_cast<size_t>(Bridged::kCount)> bridged;
    std::array<Counter, kBurstBuckets> rx_bursts;
    std::array<Counter, static_cast<size_t>(Consumed::kCount)> consumed;
    std::array<Counter, static_cast<size_t>(Originated::kCount)> originated;
    std::array<Counter, kDropReasons> dropped;
};

// How long a frame waited that woke a worker: up to 10, 20, 50, 100, 200, 500, 1000 us, and longer.
inline constexpr std::array<uint32_t, 7> kWakeupBoundsUs{10, 20, 50, 100, 200, 500, 1000};

struct alignas(64) WorkerCounters {
    Counter polls_empty, polls_busy;
    Counter busy_cycles, idle_cycles, sleep_cycles;
    std::array<Counter, kWakeupBoundsUs.size() + 1> wakeups;
    Counter wakeup_ns;        // of all of them together
    Counter icmp_suppressed;  // errors not sent because of the rate limit
    Counter icmp_time_exceeded, icmp_unreachable, icmp_fragmentation_needed;
    Counter icmp_parameter_problem, icmp_redirect;
    std::atomic<uint32_t> thread_id{0};  // the kernel's, for its context switches
};

inline constexpr size_t kMaxPorts = 256;  // with `lo`
inline constexpr uint16_t kLoopback = 0;  // the index of `lo`
inline constexpr uint16_t kNoPort = UINT16_MAX;

// Packets by what became of them, over all ports: the terms of the identity.
struct Books {
    uint64_t rx = 0, originated = 0, tx = 0, consumed = 0, dropped = 0;
    // Put aside by this worker, for a neighbour or for another worker; taken up again by this
    // worker.
    uint64_t held_in = 0, held_out = 0;

    void add(const Books& b) noexcept;
    // Of one worker, or of several read one after the other, it may be below 0 for a moment.
    int64_t held() const noexcept { return static_cast<int64_t>(held_in - held_out); }
    // 0, or something is counted wrongly.
    int64_t imbalance() const noexcept {
        return static_cast<int64_t>(rx + originated - tx - consumed - dropped) - held();
    }
};

// The one way to count a packet: at its port, and in the books.
class Counters {
public:
    // The writer, a worker or the control thread for itself.
    void received(uint16_t port, uint64_t packets, uint64_t bytes) noexcept {
        ports[port].rx_packets.add(packets);
        ports[port].rx_bytes.add(bytes);
        open_.rx += packets;
    }
    void transmitted(uint16_t port, uint64_t packets, uint64_t bytes) noexcept {
        ports[port].tx_packets.add(packets);
        ports[port].tx_bytes.add(bytes);
        open_.tx += packets;
    }
    void passed_in(uint16_t port, uint64_t bytes) noexcept {
        ports[port].passed_in_packets.add(1);
        ports[port].passed_in_bytes.add(bytes);
    }
    void passed_out(uint16_t port, uint64_t bytes) noexcept {
        ports[port].passed_out_packets.add(1);
        ports[port].passed_out_bytes.add(bytes);
    }
    void bridged(uint16_t port, Bridged what) noexcept {
        ports[port].bridged[static_cast<size_t>(what)].add(1);
    }
    void consumed(uint16_t port, Consumed what) noexcept {
        ports[port].consumed[static_cast<size_t>(what)].add(1);
        ++open_.consumed;
    }
    void originated(uint16_t port, Originated what) noexcept {
        ports[port].originated[static_cast<size_t>(what)].add(1);
        ++open_.originated;
    }
    void dropped(uint16_t port, Drop why, uint64_t packets = 1) noexcept {
        ports[port].dropped[static_cast<size_t>(why)].add(packets);
        open_.dropped += packets;
    }
    void held(uint64_t packets) noexcept { open_.held_in += packets; }
    void taken_up(uint64_t packets) noexcept { open_.held_out += packets; }
    // Between two bursts: makes the books so far those that others read.
    void close_books() noexcept;

    // Any thread: as of the end of some burst, whole. Never waits for the writer.
    Books books() const noexcept;

    WorkerCounters worker;
    std::array<PortCounters, kMaxPorts> ports;  // only the pages of ports in use become resident

private:
    // Two copies: one is read while the other is written, and the version's last bit tells which.
    struct Copy {
        std::atomic<uint64_t> rx{0}, originated{0}, tx{0}, consumed{0}, dropped{0}, held_in{0},
            held_out{0};
    };
    Books open_;
    std::atomic<uint64_t> version_{0};
    std::array<Copy, 2> closed_;
};

}  // namespace vethway
