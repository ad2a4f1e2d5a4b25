// SPDX-License-Identifier: Apache-2.0
// Fragments of datagrams to the switch, until all of a datagram are here (RFC 791 3.2, RFC
// 1122 3.3.2), by the rules of Linux net/ipv4/ip_fragment.c and inet_fragment.c: what overlaps
// ends the whole datagram, what comes twice is left out.
//
// One for all workers, since fragments of one datagram may come to several: behind a lock that is
// taken for fragments to the switch only, and held for a bounded time.
#pragma once

#include <rte_mbuf.h>
#include <rte_pause.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include "dataplane/drop.h"
#include "dataplane/net/headers.h"
#include "dataplane/packet_list.h"

namespace vethway {

// Where in its datagram a fragment's bytes belong. Of one that is not the last, what exceeds a
// multiple of eight is left out.
struct FragmentSpan {
    uint32_t begin, end;
    bool is_last;

    constexpr uint32_t size() const noexcept { return end - begin; }
};
FragmentSpan fragment_span(const Ip4Header& ip) noexcept;

class ReassemblyTable {
public:
    static constexpr size_t kMaxBytes = size_t{4} << 20;  // ipfrag_high_thresh, in whole mbufs
    static constexpr uint32_t kMaxDistance = 64;          // ipfrag_max_dist
    static constexpr unsigned kMaxDatagrams = 1024;
    static constexpr unsigned kMaxRuns = 128;  // of one datagram: pieces with gaps between them

    // `max_fragments`: of all datagrams. `hz`: of the TSC.
    ReassemblyTable(uint32_t max_fragments, uint64_t hz);

    // Control thread: how long those wait that come from now on (net.ipv4.ipfrag_time; 30 s unless
    // it is said).
    void set_timeout(uint32_t seconds) noexcept {
        timeout_.store(seconds * hz_, std::memory_order_relaxed);
    }

    enum class Fate : uint8_t { held, complete, refused };
    struct Result {
        Fate fate;
        Drop why;  // what `fragments` are given up for, and `m`, where it is refused
        // complete: the whole datagram in order, `m` in it; else what is held no longer.
        PacketList fragments;
    };
    // Worker: a fragment behind ip4_input. Once held it is anybody's.
    Result add(rte_mbuf& m, uint64_t now) noexcept;
    // Control thread: what add() would refuse `m` for; Drop::none where it would not.
    Drop would_refuse(rte_mbuf& m) noexcept;

    // Control thread: all fragments of datagrams whose time is over.
    PacketList take_expired(uint64_t now) noexcept;
    // Control thread: all fragments of datagrams that have one such.
    PacketList take_if(const std::function<bool(rte_mbuf&)>& is_such);
    // Control thread: all fragments.
    PacketList take_all() noexcept { return take_expired(UINT64_MAX); }
    // Any thread: how many are held.
    uint32_t held() const noexcept { return fragments_.load(std::memory_order_relaxed); }

private:
    static constexpr uint16_t kNone = UINT16_MAX;
    static constexpr size_t kBuckets = 1024, kSources = 4096;

    struct Key {
        uint32_t src, dst;
        uint16_t id;
        uint8_t protocol;
        friend bool operator==(const Key&, const Key&) = default;
    };
    // Neighbouring fragments that came in order, linked by meta().next_held.
    struct Run {
        uint32_t begin, end;
        rte_mbuf *head, *tail;
    };
    struct Datagram {
        Key key;
        uint64_t expires;
        uint32_t length;    // as far as is known
        uint32_t gathered;  // bytes
        uint32_t seen_of_source;
        uint16_t runs;
        bool has_last;
        uint16_t next_in_bucket, older, younger;
        std::array<Run, kMaxRuns> run;  // by place
    };
    class Lock {
    public:
        void lock() noexcept {
            while (flag_.test_and_set(std::memory_order_acquire)) rte_pause();
        }
        void unlock() noexcept { flag_.clear(std::memory_order_release); }

    private:
        std::atomic_flag flag_;
    };

    static Key key_of(const Ip4Header& ip) noexcept;
    uint64_t mix(const Key& key) const noexcept;
    Datagram* find(const Key& key) noexcept;
    Datagram* find_or_add(const Key& key, uint64_t now) noexcept;
    void remove(Datagram& d) noexcept;
    void link_youngest(Datagram& d) noexcept;
    void unlink_age(Datagram& d) noexcept;
    uint32_t& seen_of(const Key& key) noexcept;
    bool is_too_far(Datagram& d) noexcept;
    static Drop check_length(uint32_t& length, bool& has_last, const FragmentSpan& at) noexcept;
    static Drop check_place(const Datagram& d, const FragmentSpan& at) noexcept;
    static void insert(Datagram& d, rte_mbuf& m, const FragmentSpan& at) noexcept;
    void take(Datagram& d, PacketList& out) noexcept;
    static bool has_any(const Datagram& d, const std::function<bool(rte_mbuf&)>& is_such);
    uint16_t index_of(const Datagram& d) const noexcept {
        return static_cast<uint16_t>(&d - datagrams_.get());
    }

    const uint32_t max_fragments_;
    const uint64_t hz_;
    std::atomic<uint64_t> timeout_{30 * hz_};  // of the TSC
    const uint64_t seed_;
    Lock lock_;
    std::unique_ptr<Datagram[]> datagrams_;
    std::array<uint16_t, kBuckets> buckets_;
    std::array<uint32_t, kSources> seen_{};  // fragments of sources, by hash
    uint16_t free_ = 0, oldest_ = kNone, youngest_ = kNone;
    size_t bytes_ = 0;
    std::atomic<uint32_t> fragments_{0};
};

}  // namespace vethway
