// SPDX-License-Identifier: Apache-2.0
#include "dataplane/fib/chunk.h"

namespace vethway {

size_t FibChunk::runs_of(const FibSlots& slots) noexcept {
    size_t runs = 1;
    for (size_t i = 1; i < slots.size(); ++i) runs += slots[i] != slots[i - 1] ? 1 : 0;
    return runs;
}

void FibChunk::write(std::byte* at, const FibSlots& slots,
                     std::span<const uint32_t> refining) noexcept {
    std::array<uint64_t, 4> starts{};
    std::array<uint8_t, 4> before{};
    size_t runs = 0;
    auto* const contents = reinterpret_cast<FibContent*>(at + kContents);
    for (size_t i = 0; i < slots.size(); ++i) {
        if (i % 64 == 0) before[i / 64] = static_cast<uint8_t>(runs);
        if (i > 0 && slots[i] == slots[i - 1]) continue;
        starts[i / 64] |= uint64_t{1} << i % 64;
        contents[runs++] = slots[i];
    }
    std::memcpy(at, starts.data(), sizeof starts);
    std::memcpy(at + kBefore, before.data(), sizeof before);
    if (!refining.empty())
        std::memcpy(at + refining_at(runs), refining.data(), refining.size_bytes());
}

}  // namespace vethway
