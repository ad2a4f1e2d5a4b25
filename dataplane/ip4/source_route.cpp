// SPDX-License-Identifier: Apache-2.0
#include "dataplane/ip4/source_route.h"

#include <algorithm>

#include "dataplane/fib/route_table.h"
#include "dataplane/ip4/option_bytes.h"

namespace vethway {

static bool is_martian_stop(Ip4 ip) noexcept {
    return ip.is_this_network() || ip.is_loopback() || ip.is_multicast() || ip.is_reserved();
}

NextStop next_stop(std::span<const std::byte> option, const RouteTable& routes) noexcept {
    Ip4 here;
    for (size_t at = pointer_of(option); at <= length_of(option); at += 4) {
        if (at + 3 > length_of(option)) return {NextStop::Fate::bad, here};
        const Ip4 stop = address_at(option, at - 1);
        if (is_martian_stop(stop)) return {NextStop::Fate::nowhere, here};
        const RouteType type = routes.lookup(stop).type;
        if (type == RouteType::forward) return {NextStop::Fate::goes_on, here, stop};
        if (type != RouteType::local) return {NextStop::Fate::nowhere, here};
        here = stop;
    }
    return {NextStop::Fate::arrived, here};
}

void record_stop(std::span<std::byte> option, Ip4 stop, Ip4 ours) noexcept {
    for (size_t at = pointer_of(option); at + 3 <= length_of(option); at += 4)
        if (address_at(option, at - 1) == stop) {
            put_word(option, at - 1, ours.value);
            put_byte(option, 2, at + 4);
            return;
        }
}

size_t reverse_route(std::span<const std::byte> option, Ip4 sender, std::span<std::byte> out,
                     Ip4& first) noexcept {
    // Where the last recorded address begins, and each before it.
    size_t at = std::min(pointer_of(option), length_of(option) + 1) - 4;
    if (at < 4) return 0;
    const Ip4 last = address_at(option, at - 1);
    size_t size = 3;
    for (at -= 4; at >= 4; at -= 4, size += 4)
        put_word(out, size, address_at(option, at - 1).value);
    // RFC 1812 5.2.4.1 note: a sender that has named itself as the first stop is not visited twice.
    if (address_at(option, at + 3) != sender) size += 4;
    if (size == 3) return 0;
    put_byte(out, 0, byte_at(option, 0));
    put_byte(out, 1, size);
    put_byte(out, 2, 4);
    put_word(out, size - 4, sender.value);
    first = last;
    return size;
}

}  // namespace vethway
