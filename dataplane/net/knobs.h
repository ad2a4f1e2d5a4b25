// SPDX-License-Identifier: Apache-2.0
// What can be set of IPv4, named and meant as in Linux (Documentation/networking/ip-sysctl.rst), of
// whose routers the defaults are: one row a knob. The configuration, the API, the command and what
// workers read are all made from these rows.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>

namespace vethway {

// What a knob can be. Every value is a number; some are written as words.
struct KnobValues {
    enum class Kind : uint8_t { boolean, words, listed, range };
    Kind kind = Kind::boolean;
    std::array<const char*, 4> words{};  // of 0, 1, …
    uint32_t least = 0, most = 1;        // listed: of 0 to 31
    uint32_t listed = 0;                 // a bit each

    constexpr bool has(uint32_t value) const noexcept {
        return value >= least && value <= most &&
               (kind != Kind::listed || (listed >> value & 1) != 0);
    }
};
inline constexpr KnobValues kTrueOrFalse{};
constexpr KnobValues words_of(std::initializer_list<const char*> words) noexcept {
    KnobValues values{.kind = KnobValues::Kind::words,
                      .most = static_cast<uint32_t>(words.size() - 1)};
    size_t i = 0;
    for (const char* word : words) values.words[i++] = word;
    return values;
}
constexpr KnobValues numbers_of(std::initializer_list<uint32_t> numbers) noexcept {
    KnobValues values{.kind = KnobValues::Kind::listed, .most = 0};
    for (const uint32_t n : numbers) {
        values.listed |= 1U << n;
        values.most = n > values.most ? n : values.most;
    }
    return values;
}
constexpr KnobValues from_to(uint32_t least, uint32_t most) noexcept {
    return {.kind = KnobValues::Kind::range, .least = least, .most = most};
}

// clang-format off
// Of a port: net.ipv4.conf.PORT. There is no "all" beside them: a port's own value is the one that
// counts, and `defaults` is for those that say nothing.
#define PORT_KNOBS(X) \
    X(rp_filter, words_of({"off", "strict", "loose"}), 0, \
      "Whether the way back to a packet's source is checked (RFC 3704).") \
    X(accept_local, kTrueOrFalse, 0, \
      "Whether to take packets whose source is an address of ours.") \
    X(accept_source_route, kTrueOrFalse, 0, \
      "Whether packets go the way that their sender has written into them.") \
    X(send_redirects, kTrueOrFalse, 1, \
      "Whether a host is told by ICMP redirect of a gateway on its own link.") \
    X(shared_media, kTrueOrFalse, 1, \
      "Whether it is told, too, when host and gateway are in different subnets of the port.") \
    X(accept_redirects, kTrueOrFalse, 0, \
      "Whether a gateway is believed that names a better one for packets of the switch itself.") \
    X(secure_redirects, kTrueOrFalse, 1, \
      "Whether the better one must be a gateway of some route, where shared_media is false.") \
    X(bc_forwarding, kTrueOrFalse, 0, \
      "Whether packets to the broadcast address of a subnet are forwarded.") \
    X(arp_ignore, numbers_of({0, 1, 2, 3, 8}), 0, \
      "Which addresses of ours ARP answers for: 0 and 3 all, 1 the port's, 2 the port's that share a subnet with who asks, 8 none.") \
    X(arp_filter, kTrueOrFalse, 0, \
      "Whether ARP answers only those to whom the port is the way.") \
    X(arp_announce, numbers_of({0, 1, 2}), 0, \
      "Which address ARP asks from: 0 the packet's own source, 1 that if it shares a subnet with the target, 2 the best of the port.") \
    X(arp_accept, numbers_of({0, 1, 2}), 0, \
      "Whether ARP learns from who was not asked: 0 no, 1 yes, 2 only addresses in a subnet of the port.") \
    X(drop_gratuitous_arp, kTrueOrFalse, 0, \
      "Whether gratuitous ARP is not believed.") \
    X(arp_notify, kTrueOrFalse, 0, \
      "Whether the port's addresses are told by gratuitous ARP when they or the port come up.") \
    X(proxy_arp, kTrueOrFalse, 0, \
      "Whether ARP answers for what is routed by another port.") \
    X(proxy_arp_pvlan, kTrueOrFalse, 0, \
      "Whether ARP answers for what is routed by the same port.")

// Of the router as a whole: net.ipv4.
#define IP4_KNOBS(X) \
    X(ip_default_ttl, from_to(1, 255), 64, \
      "The TTL of packets that the switch itself sends.") \
    X(icmp_echo_ignore_all, kTrueOrFalse, 0, \
      "Whether echo requests to the switch go unanswered.") \
    X(icmp_echo_ignore_broadcasts, kTrueOrFalse, 1, \
      "Whether echo and timestamp requests to broadcast addresses and 224.0.0.1 go unanswered.") \
    X(icmp_ratelimit, from_to(0, INT32_MAX), 1000, \
      "Milliseconds from one limited ICMP message to a host to the next, of which six are saved up; 0: no limit.") \
    X(icmp_ratemask, from_to(0, UINT32_MAX), 6168, \
      "The types of ICMP that are limited, a bit each: 6168 is 3, 4, 11 and 12.") \
    X(icmp_msgs_per_sec, from_to(0, INT32_MAX), 1000, \
      "Limited ICMP messages a second, to all hosts together.") \
    X(icmp_msgs_burst, from_to(0, INT32_MAX), 50, \
      "How many of those may be sent at once.") \
    X(icmp_errors_use_inbound_ifaddr, kTrueOrFalse, 0, \
      "Whether ICMP errors come from an address of the port by which their cause came, not of the way out.") \
    X(ipfrag_time, from_to(1, 3600), 30, \
      "Seconds that the fragments of a datagram to the switch wait for the others.") \
    X(ip_no_pmtu_disc, from_to(0, 3), 0, \
      "What becomes of \"fragmentation needed\" about packets of the switch: 0 heeded, 1 taken as min_pmtu, 2 and 3 not heard.") \
    X(min_pmtu, from_to(68, 65535), 552, \
      "The least MTU that a path is believed to have (net.ipv4.route).") \
    X(mtu_expires, from_to(1, 86400), 600, \
      "Seconds that the MTU of a path is remembered (net.ipv4.route).")
// clang-format on

struct KnobInfo {
    const char* name;
    KnobValues values;
    uint32_t initial;
    const char* help;
};

#define KNOB_NAME(name, values, initial, help) name,
#define KNOB_ROW(name, values, initial, help) KnobInfo{#name, values, initial, help},
enum class PortKnob : uint8_t { PORT_KNOBS(KNOB_NAME) };
enum class Ip4Knob : uint8_t { IP4_KNOBS(KNOB_NAME) };
inline constexpr KnobInfo kPortKnobs[] = {PORT_KNOBS(KNOB_ROW)};
inline constexpr KnobInfo kIp4Knobs[] = {IP4_KNOBS(KNOB_ROW)};
#undef KNOB_NAME
#undef KNOB_ROW

template <class Knob>
constexpr auto& knob_rows() noexcept;
template <>
constexpr auto& knob_rows<PortKnob>() noexcept {
    return kPortKnobs;
}
template <>
constexpr auto& knob_rows<Ip4Knob>() noexcept {
    return kIp4Knobs;
}
template <class Knob>
inline constexpr size_t kKnobs = std::size(knob_rows<Knob>());

// What was written: a knob that was not has no value.
template <class Knob>
class KnobSettings {
public:
    constexpr std::optional<uint32_t>& operator[](Knob k) noexcept { return at(size_t(k)); }
    constexpr std::optional<uint32_t> operator[](Knob k) const noexcept { return at(size_t(k)); }
    constexpr std::optional<uint32_t>& at(size_t row) noexcept { return written_[row]; }
    constexpr std::optional<uint32_t> at(size_t row) const noexcept { return written_[row]; }
    friend bool operator==(const KnobSettings&, const KnobSettings&) = default;

private:
    std::array<std::optional<uint32_t>, kKnobs<Knob>> written_{};
};
using PortKnobSettings = KnobSettings<PortKnob>;
using Ip4KnobSettings = KnobSettings<Ip4Knob>;

// What is in force.
template <class Knob>
class Knobs {
public:
    constexpr Knobs() noexcept {
        for (size_t i = 0; i < kKnobs<Knob>; ++i) values_[i] = knob_rows<Knob>()[i].initial;
    }
    // Of several settings the first that says something of a knob.
    constexpr Knobs(std::initializer_list<KnobSettings<Knob>> settings) noexcept : Knobs() {
        for (size_t i = 0; i < kKnobs<Knob>; ++i)
            for (const KnobSettings<Knob>& s : settings)
                if (s.at(i)) {
                    values_[i] = *s.at(i);
                    break;
                }
    }
    constexpr uint32_t operator[](Knob k) const noexcept { return at(size_t(k)); }
    constexpr uint32_t at(size_t row) const noexcept { return values_[row]; }
    constexpr bool is_on(Knob k) const noexcept { return (*this)[k] != 0; }
    constexpr void set(Knob k, uint32_t value) noexcept { values_[size_t(k)] = value; }

private:
    std::array<uint32_t, kKnobs<Knob>> values_{};
};
using PortKnobs = Knobs<PortKnob>;
using Ip4Knobs = Knobs<Ip4Knob>;

}  // namespace vethway
