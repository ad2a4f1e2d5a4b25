// SPDX-License-Identifier: Apache-2.0
// One transmit queue of a veth port: a packet socket that hears nothing.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>
#include <memory>
#include <string>

#include "dataplane/port/kernel_link.h"
#include "dataplane/port/port.h"

namespace vethway {

// Frames go by sendmmsg, which copies them, and not by a PACKET_TX_RING, which first does not: on a
// veth the kernel has to copy them all the same before the other end gets them (skb_orphan_frags in
// ____dev_forward_skb, net/core/dev.c), page by page, and that is slower. perf/README.md.
class VethTx {
public:
    // Control thread, in the interface's network namespace. Throws PortError.
    VethTx(const std::string& port, unsigned ifindex, bool qdisc_bypass);
    ~VethTx();
    VethTx(const VethTx&) = delete;
    VethTx& operator=(const VethTx&) = delete;

    // Worker. As Port::tx_burst(). Never waits.
    TxResult send(rte_mbuf** frames, uint16_t n) noexcept;

private:
    struct Batch;
    Fd socket_;
    std::unique_ptr<Batch> batch_;
};

}  // namespace vethway
