// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fib/route_table.h"

#include <stdexcept>

namespace vethway {

namespace {
constexpr RouteEntry kNoRoute{};
constexpr size_t kLookupChunk = 64;
static_assert(RouteTable::kMaxEntries <= Fib4::kMostValue);
}  // namespace

RouteTable::RouteTable(Rcu& rcu)
    : rcu_(rcu), fib_(rcu), entries_(std::make_unique<decltype(entries_)::element_type>()) {
    (*entries_)[Fib4::kNone].store(&kNoRoute, std::memory_order_relaxed);
    for (uint32_t i = 1; i < kMaxEntries; ++i) free_.push_back(i);
}

RouteTable::~RouteTable() {
    for (size_t i = 1; i < kMaxEntries; ++i) delete (*entries_)[i].load(std::memory_order_relaxed);
}

uint32_t RouteTable::acquire(const RouteEntry& entry) {
    const auto found = shared_.find(entry);
    if (found != shared_.end()) {
        ++found->second.users;
        return found->second.index;
    }
    reclaim();
    if (free_.empty() && !retired_.empty()) {
        rcu_.synchronize();
        reclaim();
    }
    if (free_.empty()) throw std::length_error("too many different sets of next hops");
    const uint32_t index = free_.front();
    auto copy = std::make_unique<const RouteEntry>(entry);
    shared_.emplace(entry, Shared{index, 1});
    free_.pop_front();
    // Release: a worker that reads the number from the FIB must see the entry whole.
    (*entries_)[index].store(copy.release(), std::memory_order_release);
    return index;
}

void RouteTable::release(uint32_t index) noexcept {
    const RouteEntry& entry = *(*entries_)[index].load(std::memory_order_relaxed);
    const auto found = shared_.find(entry);
    if (--found->second.users > 0) return;
    shared_.erase(found);
    retired_.push_back({index, rte_rcu_qsbr_start(rcu_.get())});
}

void RouteTable::reclaim() noexcept {
    while (!retired_.empty() &&
           rte_rcu_qsbr_check(rcu_.get(), retired_.front().token, false) == 1) {
        const uint32_t index = retired_.front().index;
        delete (*entries_)[index].exchange(nullptr, std::memory_order_relaxed);
        free_.push_back(index);
        retired_.pop_front();
    }
}

void RouteTable::set(const Prefix4& prefix, const RouteEntry& entry) {
    const uint32_t index = acquire(entry);
    try {
        const Fib4::Value before = fib_.set(prefix, index);
        if (before != Fib4::kNone) release(before);
    } catch (...) {
        release(index);
        throw;
    }
}

bool RouteTable::remove(const Prefix4& prefix) {
    const Fib4::Value before = fib_.remove(prefix);
    if (before == Fib4::kNone) return false;
    release(before);
    reclaim();
    return true;
}

// Whether all are one, as those of a flow's packets.
static bool is_one(std::span<const Ip4> many) noexcept {
    uint32_t different = 0;
    for (const Ip4 ip : many) different |= ip.value ^ many[0].value;
    return different == 0;
}

void RouteTable::lookup(std::span<const Ip4> destinations,
                        std::span<const RouteEntry*> entries) const noexcept {
    if (is_one(destinations)) {
        if (!destinations.empty()) std::ranges::fill(entries, &lookup(destinations[0]));
        return;
    }
    std::array<Fib4::Value, kLookupChunk> values;
    for (size_t at = 0; at < destinations.size(); at += kLookupChunk) {
        const size_t n = std::min(kLookupChunk, destinations.size() - at);
        fib_.lookup(destinations.subspan(at, n), std::span(values).first(n));
        for (size_t i = 0; i < n; ++i)
            entries[at + i] = (*entries_)[values[i]].load(std::memory_order_acquire);
    }
}

const RouteEntry& RouteTable::lookup(Ip4 destination) const noexcept {
    return *(*entries_)[fib_.lookup(destination)].load(std::memory_order_acquire);
}

}  // namespace vethway
