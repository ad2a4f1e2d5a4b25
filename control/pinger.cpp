// SPDX-License-Identifier: Apache-2.0
#include "control/pinger.h"

#include <fmt/format.h>
#include <rte_cycles.h>

#include <algorithm>

#include "dataplane/meta.h"
#include "dataplane/net/checksum.h"

namespace vethway {

namespace {

constexpr size_t kHeaders = sizeof(Ip4Header) + sizeof(IcmpHeader);

// As ping(8) of iputils words them.
std::string unreachable_text(uint8_t code) {
    switch (code) {
        case kIcmpNetUnreachable:
            return "Destination Net Unreachable";
        case kIcmpHostUnreachable:
            return "Destination Host Unreachable";
        case kIcmpProtocolUnreachable:
            return "Destination Protocol Unreachable";
        case kIcmpPortUnreachable:
            return "Destination Port Unreachable";
        case kIcmpAdminProhibited:
            return "Packet filtered";
        default:
            return "Dest Unreachable, Bad Code: " + std::to_string(code);
    }
}

struct Heard {  // an ICMP message about an echo request: its reply, or an error that quotes it
    const Ip4Header* outer;
    const IcmpHeader* icmp;
    const IcmpHeader* echo;  // with the request's id and sequence
};

// Punted packets have passed ip4_input's and local_input's checks; what an error quotes has not.
bool parse(rte_mbuf& m, Heard& heard) {
    const auto l3 = l3_bytes(m);
    heard.outer = &ip4(m);
    const auto l4 = l3.subspan(heard.outer->header_bytes());
    heard.icmp = reinterpret_cast<const IcmpHeader*>(l4.data());
    heard.echo = heard.icmp;
    if (heard.icmp->type == kIcmpEchoReply) return true;
    const auto quoted = l4.subspan(sizeof(IcmpHeader));
    if (quoted.size() < kHeaders) return false;
    const auto& ip = *reinterpret_cast<const Ip4Header*>(quoted.data());
    if (ip.version() != 4 || ip.header_bytes() < sizeof ip || ip.protocol != kProtocolIcmp ||
        quoted.size() < ip.header_bytes() + sizeof(IcmpHeader))
        return false;
    heard.echo = reinterpret_cast<const IcmpHeader*>(&quoted[ip.header_bytes()]);
    return heard.echo->type == kIcmpEchoRequest;
}

PingResult describe(const Heard& heard) {
    using Outcome = PingResult::Outcome;
    const size_t header = heard.outer->header_bytes();
    PingResult result{.from = Ip4{heard.outer->src},
                      .type = heard.icmp->type,
                      .code = heard.icmp->code,
                      .ttl = heard.outer->ttl,
                      .bytes = static_cast<uint16_t>(heard.outer->total_length - header)};
    if (result.type == kIcmpEchoReply) {
        result.outcome = Outcome::reply;
    } else if (result.type == kIcmpTimeExceeded) {
        result.outcome = Outcome::time_exceeded;
        result.text = "Time to live exceeded";
    } else if (result.type == kIcmpUnreachable && result.code == kIcmpFragmentationNeeded) {
        result.outcome = Outcome::fragmentation_needed;
        result.mtu = heard.icmp->sequence;
        result.text = fmt::format("Frag needed and DF set (mtu = {})", result.mtu);
    } else {
        result.outcome = Outcome::unreachable;
        result.text =
            result.type == kIcmpUnreachable ? unreachable_text(result.code) : "Parameter problem";
    }
    return result;
}

}  // namespace

Pinger::Pinger(Dataplane& dataplane, const Ports& ports, const Rib& rib)
    : dataplane_(dataplane), ports_(ports), rib_(rib), hz_(rte_get_tsc_hz()) {}

// Why the request can't leave; "" if it can. What ping(8) hears from sendmsg().
std::string Pinger::refusal(const PingRequest& request) const {
    const RibRoute* route = rib_.lookup(request.to);
    if (route == nullptr) return "no route to " + request.to.to_string();
    const std::string type = route->type();
    if (type == "broadcast") return request.to.to_string() + " is a broadcast address";
    if (route->action != RouteAction::forward)
        return fmt::format("a {} route, {}", type, route->to.to_string());
    if (!request.from.is_zero() && !dataplane_.snapshot().is_own(request.from))
        return request.from.to_string() + " is not an address of ours";
    const size_t most = dataplane_.data_room() - sizeof(EtherHeader) - kHeaders;
    if (request.size > most) return fmt::format("message too long, at most {} bytes", most);
    if (type == "local" || !request.dont_fragment) return "";
    for (const RibHop& hop : route->hops)
        if (const ManagedPort* port = ports_.find(hop.port);
            port != nullptr && request.size + kHeaders > port->mtu())
            return fmt::format("message too long, mtu={}", port->mtu());
    return "";
}

rte_mbuf* Pinger::make(const PingRequest& request) {
    rte_mbuf* m = dataplane_.allocate(kLoopback);
    if (m == nullptr) return nullptr;
    const size_t icmp_bytes = sizeof(IcmpHeader) + request.size;
    auto* frame = reinterpret_cast<std::byte*>(rte_pktmbuf_append(
        m, static_cast<uint16_t>(sizeof(EtherHeader) + sizeof(Ip4Header) + icmp_bytes)));
    meta(*m).l3_offset = sizeof(EtherHeader);
    ether(*m) = {.dst = {}, .src = {}, .type = kEtherTypeIp4};  // until it is addressed
    meta(*m).inject = Inject::output;
    auto& ip = ip4(*m);
    ip = {.version_ihl = 0x45,
          .tos = request.tos,
          .total_length = static_cast<uint16_t>(sizeof ip + icmp_bytes),
          .id = 0,
          .fragment = request.dont_fragment ? Ip4Header::kDontFragment : uint16_t{0},
          .ttl = request.ttl,
          .protocol = kProtocolIcmp,
          .checksum = 0,
          .src = request.from.value,
          .dst = request.to.value};
    auto& icmp = *reinterpret_cast<IcmpHeader*>(frame + sizeof(EtherHeader) + sizeof ip);
    icmp = {.type = kIcmpEchoRequest,
            .code = 0,
            .checksum = 0,
            .id = request.id,
            .sequence = request.sequence};
    auto* data = reinterpret_cast<std::byte*>(&icmp + 1);
    for (size_t i = 0; i < request.size; ++i) data[i] = static_cast<std::byte>(i);
    icmp.checksum = internet_checksum({reinterpret_cast<const std::byte*>(&icmp), icmp_bytes});
    return m;
}

void Pinger::send(const PingRequest& request, std::function<void(const PingResult&)> done) {
    PingResult refused{.outcome = PingResult::Outcome::not_sent, .reason = refusal(request)};
    if (!refused.reason.empty()) return done(refused);
    rte_mbuf* m = make(request);
    if (m == nullptr || !dataplane_.inject(m)) {
        rte_pktmbuf_free(m);
        refused.reason = m == nullptr ? "no free mbuf" : "the worker's ring is full";
        return done(refused);
    }
    waiting_.push_back({.request = request,
                        .deadline = std::chrono::steady_clock::now() + request.timeout,
                        .sent_tsc = rte_rdtsc(),
                        .done = std::move(done)});
}

void Pinger::receive(rte_mbuf& m) {
    Heard heard{};
    if (!parse(m, heard)) return;
    const auto match = std::ranges::find_if(waiting_, [&](const Waiting& w) {
        return w.request.id == heard.echo->id && w.request.sequence == heard.echo->sequence;
    });
    if (match == waiting_.end()) return;
    PingResult result = describe(heard);
    const uint64_t received = meta(m).tsc;
    if (received > match->sent_tsc)
        result.rtt_ms =
            static_cast<double>(received - match->sent_tsc) * 1e3 / static_cast<double>(hz_);
    const auto done = std::move(match->done);
    waiting_.erase(match);
    done(result);
}

void Pinger::take_punted() {
    dataplane_.punt_queue().acknowledge();
    while (rte_mbuf* m = dataplane_.punt_queue().pop()) {
        receive(*m);
        rte_pktmbuf_free(m);
    }
}

void Pinger::expire() {
    const auto now = std::chrono::steady_clock::now();
    for (auto at = waiting_.begin(); at != waiting_.end();) {
        if (at->deadline > now) {
            ++at;
            continue;
        }
        const auto done = std::move(at->done);
        at = waiting_.erase(at);
        done({.outcome = PingResult::Outcome::timeout});
    }
}

}  // namespace vethway
