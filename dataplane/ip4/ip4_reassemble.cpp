// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ip4/ip4_reassemble.h"

#include <algorithm>
#include <optional>

#include "dataplane/context.h"
#include "dataplane/net/checksum.h"
#include "dataplane/offload/segment.h"

namespace vethway {

namespace {

// What the fragments' headers say together.
struct Whole {
    size_t total_length;
    uint8_t ecn;
    bool dont_fragment;
    unsigned fragments;
};

// RFC 3168 5.3 as Linux ip_frag_ecn_table has it: congestion met by one was met by all, and a
// datagram is of one mind about being capable of ECN. `seen`: a bit for each of the four values.
std::optional<uint8_t> joined_ecn(unsigned seen) noexcept {
    constexpr unsigned kNotCapable = 1, kCongested = 8;
    if ((seen & kNotCapable) != 0)
        return seen == kNotCapable ? std::optional<uint8_t>(0) : std::nullopt;
    return (seen & kCongested) != 0 ? uint8_t{3} : uint8_t{0};
}

// Nothing: no host may have sent this. `first` begins the list by meta().next_held.
std::optional<Whole> whole_of(rte_mbuf* first) noexcept {
    size_t bytes = ip4(*first).header_bytes();
    unsigned ecn_seen = 0, fragments = 0;
    size_t largest = 0, largest_kept_whole = 0;
    for (rte_mbuf* m = first; m != nullptr; m = meta(*m).next_held, ++fragments) {
        const Ip4Header& ip = ip4(*m);
        const size_t size = fragment_span(ip).size();
        bytes += size;
        ecn_seen |= 1U << (ip.tos & 3);
        largest = std::max(largest, size + ip.header_bytes());
        if (ip.dont_fragment())
            largest_kept_whole = std::max(largest_kept_whole, size + ip.header_bytes());
    }
    const auto ecn = joined_ecn(ecn_seen);
    if (!ecn || bytes > UINT16_MAX) return std::nullopt;
    return Whole{bytes, *ecn, largest_kept_whole == largest, fragments};
}

void copy_part(const rte_mbuf& from, size_t offset, size_t bytes, rte_mbuf& to,
               size_t at) noexcept {
    for (rte_mbuf* s = &to; s != nullptr && bytes > 0; s = s->next) {
        const size_t skipped = std::min<size_t>(at, s->data_len);
        const size_t n = std::min(bytes, s->data_len - skipped);
        copy_out(from, offset, {rte_pktmbuf_mtod_offset(s, std::byte*, skipped), n});
        at -= skipped;
        offset += n;
        bytes -= n;
    }
}

// Its options are those of the first fragment (RFC 791 3.2).
rte_mbuf* make_whole(Context& c, rte_mbuf& first, rte_mbuf& last_come,
                     const Whole& whole) noexcept {
    rte_mbuf* m = c.allocate(meta(last_come).port, sizeof(EtherHeader) + whole.total_length);
    if (m == nullptr) return nullptr;
    PacketMeta& packet = meta(*m);
    packet.own = false;
    packet.link_group = meta(first).link_group;
    packet.route = meta(last_come).route;
    packet.l3_offset = sizeof(EtherHeader);
    ether(*m) = {.dst = ether(first).dst, .src = ether(first).src, .type = kEtherTypeIp4};
    const size_t header = ip4(first).header_bytes();
    size_t at = sizeof(EtherHeader);
    copy_part(first, meta(first).l3_offset, header, *m, at);
    at += header;
    for (rte_mbuf* f = &first; f != nullptr; f = meta(*f).next_held) {
        const size_t bytes = fragment_span(ip4(*f)).size();
        copy_part(*f, meta(*f).l3_offset + ip4(*f).header_bytes(), bytes, *m, at);
        at += bytes;
    }
    Ip4Header& ip = ip4(*m);
    ip.total_length = static_cast<uint16_t>(whole.total_length);
    ip.tos |= whole.ecn;
    ip.fragment = whole.dont_fragment ? Ip4Header::kDontFragment : uint16_t{0};
    ip.checksum = 0;
    ip.checksum = internet_checksum(l3_bytes(*m).first(header));
    return m;
}

void take_up(Context& c, rte_mbuf* m) noexcept {
    c.counters.taken_up(1);
    c.tracer.taken_up(m);
}

void give_up(Context& c, PacketList& held, Drop why) noexcept {
    while (rte_mbuf* m = held.pop()) {
        take_up(c, m);
        c.drops.add(m, why);
    }
}

// `last_come` is one of them, and the packet's cause.
rte_mbuf* join(Context& c, PacketList& fragments, rte_mbuf* last_come) noexcept {
    c.counters.held(1);  // as the others are, for a moment
    const auto whole = whole_of(fragments.front());
    rte_mbuf* const m = whole ? make_whole(c, *fragments.front(), *last_come, *whole) : nullptr;
    if (m == nullptr) {
        give_up(c, fragments, whole ? Drop::no_buffer : Drop::fragment_malformed);
        return nullptr;
    }
    c.originated(m, Originated::reassembled, last_come);
    c.note(m, Step::reassembled, whole->fragments, static_cast<uint32_t>(whole->total_length));
    while (rte_mbuf* f = fragments.pop()) {
        take_up(c, f);
        c.consumed(f, Consumed::reassembled);
        c.drops.free(f);
    }
    return m;
}

void would_hold(Context& c, rte_mbuf* m) noexcept {
    if (const Drop why = c.reassembly.would_refuse(*m); why != Drop::none)
        c.drops.add(m, why);
    else
        c.drops.free(m);
}

// The datagram, if it is whole now.
rte_mbuf* collect(Context& c, rte_mbuf* m) noexcept {
    show_as_on_wire(*m);
    const FragmentSpan at = fragment_span(ip4(*m));
    // Before, since the packet is anybody's once it is held.
    c.note(m, Step::collected, at.begin, at.end);
    if (c.dry) {
        would_hold(c, m);
        return nullptr;
    }
    ReassemblyTable::Result result = c.reassembly.add(*m, c.now);
    if (result.fate == ReassemblyTable::Fate::complete) return join(c, result.fragments, m);
    give_up(c, result.fragments, result.why);
    if (result.fate == ReassemblyTable::Fate::held)
        c.counters.held(1);
    else
        c.drops.add(m, result.why);
    return nullptr;
}

}  // namespace

void ip4_reassemble(Context& c, Burst& in, Burst& out) noexcept {
    for (rte_mbuf* m : in) {
        rte_mbuf* const whole = ip4(*m).is_fragment() ? collect(c, m) : m;
        if (whole != nullptr) out.push(whole);
    }
    in.clear();
}

}  // namespace vethway
