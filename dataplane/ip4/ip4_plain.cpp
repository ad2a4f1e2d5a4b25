// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ip4/ip4_plain.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "dataplane/context.h"
#include "dataplane/ip4/ip4_straight.h"
#include "dataplane/net/checksum.h"

namespace vethway {

namespace {

constexpr uint16_t kL3 = sizeof(EtherHeader);

// An Ethernet header as two words of eight bytes: the destination with what follows, and the
// source with the type.
struct EtherWords {
    uint64_t to, from;
    static constexpr uint64_t kAddress =
        std::bit_cast<uint64_t>(std::array<uint8_t, 8>{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0});

    explicit EtherWords(const EtherHeader& eth) noexcept {
        std::memcpy(&to, &eth, sizeof to);
        std::memcpy(&from, reinterpret_cast<const std::byte*>(&eth) + offsetof(EtherHeader, src),
                    sizeof from);
    }
};

// Ip4::is_host() by the first byte, which says it all.
constexpr auto kIsHost = [] {
    std::array<bool, 256> is{};
    for (uint32_t first = 0; first < is.size(); ++first) is[first] = Ip4{first << 24}.is_host();
    return is;
}();
bool are_hosts(Ip4 a, Ip4 b) noexcept { return kIsHost[a.value >> 24] & kIsHost[b.value >> 24]; }

class PlainIp4 {
public:
    PlainIp4(const Snapshot& snap, const PortState& port) noexcept
        : ours_({.dst = port.mac, .src = port.mac, .type = kEtherTypeIp4}),
          offloads_(port.offloads),
          own_(snap.own) {}

    bool is(rte_mbuf& m) const noexcept {
        if (m.data_len < kL3 + sizeof(Ip4Header)) return false;
        const Ip4Header& ip = plain_ip4(m);
        return is_for_us(EtherWords(ether(m))) && is_right(ip, m.pkt_len) &&
               !own_.has(Ip4{ip.src}) && (!offloads_ || leaves_header_alone(m));
    }

private:
    // IPv4 to the port's address, from another.
    bool is_for_us(const EtherWords& eth) const noexcept {
        const uint64_t to = eth.to ^ ours_.to, from = eth.from ^ ours_.from;
        return (to & EtherWords::kAddress) == 0 && (from & ~EtherWords::kAddress) == 0 && from != 0;
    }
    static bool is_right(const Ip4Header& ip, size_t frame_size) noexcept {
        const size_t total = ip.total_length;
        return !ip.has_options() && total >= sizeof ip && kL3 + total <= frame_size &&
               is_checksum_right(ip) && are_hosts(Ip4{ip.src}, Ip4{ip.dst});
    }
    // What the sender left to the device is behind the IP header.
    static bool leaves_header_alone(rte_mbuf& m) noexcept {
        const Offload& o = meta(m).offload;
        return !o.is_pending() || o.checksum_start >= m.data_off + kL3 + sizeof(Ip4Header);
    }

    const EtherWords ours_;
    const bool offloads_;
    const OwnAddresses& own_;
};

// How many of these are not. Out of line, for the sake of those that are.
[[gnu::noinline]] uint16_t count_others(const PlainIp4& plain, rte_mbuf** at,
                                        rte_mbuf** end) noexcept {
    return static_cast<uint16_t>(std::find_if(at, end, [&](rte_mbuf* m) { return plain.is(*m); }) -
                                 at);
}

// Ethernet pads.
void trim_padding(rte_mbuf& m) noexcept {
    const size_t end = kL3 + plain_ip4(m).total_length;
    if (end != m.pkt_len) trim_frame(m, end);
}

}  // namespace

void ip4_plain(Context& c, Burst& rx, Ip4PlainOutputs out) noexcept {
    if (rx.empty()) return;
    const PlainIp4 plain(c.snap(), c.port(meta(*rx[0]).port));
    std::array<Ip4, kBurst> to;
    uint16_t n = 0;
    for (const auto most = std::min(rx.size(), kBurst); n < most; ++n) {
        rte_mbuf* const m = rx[n];
        if (!plain.is(*m)) [[unlikely]]
            break;
        trim_padding(*m);
        to[n] = Ip4{plain_ip4(*m).dst};
    }
    const auto found = std::span(rx.begin(), n);
    uint16_t stay = n;
    if (!c.tracer.active() && out.checked.empty()) [[likely]]
        stay = ip4_straight(c, found, to, out.errors);
    for (rte_mbuf* m : found.first(stay)) {
        note_plain(meta(*m));
        c.note(m, Step::classified, kEtherTypeIp4, 0);
    }
    out.checked.append(found.first(stay));
    if (n == rx.size()) [[likely]]
        return rx.clear();
    rte_mbuf** at = rx.begin() + n;
    for (uint16_t others = count_others(plain, at, rx.end()); others > 0; --others)
        out.other.push(*at++);
    rx.drop_first(static_cast<uint16_t>(at - rx.begin()));
}

}  // namespace vethway
