// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fib/fib4.h"

#include <rte_prefetch.h>

#include <array>
#include <atomic>
#include <cassert>
#include <map>
#include <unordered_map>

#include "dataplane/fib/stride.h"

namespace vethway {

namespace {

// The root: a value, or with this bit the number of the chunk that refines it. Written by the
// control thread, read by workers.
using RootEntry = std::atomic<uint32_t>;
constexpr uint32_t kChunkBit = 1U << 31;
constexpr unsigned kRootBits = 16, kStrideBits = 8;
constexpr size_t kRootEntries = size_t{1} << kRootBits;
// A page of zeros from the kernel is an array of them.
static_assert(RootEntry::is_always_lock_free && sizeof(RootEntry) == sizeof(uint32_t));

constexpr size_t kLookupAtOnce = 64;
// Of one root entry: its own chunk, and one for each slot.
constexpr size_t kMostChunks = 1 + std::tuple_size_v<FibSlots>;
constexpr size_t kMostBytes = FibChunk::bytes(256, 256) + 256 * FibChunk::bytes(256, 0);

// So that a full table can be emptied, though removing takes chunks, too: enough for whoever
// removes what a root entry has before what the next one has.
constexpr size_t kKeptForRemoval = 4 * kMostBytes;

bool is_chunk(uint32_t entry) noexcept { return (entry & kChunkBit) != 0; }

// Of a prefix longer than a /16. It ends in the first or the second eight bits behind those.
bool ends_below_24(const Prefix4& p) noexcept { return p.length > kRootBits + kStrideBits; }
uint8_t slot_in_16(Ip4 ip) noexcept { return static_cast<uint8_t>(ip.value >> kStrideBits); }
FibPart part_of(const Prefix4& p, Fib4::Value value) noexcept {
    const bool below = ends_below_24(p);
    return {.slot = below ? static_cast<uint8_t>(p.address.value) : slot_in_16(p.address),
            .bits = static_cast<uint8_t>(p.length - kRootBits - (below ? kStrideBits : 0U)),
            .value = static_cast<FibContent>(value)};
}

}  // namespace

struct Fib4::Impl {
    // What a root entry says where nothing longer does: of the longest prefix up to /16.
    struct Cover {
        FibContent value = kNone;
        uint8_t length = 0;
    };
    // The prefixes longer than /16 in one of them.
    struct Slash16 {
        FibStride up_to_24;
        std::map<uint8_t, FibStride> longer;  // by slot

        FibStride& stride_of(const Prefix4& p) {
            return ends_below_24(p) ? longer[slot_in_16(p.address)] : up_to_24;
        }
        bool empty() const noexcept { return up_to_24.empty() && longer.empty(); }
    };
    using Retired = std::array<ChunkPlace, 2 * kMostChunks>;

    Impl(Rcu& rcu, size_t most_bytes) : pool(rcu, most_bytes) {}

    Value set_short(const Prefix4& p, Value value);
    Value remove_short(const Prefix4& p);
    Value set_long(const Prefix4& p, Value value);
    Value remove_long(const Prefix4& p);
    struct Need {
        size_t bytes = 0, chunks = 0;
    };
    Need need_of(const Prefix4& p) const noexcept;
    void cover_with(const Prefix4& p, Cover with) noexcept;
    Cover covering(const Prefix4& p) const noexcept;
    ChunkPlace make(const FibSlots& slots, std::span<const uint32_t> refining) noexcept;
    void rebuild(uint32_t index) noexcept;
    uint32_t rebuild_chunks(Slash16& s, FibContent base, Retired& old, size_t& retired) noexcept;

    std::unique_ptr<RootEntry[], Unmap> root = map_array<RootEntry>(kRootEntries);
    ChunkPool pool;
    // The control thread's own.
    std::unique_ptr<Cover[], Unmap> covers = map_array<Cover>(kRootEntries);
    std::array<std::unordered_map<uint32_t, FibContent>, kRootBits + 1> shorter;  // by length
    std::unordered_map<uint32_t, Slash16> longer;  // by the upper 16 bits
    size_t prefixes = 0;
};

// --- Chunks ---
ChunkPlace Fib4::Impl::make(const FibSlots& slots, std::span<const uint32_t> refining) noexcept {
    const ChunkPlace chunk = pool.take(FibChunk::bytes(FibChunk::runs_of(slots), refining.size()));
    FibChunk::write(pool.memory_of(chunk), slots, refining);
    return chunk;
}

// The chunks of `s` as they should be; the number of the first.
uint32_t Fib4::Impl::rebuild_chunks(Slash16& s, FibContent base, Retired& old,
                                    size_t& retired) noexcept {
    FibSlots slots = s.up_to_24.slots(base);
    std::array<uint32_t, std::tuple_size_v<FibSlots>> refining;
    FibContent count = 0;
    for (auto& [slot, stride] : s.longer) {
        FibContent& content = slots[slot];
        if (stride.base != content) {
            old[retired++] = std::exchange(stride.chunk, make(stride.slots(content), {}));
            stride.base = content;
        }
        refining[count] = stride.chunk.number;
        content = kRefined | count++;
    }
    old[retired++] = std::exchange(s.up_to_24.chunk, make(slots, std::span(refining).first(count)));
    return s.up_to_24.chunk.number;
}

// Makes a root entry what the prefixes say. The caller has made sure that the pool has the chunks;
// the old ones are retired when nothing leads to them any more.
void Fib4::Impl::rebuild(uint32_t index) noexcept {
    const FibContent base = covers[index].value;
    const auto found = longer.find(index);
    if (found == longer.end()) return root[index].store(base, std::memory_order_release);
    Retired old;
    size_t retired = 0;
    Slash16& s = found->second;
    std::erase_if(s.longer, [&](const auto& item) {
        if (!item.second.empty()) return false;
        old[retired++] = item.second.chunk;
        return true;
    });
    if (s.empty()) {
        root[index].store(base, std::memory_order_release);
        old[retired++] = s.up_to_24.chunk;
        longer.erase(found);
    } else {
        const uint32_t chunk = rebuild_chunks(s, base, old, retired);
        // Release: a worker that sees a chunk's number sees its contents.
        root[index].store(chunk | kChunkBit, std::memory_order_release);
    }
    for (const ChunkPlace& chunk : std::span(old).first(retired))
        if (chunk.units > 0) pool.retire(chunk);
}

// --- Prefixes up to /16 ---
// The chunks that a change may take.
Fib4::Impl::Need Fib4::Impl::need_of(const Prefix4& p) const noexcept {
    if (p.length > kRootBits) return {kMostBytes, kMostChunks};
    Need need;
    const uint32_t first = p.address.value >> kRootBits;
    for (uint32_t i = first; i < first + (1U << (kRootBits - p.length)); ++i) {
        const auto found = longer.find(i);
        if (found == longer.end()) continue;
        const size_t below = found->second.longer.size();
        need.bytes += FibChunk::bytes(256, below) + below * FibChunk::bytes(256, 0);
        need.chunks += 1 + below;
    }
    return need;
}

// In a prefix's own range these are its entries and, before it is added, those covering it.
void Fib4::Impl::cover_with(const Prefix4& p, Cover with) noexcept {
    const uint32_t first = p.address.value >> kRootBits;
    for (uint32_t i = first; i < first + (1U << (kRootBits - p.length)); ++i) {
        if (covers[i].length > p.length) continue;
        covers[i] = with;
        rebuild(i);
    }
}

Fib4::Impl::Cover Fib4::Impl::covering(const Prefix4& p) const noexcept {
    for (uint8_t length = p.length; length-- > 0;) {
        const auto found = shorter[length].find(p.address.value & Prefix4::mask(length));
        if (found != shorter[length].end()) return {found->second, length};
    }
    return {};
}

Fib4::Value Fib4::Impl::set_short(const Prefix4& p, Value value) {
    const auto content = static_cast<FibContent>(value);
    const auto [at, added] = shorter[p.length].try_emplace(p.address.value, content);
    const Value before = added ? kNone : std::exchange(at->second, content);
    if (added) ++prefixes;
    cover_with(p, {content, p.length});
    return before;
}

Fib4::Value Fib4::Impl::remove_short(const Prefix4& p) {
    const auto found = shorter[p.length].find(p.address.value);
    if (found == shorter[p.length].end()) return kNone;
    const Value before = found->second;
    shorter[p.length].erase(found);
    --prefixes;
    cover_with(p, covering(p));
    return before;
}

// --- Longer ones ---
Fib4::Value Fib4::Impl::set_long(const Prefix4& p, Value value) {
    const uint32_t index = p.address.value >> kRootBits;
    Value before;
    try {
        FibStride& stride = longer[index].stride_of(p);
        before = stride.set(part_of(p, value));
        stride.base = FibStride::kStale;
    } catch (...) {
        // What was made for it and holds nothing.
        const auto found = longer.find(index);
        if (found == longer.end()) throw;
        std::erase_if(found->second.longer, [](const auto& s) { return s.second.empty(); });
        if (found->second.empty()) longer.erase(found);
        throw;
    }
    if (before == kNone) ++prefixes;
    rebuild(index);
    return before;
}

Fib4::Value Fib4::Impl::remove_long(const Prefix4& p) {
    const uint32_t index = p.address.value >> kRootBits;
    const auto found = longer.find(index);
    if (found == longer.end()) return kNone;
    Slash16& s = found->second;
    if (ends_below_24(p) && !s.longer.contains(slot_in_16(p.address))) return kNone;
    FibStride& stride = s.stride_of(p);
    const Value before = stride.remove(part_of(p, kNone));
    if (before == kNone) return kNone;
    stride.base = FibStride::kStale;
    --prefixes;
    rebuild(index);
    return before;
}

// --- What others call ---
Fib4::Fib4(Rcu& rcu, size_t most_bytes) : impl_(std::make_unique<Impl>(rcu, most_bytes)) {}
Fib4::~Fib4() = default;

Fib4::Value Fib4::set(const Prefix4& prefix, Value value) {
    assert(value != kNone && value <= kMostValue);
    assert(prefix.length <= 32 && prefix == prefix.network());
    const Impl::Need need = impl_->need_of(prefix);
    impl_->pool.reclaim();
    impl_->pool.require(kKeptForRemoval + need.bytes, need.chunks);
    return prefix.length <= kRootBits ? impl_->set_short(prefix, value)
                                      : impl_->set_long(prefix, value);
}

Fib4::Value Fib4::remove(const Prefix4& prefix) {
    assert(prefix.length <= 32 && prefix == prefix.network());
    const Impl::Need need = impl_->need_of(prefix);
    impl_->pool.reclaim();
    impl_->pool.require(need.bytes, need.chunks);
    return prefix.length <= kRootBits ? impl_->remove_short(prefix) : impl_->remove_long(prefix);
}

// Reclaims first, so that an idle table does not show chunks as waiting that no longer do.
Fib4::Stats Fib4::stats() const noexcept {
    ChunkPool& pool = impl_->pool;
    pool.reclaim();
    return {.prefixes = impl_->prefixes,
            .chunks = pool.linked(),
            .chunks_waiting = pool.waiting(),
            .bytes = kRootEntries * sizeof(RootEntry) + pool.bytes_taken()};
}

// A level for all before the next level for any, and each asked for before it is needed: the cache
// misses of all of them are waited for together.
void Fib4::lookup(std::span<const Ip4> destinations, std::span<Value> values) const noexcept {
    const RootEntry* const root = impl_->root.get();
    const std::byte* const chunks = impl_->pool.at();
    const auto chunk_at = [chunks](uint32_t number) {
        return FibChunk(chunks + size_t{number & ~kChunkBit} * ChunkPool::kUnit);
    };
    std::array<FibContent, kLookupAtOnce> at_root;
    std::array<const FibContent*, kLookupAtOnce> contents;
    for (size_t from = 0; from < destinations.size(); from += kLookupAtOnce) {
        const size_t n = std::min(kLookupAtOnce, destinations.size() - from);
        const Ip4* const to = &destinations[from];
        Value* const found = &values[from];
        for (size_t i = 0; i < n; ++i) {
            found[i] = root[to[i].value >> kRootBits].load(std::memory_order_acquire);
            rte_prefetch0(chunk_at(found[i]).at());
        }
        for (size_t i = 0; i < n; ++i) {
            at_root[i] = static_cast<FibContent>(found[i]);
            contents[i] =
                is_chunk(found[i]) ? chunk_at(found[i]).content_of(slot_in_16(to[i])) : &at_root[i];
            rte_prefetch0(contents[i]);
        }
        for (size_t i = 0; i < n; ++i) {
            const FibContent content = *contents[i];
            if ((content & kRefined) != 0) [[unlikely]] {
                const uint32_t number = chunk_at(found[i]).refining(content);
                found[i] = *chunk_at(number).content_of(to[i].value & 0xff);
            } else {
                found[i] = content;
            }
        }
    }
}

Fib4::Value Fib4::lookup(Ip4 destination) const noexcept {
    Value value;
    lookup({&destination, 1}, {&value, 1});
    return value;
}

}  // namespace vethway
