// SPDX-License-Identifier: Apache-2.0
// Prefixes and what they lead to: the FIB, and the route entries its values number. Routes with the
// same next hops share one entry.
#pragma once

#include <array>
#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <span>

#include "dataplane/fib/fib4.h"
#include "dataplane/fib/route_entry.h"

namespace vethway {

class RouteTable {
public:
    static constexpr uint32_t kMaxEntries = 20480;  // different sets of next hops

    explicit RouteTable(Rcu& rcu);
    ~RouteTable();
    RouteTable(const RouteTable&) = delete;
    RouteTable& operator=(const RouteTable&) = delete;

    // Control thread: adds or replaces. Throws std::bad_alloc or std::length_error (kMaxEntries)
    // and then has changed nothing.
    void set(const Prefix4& prefix, const RouteEntry& entry);
    // Control thread: false when there was no such prefix. Throws std::bad_alloc and then has
    // changed nothing.
    bool remove(const Prefix4& prefix);
    Fib4::Stats stats() const noexcept { return fib_.stats(); }

    // Worker, and control thread: never null; an entry of type `none` where there is no route.
    // Valid until the worker's next quiescent state.
    void lookup(std::span<const Ip4> destinations,
                std::span<const RouteEntry*> entries) const noexcept;
    const RouteEntry& lookup(Ip4 destination) const noexcept;

private:
    struct Shared {  // an entry in use
        uint32_t index;
        uint32_t users;
    };
    struct Retired {  // its index may be used again once `token` has passed
        uint32_t index;
        uint64_t token;
    };
    uint32_t acquire(const RouteEntry& entry);
    void release(uint32_t index) noexcept;
    void reclaim() noexcept;

    Rcu& rcu_;
    Fib4 fib_;
    std::map<RouteEntry, Shared> shared_;
    std::deque<Retired> retired_;
    std::deque<uint32_t> free_;
    std::unique_ptr<std::array<std::atomic<const RouteEntry*>, kMaxEntries>> entries_;
};

}  // namespace vethway
