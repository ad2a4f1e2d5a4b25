// SPDX-License-Identifier: Apache-2.0
// A packet's whole path, in the order it meets the stages. START READING IN pipeline.cpp.
#pragma once

#include "dataplane/context.h"
#include "dataplane/l2/logical_tx.h"
#include "dataplane/packet_list.h"
#include "dataplane/punt.h"

namespace vethway {

class Pipeline {
public:
    Pipeline(Context& context, PuntQueue& punt_queue) noexcept
        : c_(context), punt_queue_(punt_queue), logical_(context) {
        context.tx.set_logical(&logical_);
    }
    ~Pipeline() { c_.tx.set_logical(nullptr); }
    Pipeline(const Pipeline&) = delete;
    Pipeline& operator=(const Pipeline&) = delete;

    // One burst of frames as received by a port; meta().port is set. Leaves `rx` empty.
    void receive(Burst& rx) noexcept;
    // Packets that the control thread made, or gives up (meta().inject). Leaves `packets` empty.
    void inject(Burst& packets) noexcept;
    // What earlier bursts sent to our own addresses: `lo`, received. How many packets that was.
    unsigned receive_loopback() noexcept;
    bool has_loopback() const noexcept { return !loopback_.empty(); }

private:
    static constexpr unsigned kMaxLoopback = 256;

    void receive_l2(Burst& rx) noexcept;
    void receive_ip(Burst& rx) noexcept;  // by one port
    // From checked_ and errors_ and own_ to the end; whether of checked_ some may have options.
    void run_ip4(bool maybe_options) noexcept;
    void forward_ip4(bool maybe_options) noexcept;  // its stages, where any packet is left for them
    void transmit_loopback() noexcept;
    void punt() noexcept;

    Context& c_;
    PuntQueue& punt_queue_;
    LogicalTx logical_;
    bool any_other_ = false;  // of those received some took more than the plain way
    Burst for_ip_, one_port_, other_, arp_, ip4_, checked_, local_, whole_, forward_, errors_, own_,
        ahead_, routed_, punt_;
    PacketList released_;     // waited for a neighbour, which is known now
    PacketList to_loopback_;  // of this burst
    PacketList loopback_;     // sent on `lo`, to be received with the next
};

}  // namespace vethway
