// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/mac.h"

#include <charconv>

namespace vethway {

std::optional<Mac> Mac::parse(std::string_view text) {
    Mac mac;
    if (text.size() != 17) return std::nullopt;
    for (size_t i = 0; i < 6; ++i) {
        const char* at = text.data() + 3 * i;
        if (i > 0 && at[-1] != ':') return std::nullopt;
        const auto [end, error] = std::from_chars(at, at + 2, mac.bytes[i], 16);
        if (error != std::errc{} || end != at + 2) return std::nullopt;
    }
    return mac;
}

std::string Mac::to_string() const {
    constexpr char kHex[] = "0123456789abcdef";
    std::string out;
    for (const uint8_t b : bytes) {
        if (!out.empty()) out += ':';
        out += kHex[b >> 4];
        out += kHex[b & 15];
    }
    return out;
}

}  // namespace vethway
