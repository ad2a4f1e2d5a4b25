// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "tests/unit/packet.h"

namespace vethway::test {

// Bytes of pairs of hexadecimal digits; spaces are for the reader.
inline Bytes from_hex(std::string_view text) {
    std::string digits;
    for (const char c : text)
        if (c != ' ') digits += c;
    Bytes bytes;
    for (size_t i = 0; i + 1 < digits.size(); i += 2)
        bytes.push_back(static_cast<std::byte>(std::stoi(digits.substr(i, 2), nullptr, 16)));
    return bytes;
}

// A frame with one byte changed, and why it is refused. `name`: the test's.
struct Harmed {
    const char* name;
    size_t at;
    uint8_t value;
    const char* fault;

    Bytes of(Bytes frame) const {
        frame[at] = std::byte{value};
        return frame;
    }
};

}  // namespace vethway::test
