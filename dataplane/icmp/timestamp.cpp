// SPDX-License-Identifier: Apache-2.0
#include "dataplane/icmp/timestamp.h"

#include "dataplane/context.h"
#include "dataplane/ip4/ip4_options.h"
#include "dataplane/ip4/own_address.h"
#include "dataplane/net/checksum.h"

namespace vethway {

namespace {

struct TimestampMessage {
    IcmpHeader icmp;
    Be32 originated, received, transmitted;  // milliseconds since midnight UT
};
static_assert(sizeof(TimestampMessage) == 20 && alignof(TimestampMessage) == 1);

constexpr size_t kLeast = offsetof(TimestampMessage, received);  // as Linux icmp_timestamp()

TimestampMessage reply_to(const IcmpHeader& request, uint32_t originated) noexcept {
    const uint32_t now = ms_since_midnight();
    TimestampMessage reply{.icmp = {.type = kIcmpTimestampReply,
                                    .code = 0,
                                    .checksum = 0,
                                    .id = request.id,
                                    .sequence = request.sequence},
                           .originated = originated,
                           .received = now,
                           .transmitted = now};
    reply.icmp.checksum = internet_checksum(std::as_bytes(std::span(&reply, 1)));
    return reply;
}

}  // namespace

void timestamp_reply(Context& c, rte_mbuf* m, size_t at, Burst& own) noexcept {
    const auto bytes = frame_bytes(*m).subspan(at);
    if (bytes.size() < kLeast) return c.drops.add(m, Drop::icmp_malformed);
    constexpr size_t kSize = sizeof(Ip4Header) + sizeof(TimestampMessage);
    rte_mbuf* reply = c.allocate(meta(*m).port, sizeof(EtherHeader) + kSize);
    if (reply == nullptr) return c.drops.add(m, Drop::no_buffer);
    const auto& request = *reinterpret_cast<const TimestampMessage*>(bytes.data());
    const Ip4Header& packet = ip4(*m);
    meta(*reply).l3_offset = sizeof(EtherHeader);
    ether(*reply) = {.dst = {}, .src = {}, .type = kEtherTypeIp4};  // until it is addressed
    Ip4Header& ip = ip4(*reply);
    ip = {.version_ihl = 0x45,
          .tos = packet.tos,
          .total_length = kSize,
          .id = 0,
          .fragment = 0,
          .ttl = c.snap().default_ttl(),
          .protocol = kProtocolIcmp,
          .checksum = 0,
          .src = address_for_sender(c, *m).value,
          .dst = packet.src};
    *reinterpret_cast<TimestampMessage*>(&ip + 1) = reply_to(request.icmp, request.originated);
    c.consumed(m, Consumed::timestamp_request);
    c.originated(reply, Originated::timestamp_reply, m);
    own.push(reply);
    c.drops.free(m);
}

}  // namespace vethway
