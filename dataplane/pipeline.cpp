// SPDX-License-Identifier: Apache-2.0
#include "dataplane/pipeline.h"

#include "dataplane/arp/arp_input.h"
#include "dataplane/classify.h"
#include "dataplane/icmp/icmp_error.h"
#include "dataplane/icmp/local.h"
#include "dataplane/ip4/ip4_forward.h"
#include "dataplane/ip4/ip4_input.h"
#include "dataplane/ip4/ip4_lookup.h"
#include "dataplane/ip4/ip4_output.h"
#include "dataplane/ip4/ip4_plain.h"
#include "dataplane/ip4/ip4_reassemble.h"
#include "dataplane/ip4/ip4_router_options.h"
#include "dataplane/ip4/ip4_source.h"
#include "dataplane/l2/bridge_input.h"
#include "dataplane/l2/enter_lag.h"
#include "dataplane/l2/enter_vlan.h"
#include "dataplane/neighbour/resolve.h"
#include "dataplane/rx_repair.h"
#include "dataplane/xconnect.h"

namespace vethway {

static bool is_arp_reply(rte_mbuf& m) noexcept {
    return reinterpret_cast<const ArpHeader*>(&ether(m) + 1)->operation == kArpReply;
}

// A stage empties its input and fills its outputs. Each packet causes at most one more (an error or
// an answer), so no Burst overflows: the few places that set free more use a PacketList.
void Pipeline::receive(Burst& rx) noexcept {
    rx_repair(c_, rx);
    if (c_.snap().any_l2) [[unlikely]]
        enter_lag(c_, rx, punt_);
    xconnect(c_, rx);
    any_other_ = false;
    if (c_.snap().any_l2) [[unlikely]]
        receive_l2(rx);
    else
        receive_ip(rx);
    arp_input(c_, arp_, {.released = released_, .punt = punt_});
    while (released_.pop_burst(ahead_)) resolve(c_, ahead_, released_);  // they came before these
    run_ip4(any_other_);
}

void Pipeline::receive_ip(Burst& rx) noexcept {
    while (!rx.empty()) {
        ip4_plain(c_, rx, {.checked = checked_, .other = other_, .errors = errors_});
        classify(c_, other_, {.arp = arp_, .ip4 = ip4_});
        any_other_ |= !ip4_.empty();
        ip4_input(c_, ip4_, checked_);
    }
}

// What came by one port, or by a LAG, may be for IP by several: a VLAN's, or a bridge's own.
void Pipeline::receive_l2(Burst& rx) noexcept {
    enter_vlan(c_, rx);
    bridge_input(c_, rx, {.ip = for_ip_, .punt = punt_});
    for (rte_mbuf* m : for_ip_) {
        if (!one_port_.empty() && meta(*one_port_[0]).port != meta(*m).port) receive_ip(one_port_);
        one_port_.push(m);
    }
    for_ip_.clear();
    receive_ip(one_port_);
}

void Pipeline::run_ip4(bool maybe_options) noexcept {
    if (!checked_.empty() || !errors_.empty() || !own_.empty() || !routed_.empty())
        forward_ip4(maybe_options);
    transmit_loopback();
    c_.tx.flush(c_.snap());
    punt();
    c_.drops.flush();
}

void Pipeline::forward_ip4(bool maybe_options) noexcept {
    ip4_source(c_, checked_);
    const bool any_options = maybe_options && ip4_router_options(c_, checked_, errors_);
    ip4_lookup(c_, checked_, {.local = local_, .forward = forward_, .errors = errors_});
    ip4_reassemble(c_, local_, whole_);
    local_input(c_, whole_, {.own = own_, .errors = errors_, .punt = punt_});
    if (ip4_forward(c_, forward_, {.routed = routed_, .errors = errors_})) [[unlikely]] {
        icmp_redirect(c_, routed_, own_);
        ip4_output(c_, own_, {.routed = ahead_, .loopback = to_loopback_});
        resolve(c_, ahead_, released_);
    }
    if (any_options) [[unlikely]]
        ip4_record_route(c_, routed_);
    icmp_error(c_, errors_, own_);
    ip4_output(c_, own_, {.routed = routed_, .loopback = to_loopback_});
    do resolve(c_, routed_, released_);
    while (released_.pop_burst(routed_));
}

void Pipeline::inject(Burst& packets) noexcept {
    for (rte_mbuf* m : packets) {
        PacketMeta& packet = meta(*m);
        packet.tsc = c_.now;
        c_.tracer.taken_up(m);
        switch (packet.inject) {
            case Inject::output:
            case Inject::output_by:
                c_.originated(m, Originated::host, nullptr);
                own_.push(m);
                break;
            case Inject::frame:
                c_.originated(m, is_arp_reply(*m) ? Originated::arp_reply : Originated::arp_request,
                              nullptr);
                c_.tx.push(c_.snap(), m);
                break;
            case Inject::l2_frame:
                c_.originated(m, Originated::l2_control, nullptr);
                c_.tx.push(c_.snap(), m);
                break;
            case Inject::resolve:  // the next hop's MAC was configured meanwhile
                c_.counters.taken_up(1);
                routed_.push(m);
                break;
            case Inject::undeliverable:  // the control thread ended its waiting
                c_.counters.taken_up(1);
                // Its own is long gone, perhaps; and a packet of ours may not have gone by any.
                packet.route = packet.own ? nullptr : &c_.routes.lookup(Ip4{ip4(*m).dst});
                errors_.push(m);
                break;
        }
    }
    packets.clear();
    run_ip4(false);
}

unsigned Pipeline::receive_loopback() noexcept {
    while (ip4_.size() < kBurst && !loopback_.empty()) {
        rte_mbuf* m = loopback_.pop();
        meta(*m).port = kLoopback;
        c_.tracer.taken_up(m);
        meta(*m).tsc = c_.now;
        c_.counters.received(kLoopback, 1, m->pkt_len);
        c_.note(m, Step::received, 1);
        ip4_.push(m);
    }
    const unsigned n = ip4_.size();
    if (n == 0) return 0;
    ip4_input(c_, ip4_, checked_);
    run_ip4(true);
    return n;
}

void Pipeline::transmit_loopback() noexcept {
    while (rte_mbuf* m = to_loopback_.pop()) {
        if (loopback_.size() >= kMaxLoopback) {
            c_.drops.add(m, Drop::loopback_full);
            continue;
        }
        c_.counters.transmitted(kLoopback, 1, m->pkt_len);
        c_.note(m, Step::sent, 0, 1);
        loopback_.push(m);
    }
}

void Pipeline::punt() noexcept {
    for (rte_mbuf* m : punt_) {
        const uint16_t port = meta(*m).port;
        // Written down before, since the control thread owns it from then on.
        c_.note(m, Step::consumed, static_cast<uint32_t>(Consumed::host));
        if (c_.dry)
            c_.drops.free(m);
        else if (punt_queue_.push(m))
            c_.counters.consumed(port, Consumed::host);
        else
            c_.drops.add(m, Drop::punt_full);
    }
    punt_.clear();
}

}  // namespace vethway
