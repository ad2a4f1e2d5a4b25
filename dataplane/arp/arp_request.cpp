// SPDX-License-Identifier: Apache-2.0
#include "dataplane/arp/arp_request.h"

#include "dataplane/meta.h"

namespace vethway {

void write_arp_request(rte_mbuf& m, NeighbourKey key, Ip4 from, const Mac& own,
                       const Mac& to) noexcept {
    constexpr uint16_t kSize = sizeof(EtherHeader) + sizeof(ArpHeader);
    auto& eth = *reinterpret_cast<EtherHeader*>(rte_pktmbuf_append(&m, kSize));
    eth = {.dst = to, .src = own, .type = kEtherTypeArp};
    *reinterpret_cast<ArpHeader*>(&eth + 1) = {.hardware_type = 1,
                                               .protocol_type = kEtherTypeIp4,
                                               .hardware_bytes = sizeof(Mac),
                                               .protocol_bytes = sizeof(Be32),
                                               .operation = kArpRequest,
                                               .sender_mac = own,
                                               .sender_ip = from.value,
                                               .target_mac = {},
                                               .target_ip = key.ip.value};
    meta(m).egress = key.port;
}

}  // namespace vethway
