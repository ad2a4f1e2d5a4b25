// SPDX-License-Identifier: Apache-2.0
#include "dataplane/drops.h"

#include <rte_cycles.h>

#include <algorithm>

namespace vethway {

namespace {

// A packet of our own gets its Ethernet header when it is resolved: those that end before have
// room for one, with whatever the buffer's last user left there.
bool has_ethernet_header(rte_mbuf& m, Drop why) {
    const auto bytes = frame_bytes(m);
    const bool is_own_ip4 = meta(m).own && meta(m).l3_offset == sizeof(EtherHeader) &&
                            bytes.size() > sizeof(EtherHeader) &&
                            std::to_integer<unsigned>(bytes[sizeof(EtherHeader)]) >> 4 == 4;
    return !is_own_ip4 || (why >= Drop::gso_malformed && why <= Drop::tx_share_full);
}

}  // namespace

void remember(FlightRecorder& recorder, rte_mbuf& m, Drop why) noexcept {
    const auto bytes = frame_bytes(m);
    DropRecord record{.tsc = rte_rdtsc(),
                      .port = meta(m).port,
                      .reason = why,
                      .kept = static_cast<uint8_t>(std::min(bytes.size(), DropRecord::kMostBytes)),
                      .length = m.pkt_len};
    std::copy_n(bytes.begin(), record.kept, record.bytes.begin());
    if (!has_ethernet_header(m, why))
        *reinterpret_cast<EtherHeader*>(record.bytes.data()) = {{}, {}, kEtherTypeIp4};
    recorder.add(record);
}

}  // namespace vethway
