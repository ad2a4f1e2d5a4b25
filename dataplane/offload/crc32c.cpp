// SPDX-License-Identifier: Apache-2.0
#include "dataplane/offload/crc32c.h"

#include <rte_hash_crc.h>

#include <cstring>

namespace vethway {

// Not rte_hash_crc(), which reads words from where they lie: in a frame they are not aligned.
uint32_t crc32c(uint32_t crc, std::span<const std::byte> bytes) noexcept {
    for (; bytes.size() >= sizeof(uint64_t); bytes = bytes.subspan(sizeof(uint64_t))) {
        uint64_t word;
        std::memcpy(&word, bytes.data(), sizeof word);
        crc = rte_hash_crc_8byte(word, crc);
    }
    for (const std::byte b : bytes) crc = rte_hash_crc_1byte(static_cast<uint8_t>(b), crc);
    return crc;
}

}  // namespace vethway
