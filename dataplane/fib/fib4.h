// SPDX-License-Identifier: Apache-2.0
// Longest prefix match for IPv4: prefix -> a number of the caller's (an index of a route entry).
//
// A 16-8-8 trie whose prefixes are pushed down to the leaves, so that a lookup is one to three
// loads. It costs 256 KiB plus 1 KiB for each /16 and each /24 that holds something longer, changes
// in place one route at a time, and never shows a reader a torn or recycled chunk: a chunk is
// complete before it is linked, and reused only after every worker was quiescent since its
// unlinking.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "dataplane/net/ip4.h"
#include "dataplane/rcu.h"

namespace vethway {

class Fib4 {
public:
    using Value = uint32_t;  // 1 .. 2^31 - 1; kNone: no route
    static constexpr Value kNone = 0;
    struct Stats {
        size_t prefixes, chunks, chunks_waiting, bytes;
    };

    explicit Fib4(Rcu& rcu);
    ~Fib4();  // after the workers joined
    Fib4(const Fib4&) = delete;
    Fib4& operator=(const Fib4&) = delete;

    // Control thread: adds or replaces; `prefix` has no host bits. Throws std::bad_alloc and then
    // has changed nothing.
    void set(const Prefix4& prefix, Value value);
    // Control thread: false when there was no such prefix.
    bool remove(const Prefix4& prefix);
    Stats stats() const noexcept;

    // Worker and control thread: values[i] for destinations[i]; the spans are of one size.
    void lookup(std::span<const Ip4> destinations, std::span<Value> values) const noexcept;
    Value lookup(Ip4 destination) const noexcept;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace vethway
