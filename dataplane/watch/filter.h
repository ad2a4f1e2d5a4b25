// SPDX-License-Identifier: Apache-2.0
// What says of a frame whether somebody wants to see it. Made by the control thread, asked by
// workers.
#pragma once

#include <rte_bpf.h>

#include <bitset>
#include <memory>

#include "dataplane/meta.h"

namespace vethway {

struct BpfFree {
    void operator()(rte_bpf* b) const noexcept { rte_bpf_destroy(b); }
};
using Bpf = std::unique_ptr<rte_bpf, BpfFree>;
using Ip4Protocols = std::bitset<256>;

struct Filter {
    Bpf program;  // of whole frames; null: all pass
    // Those of IPv4 that it may pass, in frames without a VLAN tag: asked first, since it is done
    // in a tenth of the time.
    Ip4Protocols protocols = Ip4Protocols().set();

    bool may_pass(rte_mbuf& m) const noexcept {
        constexpr size_t kProtocol = sizeof(EtherHeader) + offsetof(Ip4Header, protocol);
        if (m.data_len <= kProtocol || ether(m).type != kEtherTypeIp4) return true;
        return protocols[*rte_pktmbuf_mtod_offset(&m, const uint8_t*, kProtocol)];
    }
};

}  // namespace vethway
