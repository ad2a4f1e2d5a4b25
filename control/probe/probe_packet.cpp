// SPDX-License-Identifier: Apache-2.0
#include "control/probe/probe_packet.h"

#include <span>

#include "dataplane/net/arp_message.h"
#include "dataplane/net/checksum.h"
#include "dataplane/net/headers.h"

namespace vethway {

namespace {

void fill_data(std::span<std::byte> data) {
    for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>(i);
}

void fill_echo(std::span<std::byte> message, ProbeMark mark) {
    auto& icmp = *reinterpret_cast<IcmpHeader*>(message.data());
    icmp = {.type = kIcmpEchoRequest,
            .code = 0,
            .checksum = 0,
            .id = mark.series,
            .sequence = mark.sequence};
    fill_data(message.subspan(sizeof icmp));
    icmp.checksum = internet_checksum(message);
}

void fill_udp(std::span<std::byte> datagram, const Ip4Header& ip, ProbeMark mark,
              uint16_t first_target_port) {
    const auto length = static_cast<uint16_t>(datagram.size());
    auto& udp = *reinterpret_cast<UdpHeader*>(datagram.data());
    udp = {.src_port = mark.series,
           .dst_port = static_cast<uint16_t>(first_target_port + mark.sequence),
           .length = length,
           .checksum = 0};
    fill_data(datagram.subspan(sizeof udp));
    ChecksumSum sum;
    sum.add_pseudo_header(ip, length);
    sum.add(datagram);
    udp.checksum = sum.checksum() == 0 ? uint16_t{0xffff} : sum.checksum();  // RFC 768
}

}  // namespace

std::vector<std::byte> make_probe(const ProbeSeries& series, Ip4 from, ProbeMark mark, uint8_t ttl,
                                  bool dont_fragment) {
    static_assert(sizeof(IcmpHeader) == sizeof(UdpHeader));
    const size_t message = sizeof(IcmpHeader) + series.size;
    std::vector<std::byte> frame(sizeof(EtherHeader) + sizeof(Ip4Header) + message);
    *reinterpret_cast<EtherHeader*>(frame.data()) = {.dst = {}, .src = {}, .type = kEtherTypeIp4};
    auto& ip = *reinterpret_cast<Ip4Header*>(&frame[sizeof(EtherHeader)]);
    ip = {.version_ihl = 0x45,
          .tos = series.tos,
          .total_length = static_cast<uint16_t>(sizeof ip + message),
          .id = 0,
          .fragment = dont_fragment ? Ip4Header::kDontFragment : uint16_t{0},
          .ttl = ttl,
          .protocol = series.kind == ProbeKind::udp ? kProtocolUdp : kProtocolIcmp,
          .checksum = 0,
          .src = from.value,
          .dst = series.to.value};
    const auto behind = std::span(frame).subspan(sizeof(EtherHeader) + sizeof ip);
    if (series.kind == ProbeKind::udp)
        fill_udp(behind, ip, mark, series.first_target_port);
    else
        fill_echo(behind, mark);
    return frame;
}

std::vector<std::byte> make_arp_probe(const ProbeSeries& series, Ip4 from, const Mac& own,
                                      const Mac& to) {
    std::vector<std::byte> frame(sizeof(EtherHeader) + sizeof(ArpHeader));
    *reinterpret_cast<EtherHeader*>(frame.data()) = {.dst = to, .src = own, .type = kEtherTypeArp};
    const bool reply = series.arp == ArpForm::announce_reply;
    *reinterpret_cast<ArpHeader*>(&frame[sizeof(EtherHeader)]) =
        arp_message(reply ? kArpReply : kArpRequest, {own, from}, {reply ? own : Mac{}, series.to});
    return frame;
}

}  // namespace vethway
