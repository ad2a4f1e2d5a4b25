// SPDX-License-Identifier: Apache-2.0
#include "dataplane/watch/watch.h"

#include "dataplane/meta.h"

namespace vethway {

Watch::Watch(WatchOptions options, unsigned workers) : options_(std::move(options)) {
    if (const Bpf& program = options_.filter.program) rte_bpf_get_jit(program.get(), &jit_);
    for (unsigned i = 0; i < workers; ++i) workers_.emplace_back(options_.ring_bytes);
}

bool Watch::mark(std::span<rte_mbuf* const> frames, uint8_t bit, PerWorker& mine) const noexcept {
    if (mine.stories >= options_.stories) return false;
    if (options_.port && *options_.port != meta(*frames.front()).port) return false;
    bool any = false;
    for (rte_mbuf* m : frames) {
        if (!passes(m) || mine.matched++ % options_.one_in != 0) continue;
        meta(*m).watched |= bit;
        any = true;
        if (++mine.stories >= options_.stories) break;
    }
    return any;
}

bool Watch::pop(Record& record, std::vector<std::byte>& frame) {
    for (size_t i = 0; i < workers_.size(); ++i) {
        PerWorker& from = workers_[(next_ + i) % workers_.size()];
        if (!from.ring.pop(record, frame)) continue;
        next_ = (next_ + i + 1) % workers_.size();  // in turn, that none has to wait for another
        return true;
    }
    return false;
}

uint64_t Watch::lost() const noexcept {
    uint64_t sum = 0;
    for (const PerWorker& w : workers_) sum += w.ring.lost();
    return sum;
}

}  // namespace vethway
