// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ip4/ip4_options.h"

#include <algorithm>
#include <cstring>
#include <ctime>

#include "dataplane/fib/route_table.h"
#include "dataplane/ip4/option_bytes.h"
#include "dataplane/ip4/source_route.h"

namespace vethway {

namespace {

constexpr uint8_t kEndOfList = 0, kNoOperation = 1, kRecordRoute = 7, kTimestamp = 68,
                  kLooseRoute = 131, kStrictRoute = 137, kRouterAlert = 148;
constexpr uint8_t kTimeOnly = 0, kTimeAndAddress = 1, kTimeIfAddress = 3;  // of a timestamp's flags

// Each of these looks at one option of at least its length: the offset of the bad byte, plus one.
size_t check_record_route(std::span<const std::byte> option, bool seen) noexcept {
    const size_t length = length_of(option);
    if (seen) return 1;
    if (length < 3) return 2;
    const size_t pointer = pointer_of(option);
    return pointer < 4 || (pointer <= length && pointer + 3 > length) ? 3 : 0;
}

size_t check_source_route(std::span<const std::byte> option, bool seen) noexcept {
    if (length_of(option) < 3) return 2;
    if (pointer_of(option) < 4) return 3;
    return seen ? 1 : 0;
}

// Where addresses are given, those that pass without being named did not miss a place.
bool counts_overflow(std::span<const std::byte> option) noexcept {
    return (byte_at(option, 3) & 0xf) != kTimeIfAddress;
}

size_t check_timestamp(std::span<const std::byte> option, bool seen) noexcept {
    const size_t length = length_of(option);
    if (seen) return 1;
    if (length < 4) return 2;
    const size_t pointer = pointer_of(option);
    if (pointer < 5) return 3;
    const uint8_t flags = byte_at(option, 3) & 0xf;
    if (pointer > length) return counts_overflow(option) && byte_at(option, 3) >> 4 == 15 ? 4 : 0;
    const size_t room = flags == kTimeAndAddress || flags == kTimeIfAddress ? 7 : 3;
    return pointer + room > length ? 3 : 0;
}

size_t check_option(std::span<const std::byte> option, size_t at, Ip4Options& found) noexcept {
    const auto here = static_cast<uint8_t>(at);
    size_t bad = 0;
    switch (byte_at(option, 0)) {
        case kRecordRoute:
            bad = check_record_route(option, found.record_route != 0);
            if (bad == 0) found.record_route = here;
            return bad;
        case kTimestamp:
            bad = check_timestamp(option, found.timestamp != 0);
            if (bad == 0) found.timestamp = here;
            return bad;
        case kLooseRoute:
        case kStrictRoute:
            bad = check_source_route(option, found.source_route != 0);
            if (bad == 0) found.source_route = here;
            return bad;
        case kRouterAlert:
            return length_of(option) < 4 ? 2 : 0;
        default:
            return 0;
    }
}

// Linux inet_addr_type() says RTN_UNICAST: of somebody else.
bool is_foreign(Ip4 ip, const RouteTable& routes) noexcept {
    if (ip.is_zero() || ip.is_loopback() || ip.is_multicast() || ip.is_limited_broadcast())
        return false;
    const RouteType type = routes.lookup(ip).type;
    return type != RouteType::local && type != RouteType::broadcast;
}

void fill_record_route(std::span<std::byte> option, Ip4 address, OptionWork& work) noexcept {
    const size_t pointer = pointer_of(option);
    if (pointer > length_of(option)) return;
    put_word(option, pointer - 1, address.value);
    put_byte(option, 2, pointer + 4);
    work.record_address = work.changed = true;
}

void fill_timestamp(std::span<std::byte> option, const OptionStamp& stamp, const RouteTable& routes,
                    OptionWork& work) noexcept {
    const size_t pointer = pointer_of(option);
    if (pointer > length_of(option)) {  // counts those that found no room
        if (!counts_overflow(option)) return;
        put_byte(option, 3, byte_at(option, 3) + 0x10U);
        work.changed = true;
        return;
    }
    const uint8_t flags = byte_at(option, 3) & 0xf;
    if (flags != kTimeOnly && flags != kTimeAndAddress && flags != kTimeIfAddress) return;
    if (flags == kTimeIfAddress && is_foreign(address_at(option, pointer - 1), routes)) return;
    if (flags == kTimeAndAddress) put_word(option, pointer - 1, stamp.address.value);
    const size_t skipped = flags == kTimeOnly ? 0 : 4;
    put_word(option, pointer - 1 + skipped, stamp.time_ms);
    put_byte(option, 2, pointer + skipped + 4);
    work.timestamp_address = flags == kTimeAndAddress;
    work.timestamp_time = work.changed = true;
}

// The copy in an answer gets one entry more, which stamp_own() writes. False: there is half a
// place.
bool echo_record_route(std::span<std::byte> option, bool filled, OptionWork& work) noexcept {
    const size_t pointer = pointer_of(option), length = length_of(option);
    if (!filled || pointer > length) return true;
    if (pointer + 3 > length) return false;
    put_byte(option, 2, pointer + 4);
    work.record_address = true;
    return true;
}

bool echo_timestamp(std::span<std::byte> option, OptionWork filled, const RouteTable& routes,
                    OptionWork& work) noexcept {
    size_t pointer = pointer_of(option);
    const size_t length = length_of(option);
    if (pointer > length) return true;
    if (filled.timestamp_address) {
        if (pointer + 3 > length) return false;
        work.timestamp_address = true;
        pointer += 4;
    }
    if (filled.timestamp_time) {
        if (pointer + 3 > length) return false;
        if ((byte_at(option, 3) & 0xf) != kTimeIfAddress) {
            work.timestamp_time = true;
            pointer += 4;
        } else if (pointer + 7 <= length && !is_foreign(address_at(option, pointer - 1), routes)) {
            work.timestamp_time = true;
            pointer += 8;
        }
    }
    put_byte(option, 2, pointer);
    return true;
}

// Of an option that was checked.
std::span<const std::byte> option_at(std::span<const std::byte> header, size_t at) noexcept {
    return header.subspan(at, byte_at(header, at + 1));
}

std::span<std::byte> append(EchoedOptions& out, std::span<const std::byte> option) noexcept {
    std::memcpy(&out.bytes[out.size], option.data(), option.size());
    const auto copy = std::span(out.bytes).subspan(out.size, option.size());
    out.size += option.size();
    return copy;
}

}  // namespace

Ip4Options find_options(std::span<const std::byte> header) noexcept {
    Ip4Options found;
    for (size_t at = sizeof(Ip4Header); at < header.size();) {
        const uint8_t type = byte_at(header, at);
        if (type == kEndOfList) {
            found.end = static_cast<uint8_t>(at + 1);
            break;
        }
        if (type == kNoOperation) {
            ++at;
            continue;
        }
        const size_t left = header.size() - at;
        const size_t length = left < 2 ? 0 : byte_at(header, at + 1);
        const size_t bad =
            length < 2 || length > left ? 1 : check_option(header.subspan(at, length), at, found);
        if (bad != 0) {
            found.bad = static_cast<uint8_t>(at + bad - 1);
            break;
        }
        at += length;
    }
    return found;
}

uint32_t ms_since_midnight() noexcept {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return static_cast<uint32_t>(now.tv_sec % 86'400 * 1000 + now.tv_nsec / 1'000'000);
}

OptionWork fill_options(std::span<std::byte> header, const Ip4Options& found,
                        const OptionStamp& stamp, const RouteTable& routes) noexcept {
    OptionWork work;
    work.record_route = found.record_route & 0x3f;
    work.timestamp = found.timestamp & 0x3f;
    work.source_route = found.source_route & 0x3f;
    if (found.source_route != 0) work.strict = byte_at(header, found.source_route) == kStrictRoute;
    if (found.record_route != 0)
        fill_record_route(header.subspan(found.record_route), stamp.address, work);
    if (found.timestamp != 0) fill_timestamp(header.subspan(found.timestamp), stamp, routes, work);
    if (found.end != 0) {
        const auto rest = header.subspan(found.end);
        if (std::ranges::any_of(rest, [](std::byte b) { return b != std::byte{kEndOfList}; }))
            work.changed = true;
        std::ranges::fill(rest, std::byte{kEndOfList});
    }
    return work;
}

std::optional<EchoedOptions> echo_options(std::span<const std::byte> header, OptionWork work,
                                          const RouteTable& routes) noexcept {
    EchoedOptions out;
    if (work.record_route != 0) {
        out.work.record_route = sizeof(Ip4Header);
        const auto copy = append(out, option_at(header, work.record_route));
        if (!echo_record_route(copy, work.record_address, out.work)) return std::nullopt;
    }
    if (work.timestamp != 0) {
        out.work.timestamp = (sizeof(Ip4Header) + out.size) & 0x3f;
        const auto copy = append(out, option_at(header, work.timestamp));
        if (!echo_timestamp(copy, work, routes, out.work)) return std::nullopt;
    }
    if (work.source_route != 0) {
        const Ip4 sender = address_at(header, offsetof(Ip4Header, src));
        const auto route = option_at(header, work.source_route);
        out.size +=
            reverse_route(route, sender, std::span(out.bytes).subspan(out.size), out.first_stop);
    }
    out.size = (out.size + 3) & ~size_t{3};  // the rest are ends of the list
    return out;
}

void record_egress(std::span<std::byte> header, OptionWork work, Ip4 address) noexcept {
    if (!work.record_address) return;
    const auto option = header.subspan(work.record_route);
    put_word(option, pointer_of(option) - 5, address.value);
}

void record_stop(std::span<std::byte> header, OptionWork work, Ip4 stop, Ip4 address) noexcept {
    record_stop(header.subspan(work.source_route), stop, address);
    if (!work.timestamp_address) return;
    const auto option = header.subspan(work.timestamp);
    put_word(option, pointer_of(option) - 9, address.value);
}

void stamp_own(std::span<std::byte> header, OptionWork work, const OptionStamp& stamp) noexcept {
    record_egress(header, work, stamp.address);
    if (work.timestamp == 0) return;
    const auto option = header.subspan(work.timestamp);
    if (work.timestamp_address) put_word(option, pointer_of(option) - 9, stamp.address.value);
    if (work.timestamp_time) put_word(option, pointer_of(option) - 5, stamp.time_ms);
}

}  // namespace vethway
