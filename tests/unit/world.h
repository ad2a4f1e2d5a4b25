// SPDX-License-Identifier: Apache-2.0
// A switch of one worker without a thread: three ports that remember what is sent, and everything
// that a stage may use. For tests and fuzzers; EAL is up.
//
//   port 1  10.0.1.1/24      port 2  10.0.2.1/24      port 3  10.0.3.1/24, MTU 576
#pragma once

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "dataplane/l2/l2_state.h"
#include "dataplane/pipeline.h"
#include "tests/unit/packet.h"

namespace vethway::test {

// Takes frames as a driver does, and keeps a copy of their bytes.
class FakePort final : public Port {
public:
    uint16_t rx_burst(uint16_t, rte_mbuf**, uint16_t) noexcept override { return 0; }
    TxResult tx_burst(uint16_t queue, rte_mbuf** frames, uint16_t n) noexcept override {
        const uint16_t taken = std::min({n, at_once, room});
        room = static_cast<uint16_t>(room - taken);
        for (uint16_t i = 0; i < taken; ++i) {
            for (const rte_mbuf* m = frames[i]; wants_own && m != nullptr; m = m->next)
                if (is_shared(*m)) std::abort();
            Bytes bytes(frames[i]->pkt_len);
            copy_out(*frames[i], 0, bytes);
            sent.push_back(std::move(bytes));
            offloads.push_back(meta(*frames[i]).offload);
            queues.push_back(queue);
            rte_pktmbuf_free(frames[i]);
        }
        return {.sent = taken};
    }
    PortStats stats() const noexcept override { return {}; }
    std::string down_reason() const override { return {}; }
    void set_mtu(uint16_t mtu) override { info_.mtu = mtu; }

    uint16_t at_once = UINT16_MAX;  // of one burst
    uint16_t room = UINT16_MAX;     // until the ring is full
    bool wants_own = false;         // as net_ring: mbufs that nobody shares
    std::vector<Bytes> sent;
    std::vector<Offload> offloads;  // of each in `sent`, as are these
    std::vector<uint16_t> queues;
};

struct NoWaker final : WorkerWaker {
    void wake(unsigned worker) noexcept override { woken.push_back(worker); }
    std::vector<unsigned> woken;
};

// What is counted over all ports.
struct Totals {
    uint64_t rx = 0, tx = 0, originated = 0, consumed = 0, dropped = 0;
};
inline Totals totals(const Counters& counters) {
    Totals t;
    for (const PortCounters& p : counters.ports) {
        t.rx += p.rx_packets.value();
        t.tx += p.tx_packets.value();
        for (const Counter& n : p.originated) t.originated += n.value();
        for (const Counter& n : p.consumed) t.consumed += n.value();
        for (const Counter& n : p.dropped) t.dropped += n.value();
    }
    return t;
}

inline constexpr uint16_t kPorts = 3;
inline constexpr uint64_t kHz = 1'000'000'000;

class World {
protected:
    World(unsigned mbufs, uint32_t max_neighbours, uint32_t max_held)
        : pool_(rte_pktmbuf_pool_create("world", mbufs, 0, sizeof(PacketMeta),
                                        RTE_PKTMBUF_HEADROOM + 2048, SOCKET_ID_ANY)),
          large_pool_(rte_pktmbuf_pool_create("world_large", 15, 0, sizeof(PacketMeta), UINT16_MAX,
                                              SOCKET_ID_ANY)),
          neighbours_({.thresholds = {.gc_thresh1 = 0,
                                      .gc_thresh2 = max_neighbours / 2,
                                      .gc_thresh3 = max_neighbours},
                       .max_held = max_held}) {
        if (pool_ == nullptr || large_pool_ == nullptr)
            throw std::runtime_error("no memory for the test's mbufs");
        make_snapshot();
        context_ = std::make_unique<Context>(Context{.routes = routes_,
                                                     .neighbours = neighbours_,
                                                     .reassembly = reassembly_,
                                                     .paths = paths_,
                                                     .buffers = buffers_,
                                                     .counters = *counters_,
                                                     .drops = drops_,
                                                     .tx = tx_,
                                                     .icmp_limit = icmp_limit_,
                                                     .tracer = tracer_,
                                                     .l2 = &l2_,
                                                     .snapshot = &snap_,
                                                     .now = 1000 * kHz,
                                                     .hz = kHz});
        pipeline_ = std::make_unique<Pipeline>(*context_, *punt_queue_);
    }
    ~World() {
        rte_mempool_free(pool_);
        rte_mempool_free(large_pool_);
    }
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    // --- The topology ---
    void route(const char* prefix, RouteType type, std::vector<NextHop> hops = {}) {
        RouteEntry entry{.type = type, .hop_count = static_cast<uint8_t>(hops.size())};
        std::ranges::copy(hops, entry.hops.begin());
        routes_.set(*Prefix4::parse(prefix), entry);
    }
    void knob(uint16_t port, PortKnob k, uint32_t value) { snap_.ports[port].knobs.set(k, value); }
    void knob(Ip4Knob k, uint32_t value) { snap_.ip4.set(k, value); }
    // False: no room in the table.
    bool permanent(uint16_t port, Ip4 ip, const Mac& mac) {
        Neighbour* n = neighbours_.find_or_add({port, ip}, context_->now);
        return n != nullptr &&
               n->change(n->read(), {NeighbourState::permanent, mac}, context_->now);
    }

    // --- Packets ---
    // As a driver fills it; null when the pool is empty or `bytes` are more than any frame has.
    rte_mbuf* new_mbuf(const Bytes& bytes, uint16_t port) {
        rte_mbuf* m = buffers_.allocate(bytes.size());
        if (m == nullptr) return nullptr;
        meta(*m) = {.port = port, .tsc = context_->now};
        auto from = bytes.begin();
        for (rte_mbuf* s = m; s != nullptr; s = s->next) {
            std::copy_n(from, s->data_len, rte_pktmbuf_mtod(s, std::byte*));
            from += s->data_len;
        }
        return m;
    }
    // As the control thread does at the end: neighbours give up what waits for them, and fragments
    // wait no longer.
    void expire_held() {
        PacketList fragments = reassembly_.take_all();
        while (rte_mbuf* m = fragments.pop()) rte_pktmbuf_free(m);
        neighbours_.for_each([this](Neighbour& n) {
            uint32_t count = 0;
            for (rte_mbuf* m = neighbours_.take_held(n, count); m != nullptr;) {
                rte_mbuf* const next = meta(*m).next_held;
                rte_pktmbuf_free(m);
                m = next;
            }
        });
    }
    void free_punted() {
        while (rte_mbuf* m = punt_queue_->pop()) rte_pktmbuf_free(m);
    }

    // --- Counters ---
    uint64_t held() { return static_cast<uint64_t>(closed_books().held()); }
    // The books balance, and say what the ports' own counters say.
    bool is_balanced() {
        const Books books = closed_books();
        const Totals t = totals(*counters_);
        return books.imbalance() == 0 && books.rx == t.rx && books.tx == t.tx &&
               books.originated == t.originated && books.consumed == t.consumed &&
               books.dropped == t.dropped;
    }
    Books closed_books() {
        drops_.flush();
        counters_->close_books();
        return counters_->books();
    }

    rte_mempool *const pool_, *const large_pool_;
    FrameBuffers buffers_{*pool_, *large_pool_};
    std::array<FakePort, kPorts + 1> ports_;
    Rcu rcu_{1};
    RouteTable routes_{rcu_};
    NeighbourTable neighbours_;
    ReassemblyTable reassembly_{512, kHz};
    PathTable paths_;
    L2State l2_;
    std::unique_ptr<Counters> counters_ = std::make_unique<Counters>();
    Tracer tracer_{0};
    Drops drops_{*counters_, tracer_};
    NoWaker waker_;
    Tx tx_{0, *counters_, drops_, waker_, tracer_};
    IcmpRateLimit icmp_limit_{kHz, 1};
    Snapshot snap_;
    std::unique_ptr<PuntQueue> punt_queue_ = std::make_unique<PuntQueue>();
    std::unique_ptr<Context> context_;
    std::unique_ptr<Pipeline> pipeline_;

private:
    void make_snapshot() {
        snap_.ports.resize(kPorts + 1);
        snap_.ports[kLoopback] = {.up = true, .mtu = 65535};
        for (uint16_t p = 1; p <= kPorts; ++p) {
            snap_.ports[p] = {.device = &ports_[p],
                              .up = true,
                              .mtu = static_cast<uint16_t>(p == 3 ? 576 : 1500),
                              .tx_queues = 1,
                              .mac = kPortMac[p],
                              .addresses = {{kPortIp[p], 24}}};
            snap_.own.add(kPortIp[p]);
            const std::string net = "10.0." + std::to_string(p);
            route((net + ".0/24").c_str(), RouteType::forward, {{p, {}, UINT32_MAX}});
            route((net + ".1").c_str(), RouteType::local, {{p, {}, UINT32_MAX}});
            route((net + ".0").c_str(), RouteType::broadcast, {{p, {}, UINT32_MAX}});
            route((net + ".255").c_str(), RouteType::broadcast, {{p, {}, UINT32_MAX}});
        }
    }
};

}  // namespace vethway::test
