// SPDX-License-Identifier: Apache-2.0
#include "dataplane/arp/arp_request.h"

#include "dataplane/meta.h"
#include "dataplane/net/arp_message.h"

namespace vethway {

void write_arp_request(rte_mbuf& m, NeighbourKey key, Ip4 from, const Mac& own,
                       const Mac& to) noexcept {
    constexpr uint16_t kSize = sizeof(EtherHeader) + sizeof(ArpHeader);
    auto& eth = *reinterpret_cast<EtherHeader*>(rte_pktmbuf_append(&m, kSize));
    eth = {.dst = to, .src = own, .type = kEtherTypeArp};
    *reinterpret_cast<ArpHeader*>(&eth + 1) = arp_message(kArpRequest, {own, from}, {{}, key.ip});
    meta(m).egress = key.port;
}

}  // namespace vethway
