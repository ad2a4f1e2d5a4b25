// SPDX-License-Identifier: Apache-2.0
#include "dataplane/counters.h"

namespace vethway {

void Books::add(const Books& b) noexcept {
    rx += b.rx;
    originated += b.originated;
    tx += b.tx;
    consumed += b.consumed;
    dropped += b.dropped;
    held_in += b.held_in;
    held_out += b.held_out;
}

// Release and acquire on each term, which cost nothing on x86: a reader that sees a term of the
// next but one version also sees that the version has moved on.
void Counters::close_books() noexcept {
    const uint64_t next = version_.load(std::memory_order_relaxed) + 1;
    Copy& to = closed_[next & 1];
    to.rx.store(open_.rx, std::memory_order_release);
    to.originated.store(open_.originated, std::memory_order_release);
    to.tx.store(open_.tx, std::memory_order_release);
    to.consumed.store(open_.consumed, std::memory_order_release);
    to.dropped.store(open_.dropped, std::memory_order_release);
    to.held_in.store(open_.held_in, std::memory_order_release);
    to.held_out.store(open_.held_out, std::memory_order_release);
    version_.store(next, std::memory_order_release);
}

Books Counters::books() const noexcept {
    for (;;) {
        const uint64_t version = version_.load(std::memory_order_acquire);
        const Copy& from = closed_[version & 1];
        const Books books{.rx = from.rx.load(std::memory_order_acquire),
                          .originated = from.originated.load(std::memory_order_acquire),
                          .tx = from.tx.load(std::memory_order_acquire),
                          .consumed = from.consumed.load(std::memory_order_acquire),
                          .dropped = from.dropped.load(std::memory_order_acquire),
                          .held_in = from.held_in.load(std::memory_order_acquire),
                          .held_out = from.held_out.load(std::memory_order_acquire)};
        if (version_.load(std::memory_order_acquire) == version) return books;
    }
}

}  // namespace vethway
