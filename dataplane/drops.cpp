// SPDX-License-Identifier: Apache-2.0
#include "dataplane/drops.h"

#include <rte_cycles.h>

#include <algorithm>

namespace vethway {

void Drops::begin_run(uint16_t port, Drop why) noexcept {
    end_run();
    port_ = port;
    why_ = why;
    if (recorder_ == nullptr) return;
    if (now_ == 0) now_ = rte_rdtsc();
    kind_ = &recorder_->kind(port, why);
    room_ = recorder_->room(*kind_, now_);
}

void Drops::count_run() noexcept {
    counters_.dropped(port_, why_, count_);
    if (count_ > room_ && recorder_ != nullptr) recorder_->pass_over(*kind_, count_ - room_);
    port_ = kNoPort;
    count_ = 0;
}

void Drops::remember(rte_mbuf& m) noexcept {
    constexpr size_t kMost = DropRecord::kMostBytes;
    const auto bytes = frame_bytes(m);
    const DropRecord record{.tsc = now_,
                            .port = port_,
                            .reason = why_,
                            .kept = static_cast<uint8_t>(std::min(bytes.size(), kMost)),
                            .length = m.pkt_len};
    if (m.data_off + kMost <= m.buf_len) [[likely]]  // behind a shorter frame, what is there
        return recorder_->keep(*kind_, record, bytes.data());
    std::array<std::byte, kMost> copy{};
    std::copy_n(bytes.begin(), record.kept, copy.begin());
    recorder_->keep(*kind_, record, copy.data());
}

}  // namespace vethway
