// SPDX-License-Identifier: Apache-2.0
// Forwards packets in a switch without ports, for trace_cost.py to count what it takes; prints the
// CPU time in ns.
//
//   trace_cost MODE BURSTS     MODE: off, recorder (a flight recorder, and no drop), unmatched (a
//                              trace whose filter nothing matches)
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "control/watch/filter.h"
#include "tests/unit/eal_for_tests.h"
#include "tests/unit/world.h"

namespace vethway::test {
namespace {

// Takes all, as fast as it can be taken.
class Sink final : public Port {
public:
    uint16_t rx_burst(uint16_t, rte_mbuf**, uint16_t) noexcept override { return 0; }
    TxResult tx_burst(uint16_t, rte_mbuf** frames, uint16_t n) noexcept override {
        rte_pktmbuf_free_bulk(frames, n);
        return {.sent = n};
    }
    PortStats stats() const noexcept override { return {}; }
    std::string down_reason() const override { return {}; }
    void set_mtu(uint16_t) override {}
};

class Bench : World {
public:
    explicit Bench(const char* mode) : World(2047, 64, 256) {
        permanent(2, kHostIp[2], kHostMac[2]);
        snap_.ports[2].device = &sink_;
        if (std::strcmp(mode, "unmatched") == 0) {
            set_.watches[0] = std::make_shared<Watch>(
                WatchOptions{.filter = compile_filter("tcp port 443 and host 192.0.2.1")}, 1);
            set_.mask = 1;
            tracer_.use(set_);
        }
        if (std::strcmp(mode, "recorder") == 0) {
            std::destroy_at(&drops_);
            std::construct_at(&drops_, *counters_, tracer_, &recorder_);
        }
    }
    void forward(unsigned bursts) {
        const Bytes bytes = frame(Ip4Packet{});
        for (unsigned b = 0; b < bursts; ++b) {
            Burst rx;
            rte_pktmbuf_alloc_bulk(pool_, rx.data(), kBurst);
            rx.set_size(kBurst);
            for (rte_mbuf* m : rx) {
                std::memcpy(rte_pktmbuf_append(m, static_cast<uint16_t>(bytes.size())),
                            bytes.data(), bytes.size());
                meta(*m) = {.port = 1, .tsc = context_->now};
            }
            counters_->received(1, kBurst, kBurst * bytes.size());
            tracer_.use(set_);
            if (tracer_.watching()) tracer_.received(rx);
            pipeline_->receive(rx);
        }
        if (counters_->ports[2].tx_packets.value() != uint64_t{bursts} * kBurst) std::abort();
    }

private:
    Sink sink_;
    FlightRecorder recorder_{4096, -1, rte_get_tsc_hz()};
    WatchSet set_;
};

int64_t cpu_ns() {
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * 1'000'000'000 + t.tv_nsec;
}

}  // namespace
}  // namespace vethway::test

int main(int argc, char** argv) {
    using namespace vethway::test;
    if (argc != 3 || init_eal() < 0) return 2;
    Bench bench(argv[1]);
    const int64_t began = cpu_ns();
    bench.forward(static_cast<unsigned>(std::atoi(argv[2])));
    std::printf("%ld\n", static_cast<long>(cpu_ns() - began));
}
