// SPDX-License-Identifier: Apache-2.0
#include "dataplane/drops.h"

#include <algorithm>

namespace vethway {

void remember(FlightRecorder& recorder, rte_mbuf& m, Drop why, uint64_t now) noexcept {
    constexpr size_t kMost = DropRecord::kMostBytes;
    const auto bytes = frame_bytes(m);
    const DropRecord record{.tsc = now,
                            .port = meta(m).port,
                            .reason = why,
                            .kept = static_cast<uint8_t>(std::min(bytes.size(), kMost)),
                            .length = m.pkt_len};
    if (m.data_off + kMost <= m.buf_len) [[likely]]  // behind a shorter frame, what is there
        return recorder.add(record, bytes.data());
    std::array<std::byte, kMost> copy{};
    std::copy_n(bytes.begin(), record.kept, copy.begin());
    recorder.add(record, copy.data());
}

}  // namespace vethway
