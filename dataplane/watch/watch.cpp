// SPDX-License-Identifier: Apache-2.0
#include "dataplane/watch/watch.h"

namespace vethway {

Watch::Watch(WatchOptions options, unsigned workers) : options_(std::move(options)) {
    if (options_.filter) rte_bpf_get_jit(options_.filter.get(), &jit_);
    for (unsigned i = 0; i < workers; ++i) workers_.emplace_back(options_.ring_bytes);
}

bool Watch::matches(const rte_mbuf& m, uint16_t port, PerWorker& mine) const noexcept {
    if (mine.stories >= options_.stories) return false;
    if (options_.port && *options_.port != port) return false;
    if (options_.filter) {
        // Both take the mbuf and leave it as it is.
        auto* const frame = const_cast<rte_mbuf*>(&m);
        const uint64_t wanted =
            jit_.func != nullptr ? jit_.func(frame) : rte_bpf_exec(options_.filter.get(), frame);
        if (wanted == 0) return false;
    }
    if (mine.matched++ % options_.one_in != 0) return false;
    ++mine.stories;
    return true;
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
