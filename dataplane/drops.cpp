// SPDX-License-Identifier: Apache-2.0
#include "dataplane/drops.h"

#include <algorithm>
#include <cstring>

namespace vethway {

void remember(FlightRecorder& recorder, rte_mbuf& m, Drop why, uint64_t now) noexcept {
    const auto bytes = frame_bytes(m);
    DropRecord record{.tsc = now,
                      .port = meta(m).port,
                      .reason = why,
                      .kept = static_cast<uint8_t>(std::min(bytes.size(), DropRecord::kMostBytes)),
                      .length = m.pkt_len};
    if (record.kept == DropRecord::kMostBytes) [[likely]]
        std::memcpy(record.bytes.data(), bytes.data(), DropRecord::kMostBytes);
    else
        std::copy_n(bytes.begin(), record.kept, record.bytes.begin());
    recorder.add(record);
}

}  // namespace vethway
