// SPDX-License-Identifier: Apache-2.0
// Most packets are forwarded, to a next hop that is known, by another port, and nothing has to be
// said of them. They need not meet the stages one by one.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>
#include <span>

#include "dataplane/meta.h"
#include "dataplane/net/headers.h"

namespace vethway {

struct Context;
class Burst;

// IPv4 right behind an Ethernet header.
inline Ip4Header& plain_ip4(rte_mbuf& m) noexcept {
    return *rte_pktmbuf_mtod_offset(&m, Ip4Header*, sizeof(EtherHeader));
}

inline void note_plain(PacketMeta& packet) noexcept {
    packet.l3_offset = sizeof(EtherHeader);
    packet.plain = true;
}

// Worker, while nobody watches. Of `packets`, at most kBurst plain ones (ip4_plain) of one port, to
// the addresses `to`, sends those of which ip4_source() to resolve() would say nothing else, and
// puts into `errors` what those would put there for its TTL or its route. The rest, as many as it
// returns, are moved to the front in their order. Nothing that is forwarded overtakes what was
// there before it: from the first packet on whose way is longer all stay; but for those that can
// only be for us, or refused, nobody has to wait.
uint16_t ip4_straight(Context& c, std::span<rte_mbuf*> packets, std::span<const Ip4> to,
                      Burst& errors) noexcept;

}  // namespace vethway
