// SPDX-License-Identifier: Apache-2.0
#include "dataplane/drops.h"

#include <rte_cycles.h>

#include <algorithm>

namespace vethway {

void remember(FlightRecorder& recorder, rte_mbuf& m, Drop why) noexcept {
    const auto bytes = frame_bytes(m);
    DropRecord record{.tsc = rte_rdtsc(),
                      .port = meta(m).port,
                      .reason = why,
                      .kept = static_cast<uint8_t>(std::min(bytes.size(), DropRecord::kMostBytes)),
                      .length = m.pkt_len};
    std::copy_n(bytes.begin(), record.kept, record.bytes.begin());
    recorder.add(record);
}

}  // namespace vethway
