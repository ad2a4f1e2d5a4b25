// SPDX-License-Identifier: Apache-2.0
// ICMP errors (RFC 792, RFC 1122 3.2.2, RFC 1812 4.3): one place decides for every cause whether
// one may be sent.
#pragma once

#include <cstddef>
#include <span>

namespace vethway {

struct Context;
class Burst;

// RFC 1122 3.2.2 and RFC 1812 4.3.2.7: never about an ICMP error, a fragment other than the first,
// a packet that came as a link broadcast or went to a group, or whose source is nobody's. `l3` is a
// packet that passed check_ip4, at least up to its header's end.
bool may_send_icmp_error(std::span<const std::byte> l3, bool link_group) noexcept;

// Consumes `in`: each packet is dropped for its meta().why, and `own` gets the error of meta()'s
// icmp_type, icmp_code and icmp_info about it, if one may be sent.
void icmp_error(Context& c, Burst& in, Burst& own) noexcept;

// Of those in `routed` that leave as they came (ip4_forward has marked them) the senders are told
// of the next hop (RFC 1812 5.2.7.2), by packets that `own` gets. They themselves go on.
void icmp_redirect(Context& c, Burst& routed, Burst& own) noexcept;

}  // namespace vethway
