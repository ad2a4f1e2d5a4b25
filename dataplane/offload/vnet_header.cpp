// SPDX-License-Identifier: Apache-2.0
#include "dataplane/offload/vnet_header.h"

#include "dataplane/meta.h"
#include "dataplane/offload/segment.h"

namespace vethway {

namespace {

bool read_gso(uint8_t type, Gso& gso) noexcept {
    switch (type & ~VnetHeader::kEcn) {
        case VnetHeader::kTcp4:
            gso = Gso::tcp4;
            return true;
        case VnetHeader::kTcp6:
            gso = Gso::tcp6;
            return true;
        case VnetHeader::kUdpL4:
            gso = Gso::udp;
            return true;
        default:
            return false;
    }
}

uint8_t gso_type(const Offload& o) noexcept {
    constexpr uint8_t kTypes[] = {VnetHeader::kNone, VnetHeader::kTcp4, VnetHeader::kTcp6,
                                  VnetHeader::kUdpL4};
    const uint8_t type = kTypes[static_cast<size_t>(o.gso)];
    return o.gso_ecn ? type | VnetHeader::kEcn : type;
}

}  // namespace

bool read_vnet_header(const VnetHeader& from, unsigned inserted, rte_mbuf& m) noexcept {
    Offload o;
    const size_t l4 = from.checksum_start + size_t{inserted};
    if ((from.flags & VnetHeader::kNeedsChecksum) != 0) {
        if (l4 + from.checksum_offset + sizeof(Be16) > m.data_len) return false;
        o.checksum = L4Checksum::partial;
        o.checksum_start = static_cast<uint16_t>(m.data_off + l4);
        o.checksum_offset = from.checksum_offset;
    } else if ((from.flags & VnetHeader::kDataValid) != 0) {
        o.checksum = L4Checksum::good;
    }
    if (from.gso_type != VnetHeader::kNone) {
        o.gso_size = from.gso_size;
        o.gso_ecn = (from.gso_type & VnetHeader::kEcn) != 0;
        if (!read_gso(from.gso_type, o.gso) || o.checksum != L4Checksum::partial ||
            o.gso_size == 0 || l4_header_bytes(m, l4, o.gso) == 0)
            return false;
    }
    meta(m).offload = o;
    return true;
}

VnetHeader vnet_header(rte_mbuf& m) noexcept {
    const Offload& o = meta(m).offload;
    VnetHeader h;
    if (o.checksum == L4Checksum::partial) {
        h.flags = VnetHeader::kNeedsChecksum;
        h.checksum_start = static_cast<uint16_t>(o.checksum_start - m.data_off);
        h.checksum_offset = o.checksum_offset;
    }
    if (o.gso != Gso::none) {
        h.gso_type = gso_type(o);
        h.gso_size = o.gso_size;
        h.header_bytes =
            static_cast<uint16_t>(h.checksum_start + l4_header_bytes(m, h.checksum_start, o.gso));
    }
    return h;
}

}  // namespace vethway
