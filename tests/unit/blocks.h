// SPDX-License-Identifier: Apache-2.0
// Reads the blocks of pcapng, and fails where they are not well formed.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace vethway::test {

struct Block {
    uint32_t type = 0;
    std::string body;  // without type and lengths

    uint32_t u32(size_t at) const {
        uint32_t value = 0;
        EXPECT_LE(at + sizeof value, body.size());
        if (at + sizeof value <= body.size()) std::memcpy(&value, &body[at], sizeof value);
        return value;
    }
    // By code; they are from `at` to the end.
    std::map<unsigned, std::string> options(size_t at) const {
        std::map<unsigned, std::string> found;
        for (uint32_t head = 0; at < body.size(); at += ((head >> 16) + 3) / 4 * 4) {
            head = u32(at);
            at += sizeof head;
            if (head == 0) break;
            found[head & 0xffff] = body.substr(at, head >> 16);
        }
        EXPECT_EQ(at, body.size()) << "options end where the block does";
        return found;
    }
    std::map<unsigned, std::string> options_of_packet() const {
        return options(20 + (u32(12) + 3) / 4 * 4);
    }
};

inline std::vector<Block> read_blocks(const std::string& bytes) {
    std::vector<Block> blocks;
    for (size_t at = 0; at < bytes.size();) {
        uint32_t head[2] = {}, last = 0;
        if (bytes.size() - at >= 12) std::memcpy(head, &bytes[at], sizeof head);
        const uint32_t length = head[1];
        if (length < 12 || length % 4 != 0 || length > bytes.size() - at) {
            ADD_FAILURE() << "a block of " << length << " bytes at " << at;
            break;
        }
        std::memcpy(&last, &bytes[at + length - 4], sizeof last);
        EXPECT_EQ(last, length);
        blocks.push_back({head[0], bytes.substr(at + 8, length - 12)});
        at += length;
    }
    return blocks;
}

}  // namespace vethway::test
