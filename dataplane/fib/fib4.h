// SPDX-License-Identifier: Apache-2.0
// Longest prefix match for IPv4: prefix -> a number of the caller's (an index of a route entry).
//
// A 16-8-8 trie whose prefixes are pushed down to the leaves, so that a lookup is a load for the
// root and one or two cache lines for each chunk (chunk.h) that it meets: one for each /16 and each
// /24 that holds something longer. It costs 256 KiB and a few bytes a route; a million routes are
// some 8 MiB. It changes one route at a time: the chunk that holds it is written anew and put in
// the old one's place by one store, so that no reader sees one half changed; the old one is reused
// only after every worker was quiescent.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "dataplane/net/ip4.h"
#include "dataplane/rcu.h"

namespace vethway {

class Fib4 {
public:
    using Value = uint32_t;  // 1 .. kMostValue; kNone: no route
    static constexpr Value kNone = 0, kMostValue = 0x7fff;
    // `bytes`: of what workers read; the control thread keeps the prefixes beside, in about 20
    // each.
    struct Stats {
        size_t prefixes, chunks, chunks_waiting, bytes;
    };

    // `most_bytes` of chunks.
    explicit Fib4(Rcu& rcu, size_t most_bytes = size_t{1} << 30);
    ~Fib4();  // after the workers joined
    Fib4(const Fib4&) = delete;
    Fib4& operator=(const Fib4&) = delete;

    // Control thread; `prefix` has no host bits. Both throw std::bad_alloc and then have changed
    // nothing, and return the value that the prefix had, kNone if it was not there.
    Value set(const Prefix4& prefix, Value value);  // adds or replaces
    Value remove(const Prefix4& prefix);
    Stats stats() const noexcept;

    // Worker and control thread: values[i] for destinations[i]; the spans are of one size.
    void lookup(std::span<const Ip4> destinations, std::span<Value> values) const noexcept;
    Value lookup(Ip4 destination) const noexcept;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace vethway
