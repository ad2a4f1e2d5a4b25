// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fib/fib4.h"

#include <array>
#include <cassert>
#include <unordered_map>

#include "dataplane/fib/chunk_pool.h"

namespace vethway {

namespace {

// An entry is a value, or with this bit the number of the chunk that refines it.
constexpr uint32_t kChunkBit = 1U << 31;
constexpr unsigned kRootBits = 16, kChunkBits = 8;
constexpr size_t kRootEntries = size_t{1} << kRootBits;

bool is_chunk(uint32_t entry) noexcept { return (entry & kChunkBit) != 0; }

// Where the entry for the lowest 8 bits of `bits` lies in the pool; the shift drops kChunkBit.
uint32_t slot(uint32_t entry, uint32_t bits) noexcept { return entry << 8 | (bits & 0xff); }
static_assert(ChunkPool::kEntries == 256 && ChunkPool::kMaxChunks <= 1U << 24);

// The root or a chunk, as the control thread sees it.
struct Table {
    FibEntry* entries;
    uint8_t* depths;

    uint32_t entry(size_t i) const noexcept { return entries[i].load(std::memory_order_relaxed); }
    // Release: a worker that sees a chunk's number sees its contents.
    void store(size_t i, uint32_t entry, uint8_t depth) const noexcept {
        entries[i].store(entry, std::memory_order_release);
        depths[i] = depth;
    }
};

// The entries of one table that a prefix covers; `end_bit` is the number of address bits that the
// table's index ends after: 16, 24 or 32.
struct Range {
    size_t first, count;
};
size_t index_of(Ip4 ip, unsigned end_bit) noexcept {
    return ip.value >> (32 - end_bit) & (end_bit == kRootBits ? 0xffff : 0xff);
}
Range range_of(const Prefix4& p, unsigned end_bit) noexcept {
    return {index_of(p.address, end_bit), size_t{1} << (end_bit - p.length)};
}

// The tables on the way to the one that a prefix ends in: the root and at most two chunks.
struct Path {
    struct Step {
        Table parent;
        size_t index;
        uint32_t chunk;
    };
    std::array<Step, 2> steps;
    size_t chunks = 0;
    Table last;  // holds the prefix's own entries
    unsigned end_bit = kRootBits;
};

}  // namespace

struct Fib4::Impl {
    struct Route {
        Value value = kNone;
        uint8_t length = 0;
    };

    explicit Impl(Rcu& rcu) : pool(rcu) {}

    Table root_table() const noexcept { return {root.get(), root_depths.get()}; }
    Table table(uint32_t chunk) const noexcept {
        return {pool.entries() + size_t{chunk} * ChunkPool::kEntries,
                pool.notes(chunk).depths.data()};
    }
    uint32_t missing_chunks(const Prefix4& p) const noexcept;
    uint32_t link_chunk(const Table& parent, size_t index) noexcept;
    Path walk(const Prefix4& p) noexcept;
    void paint(const Table& t, Range range, uint8_t limit, Route with) noexcept;
    void unlink_unused(const Path& path) noexcept;
    Route covering(const Prefix4& p) const noexcept;

    std::unique_ptr<FibEntry[], Unmap> root = map_array<FibEntry>(kRootEntries);
    std::unique_ptr<uint8_t[], Unmap> root_depths = map_array<uint8_t>(kRootEntries);
    ChunkPool pool;
    std::array<std::unordered_map<uint32_t, Value>, 33> routes;  // by length, then address
};

uint32_t Fib4::Impl::missing_chunks(const Prefix4& p) const noexcept {
    if (p.length <= kRootBits) return 0;
    const uint32_t wanted = p.length <= kRootBits + kChunkBits ? 1 : 2;
    const uint32_t top = root_table().entry(index_of(p.address, kRootBits));
    if (!is_chunk(top)) return wanted;
    if (wanted == 1) return 0;
    const Table first = table(top & ~kChunkBit);
    return is_chunk(first.entry(index_of(p.address, kRootBits + kChunkBits))) ? 0 : 1;
}

// Starts as 256 copies of the entry that it replaces, so that no worker notices.
uint32_t Fib4::Impl::link_chunk(const Table& parent, size_t index) noexcept {
    const uint32_t chunk = pool.take();
    const Table t = table(chunk);
    for (size_t i = 0; i < ChunkPool::kEntries; ++i)
        t.store(i, parent.entry(index), parent.depths[index]);
    parent.store(index, chunk | kChunkBit, 0);  // of a chunk's entry the depth is never read
    return chunk;
}

// Links the chunks that are missing; the caller has made sure that the pool has them.
Path Fib4::Impl::walk(const Prefix4& p) noexcept {
    Path path{.steps = {}, .last = root_table()};
    for (; p.length > path.end_bit; path.end_bit += kChunkBits) {
        const size_t index = index_of(p.address, path.end_bit);
        const uint32_t entry = path.last.entry(index);
        uint32_t chunk = entry & ~kChunkBit;
        if (!is_chunk(entry)) {
            chunk = link_chunk(path.last, index);
            if (path.chunks > 0) ++pool.notes(path.steps[path.chunks - 1].chunk).users;
        }
        path.steps[path.chunks++] = {path.last, index, chunk};
        path.last = table(chunk);
    }
    return path;
}

// Every entry in `range`, and in the chunks below it, that comes from a prefix of at most `limit`
// bits. In a prefix's own range these are its entries and, before it is added, those covering it.
void Fib4::Impl::paint(const Table& t, Range range, uint8_t limit, Route with) noexcept {
    for (size_t i = range.first; i < range.first + range.count; ++i) {
        const uint32_t entry = t.entry(i);
        if (is_chunk(entry))
            paint(table(entry & ~kChunkBit), {0, ChunkPool::kEntries}, limit, with);
        else if (t.depths[i] <= limit)
            t.store(i, with.value, with.length);
    }
}

// The last chunk of `path` has lost a user. A chunk without users holds nothing longer than the
// entry that leads to it: 256 times the same, which that entry can say itself.
void Fib4::Impl::unlink_unused(const Path& path) noexcept {
    for (size_t n = path.chunks; n > 0; --n) {
        const auto& [parent, index, chunk] = path.steps[n - 1];
        if (--pool.notes(chunk).users > 0) return;
        parent.store(index, table(chunk).entry(0), table(chunk).depths[0]);
        pool.retire(chunk);
    }
}

Fib4::Impl::Route Fib4::Impl::covering(const Prefix4& p) const noexcept {
    for (uint8_t length = p.length; length-- > 0;) {
        const auto found = routes[length].find(p.address.value & Prefix4::mask(length));
        if (found != routes[length].end()) return {found->second, length};
    }
    return {};
}

Fib4::Fib4(Rcu& rcu) : impl_(std::make_unique<Impl>(rcu)) {}
Fib4::~Fib4() = default;

void Fib4::set(const Prefix4& prefix, Value value) {
    assert(value != kNone && !is_chunk(value));
    assert(prefix.length <= 32 && prefix == prefix.network());
    impl_->pool.reclaim();
    impl_->pool.require(impl_->missing_chunks(prefix));
    const bool added =
        impl_->routes[prefix.length].insert_or_assign(prefix.address.value, value).second;
    // Nothing throws from here on.
    const Path path = impl_->walk(prefix);
    if (added && path.chunks > 0) ++impl_->pool.notes(path.steps[path.chunks - 1].chunk).users;
    impl_->paint(path.last, range_of(prefix, path.end_bit), prefix.length, {value, prefix.length});
}

bool Fib4::remove(const Prefix4& prefix) {
    assert(prefix.length <= 32 && prefix == prefix.network());
    if (impl_->routes[prefix.length].erase(prefix.address.value) == 0) return false;
    const Path path = impl_->walk(prefix);
    impl_->paint(path.last, range_of(prefix, path.end_bit), prefix.length, impl_->covering(prefix));
    impl_->unlink_unused(path);
    return true;
}

// Reclaims first, so that an idle table does not show chunks as waiting that no longer do.
Fib4::Stats Fib4::stats() const noexcept {
    ChunkPool& pool = impl_->pool;
    pool.reclaim();
    Stats stats{
        .prefixes = 0, .chunks = pool.linked(), .chunks_waiting = pool.waiting(), .bytes = 0};
    for (const auto& of_length : impl_->routes) stats.prefixes += of_length.size();
    constexpr size_t kRootBytes = kRootEntries * (sizeof(FibEntry) + sizeof(uint8_t));
    constexpr size_t kChunkBytes = ChunkPool::kEntries * sizeof(FibEntry) + sizeof(ChunkNotes);
    stats.bytes = kRootBytes + (stats.chunks + stats.chunks_waiting) * kChunkBytes;
    return stats;
}

// A level for all before the next level for any: the loads of one level do not wait for each other.
void Fib4::lookup(std::span<const Ip4> destinations, std::span<Value> values) const noexcept {
    const FibEntry* root = impl_->root.get();
    const FibEntry* chunks = impl_->pool.entries();
    const size_t n = destinations.size();
    for (size_t i = 0; i < n; ++i)
        values[i] = root[destinations[i].value >> 16].load(std::memory_order_acquire);
    for (const unsigned shift : {8U, 0U})
        for (size_t i = 0; i < n; ++i)
            if (is_chunk(values[i]))
                values[i] = chunks[slot(values[i], destinations[i].value >> shift)].load(
                    std::memory_order_acquire);
}

Fib4::Value Fib4::lookup(Ip4 destination) const noexcept {
    Value value;
    lookup({&destination, 1}, {&value, 1});
    return value;
}

}  // namespace vethway
