// SPDX-License-Identifier: Apache-2.0
#include "dataplane/watch/what_if.h"

#include <rte_cycles.h>

#include <cstring>
#include <stdexcept>

#include "dataplane/numa_memory.h"
#include "dataplane/pipeline.h"

namespace vethway {

namespace {

struct CountersFree {
    void operator()(Counters* c) const noexcept { numa_delete(c); }
};

// A frame as a driver fills it: in one segment, or two where it is larger than any has.
rte_mbuf* make_frame(const FrameBuffers& buffers, std::span<const std::byte> frame) {
    rte_mbuf* const m = buffers.allocate(frame.size());
    if (m == nullptr) throw std::runtime_error("no free mbuf for the frame: try again");
    for (rte_mbuf* part = m; part != nullptr; part = part->next) {
        std::memcpy(rte_pktmbuf_mtod(part, std::byte*), frame.data(), part->data_len);
        frame = frame.subspan(part->data_len);
    }
    return m;
}

class Trial {
public:
    explicit Trial(Dataplane& dataplane)
        : counters_(numa_new<Counters>(-1)),
          watch_(std::make_shared<Watch>(
              WatchOptions{.snaplen = UINT16_MAX, .ring_bytes = kRingBytes}, 1)),
          tracer_(0),
          drops_(*counters_, tracer_),
          tx_(0, *counters_, drops_, dataplane, tracer_, true),
          limit_(rte_get_tsc_hz(), 1),
          context_{.routes = dataplane.routes(),
                   .neighbours = dataplane.neighbours(),
                   .reassembly = dataplane.reassembly(),
                   .paths = dataplane.paths(),
                   .buffers = dataplane.buffers(),
                   .counters = *counters_,
                   .drops = drops_,
                   .tx = tx_,
                   .icmp_limit = limit_,
                   .tracer = tracer_,
                   .l2 = &dataplane.l2(),
                   .dry = true,
                   .snapshot = &dataplane.snapshot(),
                   .now = rte_rdtsc(),
                   .hz = rte_get_tsc_hz()},
          pipeline_(context_, dataplane.punt_queue()) {
        set_.watches[0] = watch_;
        set_.mask = 1;
        tracer_.use(set_);
    }

    std::vector<NotedStep> run(uint16_t port, rte_mbuf* m) {
        meta(*m) = {.port = port, .tsc = context_.now};
        Burst burst;
        burst.push(m);
        counters_->received(port, 1, m->pkt_len);
        tracer_.received(burst);
        if (context_.port(port).up)
            pipeline_.receive(burst);
        else
            drops_.add(m, Drop::ingress_down);
        while (pipeline_.receive_loopback() > 0) continue;
        drops_.flush();
        std::vector<NotedStep> steps;
        for (NotedStep s; watch_->pop(s.record, s.frame);) steps.push_back(s);
        return steps;
    }

private:
    static constexpr size_t kRingBytes = size_t{8} << 20;

    std::unique_ptr<Counters, CountersFree> counters_;  // nobody's
    std::shared_ptr<Watch> watch_;
    WatchSet set_;
    Tracer tracer_;
    Drops drops_;
    Tx tx_;
    IcmpRateLimit limit_;
    Context context_;
    Pipeline pipeline_;
};

}  // namespace

std::vector<NotedStep> what_if(Dataplane& dataplane, uint16_t port,
                               std::span<const std::byte> frame) {
    const auto trial = std::make_unique<Trial>(dataplane);  // its bursts are large for a stack
    return trial->run(port, make_frame(dataplane.buffers(), frame));
}

}  // namespace vethway
