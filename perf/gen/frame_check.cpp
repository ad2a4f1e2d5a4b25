// SPDX-License-Identifier: Apache-2.0
#include "perf/gen/frame_check.h"

#include "dataplane/net/checksum.h"

namespace vethway::gen {

FrameCheck::FrameCheck(const FrameShape& shape, const std::vector<uint16_t>& frame_bytes)
    : protocol_(shape.protocol), l4_header_bytes_(shape.l4_header_bytes()) {
    for (const uint16_t bytes : frame_bytes) lengths_.set(bytes - shape.ip_offset());
}

Checked FrameCheck::check(std::span<const std::byte> frame, uint16_t run) const noexcept {
    if (frame.size() < sizeof(EtherHeader)) return {};
    uint16_t type = reinterpret_cast<const EtherHeader*>(frame.data())->type;
    size_t l3 = sizeof(EtherHeader);
    while ((type == kEtherTypeVlan || type == kEtherTypeQinq) &&
           l3 + kVlanTagBytes <= frame.size()) {
        type = *reinterpret_cast<const Be16*>(&frame[l3 + 2]);
        l3 += kVlanTagBytes;
    }
    if (type == kEtherTypeArp) return {.verdict = Verdict::arp};
    if (type != kEtherTypeIp4) return {};
    return check_ip4(frame.subspan(l3), run);
}

Checked FrameCheck::check_ip4(std::span<const std::byte> packet, uint16_t run) const noexcept {
    const size_t l4_at = sizeof(Ip4Header);  // we send no options
    if (packet.size() < l4_at + l4_header_bytes_ + kStampBytes) return {};
    const auto& ip = *reinterpret_cast<const Ip4Header*>(packet.data());
    const uint16_t total = ip.total_length;
    if (ip.protocol != protocol_ || !lengths_.test(total) || ip.is_fragment()) return {};
    Checked found{.verdict = Verdict::corrupted};
    if (ip.version_ihl != 0x45) return found;
    const auto stamp = read_stamp(&packet[l4_at + l4_header_bytes_]);
    if (!stamp) return found;
    found.stamp_read = true;
    found.stamp = *stamp;
    if (stamp->run != run) {
        found.verdict = Verdict::other_run;
        return found;
    }
    if (packet.size() < total || internet_checksum(packet.first(l4_at)) != 0) return found;
    ChecksumSum sum;
    const auto l4 = packet.subspan(l4_at, total - l4_at);
    if (protocol_ != kProtocolIcmp) sum.add_pseudo_header(ip, static_cast<uint16_t>(l4.size()));
    sum.add(l4);
    if (sum.checksum() == 0) found.verdict = Verdict::good;
    return found;
}

}  // namespace vethway::gen
