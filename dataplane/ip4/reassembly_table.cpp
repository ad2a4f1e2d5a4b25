// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ip4/reassembly_table.h"

#include <algorithm>
#include <mutex>
#include <random>

#include "dataplane/meta.h"

namespace vethway {

namespace {

// What a fragment keeps from others: its buffers, not its bytes (Linux counts truesize).
size_t memory_of(const rte_mbuf& m) noexcept {
    size_t bytes = 0;
    for (const rte_mbuf* s = &m; s != nullptr; s = s->next)
        bytes += sizeof(rte_mbuf) + sizeof(PacketMeta) + s->buf_len;
    return bytes;
}

// So that nobody can choose ids that meet in one bucket.
uint64_t random_seed() {
    std::random_device device;
    return uint64_t{device()} << 32 | device();
}

}  // namespace

FragmentSpan fragment_span(const Ip4Header& ip) noexcept {
    const uint32_t begin = (ip.fragment & Ip4Header::kOffsetMask) * 8U;
    const auto bytes = static_cast<uint32_t>(ip.total_length - ip.header_bytes());
    const bool is_last = (ip.fragment & Ip4Header::kMoreFragments) == 0;
    return {begin, begin + (is_last ? bytes : bytes & ~7U), is_last};
}

ReassemblyTable::Key ReassemblyTable::key_of(const Ip4Header& ip) noexcept {
    return {.src = ip.src, .dst = ip.dst, .id = ip.id, .protocol = ip.protocol};
}

ReassemblyTable::ReassemblyTable(uint32_t max_fragments, uint64_t hz)
    : max_fragments_(max_fragments),
      hz_(hz),
      seed_(random_seed()),
      datagrams_(std::make_unique_for_overwrite<Datagram[]>(kMaxDatagrams)) {
    buckets_.fill(kNone);
    for (unsigned i = 0; i < kMaxDatagrams; ++i)
        datagrams_[i].younger = static_cast<uint16_t>(i + 1 < kMaxDatagrams ? i + 1 : kNone);
}

uint64_t ReassemblyTable::mix(const Key& key) const noexcept {
    uint64_t x = (uint64_t{key.src} << 32 | key.dst) ^ seed_;
    x = (x ^ (x >> 33)) * 0xff51afd7ed558ccd;  // MurmurHash3's finalizer
    x ^= uint64_t{key.id} << 8 | key.protocol;
    x = (x ^ (x >> 33)) * 0xc4ceb9fe1a85ec53;
    return x ^ (x >> 33);
}

// The oldest expires first: all have the same time.
void ReassemblyTable::link_youngest(Datagram& d) noexcept {
    d.older = youngest_;
    d.younger = kNone;
    (youngest_ == kNone ? oldest_ : datagrams_[youngest_].younger) = index_of(d);
    youngest_ = index_of(d);
}

void ReassemblyTable::unlink_age(Datagram& d) noexcept {
    (d.older == kNone ? oldest_ : datagrams_[d.older].younger) = d.younger;
    (d.younger == kNone ? youngest_ : datagrams_[d.younger].older) = d.older;
}

ReassemblyTable::Datagram* ReassemblyTable::find(const Key& key) noexcept {
    for (uint16_t i = buckets_[mix(key) % kBuckets]; i != kNone; i = datagrams_[i].next_in_bucket)
        if (datagrams_[i].key == key) return &datagrams_[i];
    return nullptr;
}

ReassemblyTable::Datagram* ReassemblyTable::find_or_add(const Key& key, uint64_t now) noexcept {
    if (Datagram* const known = find(key)) return known;
    if (free_ == kNone) return nullptr;
    uint16_t& bucket = buckets_[mix(key) % kBuckets];
    Datagram& d = datagrams_[free_];
    free_ = d.younger;
    d.key = key;
    d.expires = now + timeout_.load(std::memory_order_relaxed);
    d.length = d.gathered = d.seen_of_source = 0;
    d.runs = 0;
    d.has_last = false;
    d.next_in_bucket = bucket;
    bucket = index_of(d);
    link_youngest(d);
    return &d;
}

void ReassemblyTable::remove(Datagram& d) noexcept {
    uint16_t* at = &buckets_[mix(d.key) % kBuckets];
    while (*at != index_of(d)) at = &datagrams_[*at].next_in_bucket;
    *at = d.next_in_bucket;
    unlink_age(d);
    d.younger = free_;
    free_ = index_of(d);
}

// Its fragments, in order; it has none then, and begins anew.
void ReassemblyTable::take(Datagram& d, PacketList& out) noexcept {
    uint32_t count = 0;
    for (unsigned i = 0; i < d.runs; ++i) {
        rte_mbuf* const end = d.run[i].tail;
        for (rte_mbuf *m = d.run[i].head, *next = nullptr;; m = next) {
            next = meta(*m).next_held;
            bytes_ -= memory_of(*m);
            ++count;
            out.push(m);
            if (m == end) break;
        }
    }
    d.runs = 0;
    d.length = d.gathered = 0;
    d.has_last = false;
    fragments_.store(held() - count, std::memory_order_relaxed);
}

uint32_t& ReassemblyTable::seen_of(const Key& key) noexcept {
    return seen_[mix({.src = key.src, .dst = 0, .id = 0, .protocol = 0}) % kSources];
}

// ip_frag_too_far(): so many others of the source's came since the last of this datagram that its
// id may by now mean another one.
bool ReassemblyTable::is_too_far(Datagram& d) noexcept {
    const uint32_t before = d.seen_of_source;
    d.seen_of_source = ++seen_of(d.key);
    return d.runs > 0 && d.seen_of_source - before > kMaxDistance;
}

// The beginning of ip_frag_queue(): two ends, bytes behind the end, or no bytes at all.
Drop ReassemblyTable::check_length(uint32_t& length, bool& has_last,
                                   const FragmentSpan& at) noexcept {
    if (at.is_last) {
        if (at.end < length || (has_last && at.end != length)) return Drop::fragment_malformed;
        has_last = true;
        length = at.end;
    } else if (at.end > length) {
        if (has_last) return Drop::fragment_malformed;
        length = at.end;
    }
    return at.size() == 0 ? Drop::fragment_malformed : Drop::none;
}

// inet_frag_queue_insert(): a fragment twice is one within a run.
Drop ReassemblyTable::check_place(const Datagram& d, const FragmentSpan& at) noexcept {
    const Run* const end = d.run.data() + d.runs;
    const Run* const next =
        std::partition_point(d.run.data(), end, [&](const Run& r) { return r.end <= at.begin; });
    if (next != end && next->begin < at.end)
        return at.begin >= next->begin && at.end <= next->end ? Drop::fragment_duplicate
                                                              : Drop::fragment_overlap;
    const bool is_run = d.runs == 0 || at.begin != end[-1].end;
    return is_run && d.runs == kMaxRuns ? Drop::fragment_limit : Drop::none;
}

// Behind check_place(). What fits to the last run's end becomes part of it, as is usual; anything
// else is a run of its own, so runs may be neighbours.
void ReassemblyTable::insert(Datagram& d, rte_mbuf& m, const FragmentSpan& at) noexcept {
    Run* const end = d.run.data() + d.runs;
    if (d.runs > 0 && at.begin == end[-1].end) {
        Run& last = end[-1];
        meta(*last.tail).next_held = &m;
        last.tail = &m;
        last.end = at.end;
        return;
    }
    Run* const next =
        std::partition_point(d.run.data(), end, [&](const Run& r) { return r.end <= at.begin; });
    std::copy_backward(next, end, end + 1);
    *next = {at.begin, at.end, &m, &m};
    ++d.runs;
}

bool ReassemblyTable::has_any(const Datagram& d, const std::function<bool(rte_mbuf&)>& is_such) {
    for (unsigned i = 0; i < d.runs; ++i)
        for (rte_mbuf* m = d.run[i].head;; m = meta(*m).next_held) {
            if (is_such(*m)) return true;
            if (m == d.run[i].tail) break;
        }
    return false;
}

ReassemblyTable::Result ReassemblyTable::add(rte_mbuf& m, uint64_t now) noexcept {
    const Ip4Header& ip = ip4(m);
    const FragmentSpan at = fragment_span(ip);
    Result result{Fate::refused, Drop::fragment_limit, {}};
    const std::lock_guard guard(lock_);
    if (bytes_ > kMaxBytes || held() >= max_fragments_) return result;
    Datagram* const d = find_or_add(key_of(ip), now);
    if (d == nullptr) return result;
    if (is_too_far(*d)) {
        take(*d, result.fragments);
        unlink_age(*d);
        d->expires = now + timeout_.load(std::memory_order_relaxed);
        link_youngest(*d);
    }
    Drop why = check_length(d->length, d->has_last, at);
    if (why == Drop::none) why = check_place(*d, at);
    if (why == Drop::none) {
        insert(*d, m, at);
        fragments_.store(held() + 1, std::memory_order_relaxed);
        bytes_ += memory_of(m);
        d->gathered += at.size();
        result.fate = Fate::held;
        if (!d->has_last || d->gathered != d->length) return result;
        result.fate = Fate::complete;
    } else {
        result.why = why;
        if (why == Drop::fragment_duplicate || why == Drop::fragment_limit) return result;
    }
    take(*d, result.fragments);
    remove(*d);
    return result;
}

Drop ReassemblyTable::would_refuse(rte_mbuf& m) noexcept {
    const Ip4Header& ip = ip4(m);
    const Key key = key_of(ip);
    const FragmentSpan at = fragment_span(ip);
    const std::lock_guard guard(lock_);
    if (bytes_ > kMaxBytes || held() >= max_fragments_) return Drop::fragment_limit;
    const Datagram* const d = find(key);
    if (d == nullptr && free_ == kNone) return Drop::fragment_limit;
    const bool begins_anew =
        d == nullptr || (d->runs > 0 && seen_of(key) + 1 - d->seen_of_source > kMaxDistance);
    uint32_t length = begins_anew ? 0 : d->length;
    bool has_last = !begins_anew && d->has_last;
    const Drop why = check_length(length, has_last, at);
    return why != Drop::none || begins_anew ? why : check_place(*d, at);
}

PacketList ReassemblyTable::take_if(const std::function<bool(rte_mbuf&)>& is_such) {
    PacketList out;
    const std::lock_guard guard(lock_);
    for (uint16_t i = oldest_, next = kNone; i != kNone; i = next) {
        Datagram& d = datagrams_[i];
        next = d.younger;
        if (!has_any(d, is_such)) continue;
        take(d, out);
        remove(d);
    }
    return out;
}

PacketList ReassemblyTable::take_expired(uint64_t now) noexcept {
    PacketList out;
    const std::lock_guard guard(lock_);
    while (oldest_ != kNone && datagrams_[oldest_].expires <= now) {
        Datagram& d = datagrams_[oldest_];
        take(d, out);
        remove(d);
    }
    return out;
}

}  // namespace vethway
