// SPDX-License-Identifier: Apache-2.0
// The blocks of a pcapng file (draft-ietf-opsawg-pcapng), each appended to `out` in this machine's
// byte order, which the section's first block tells.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace vethway::pcapng {

// Blocks of ours that are for `vethway` and go into no file: what it prints of the packet behind.
inline constexpr uint32_t kLineBlock = 0x40000bad;  // a custom block that is not to be copied
inline constexpr uint32_t kLineOwner = 32473;       // the number for examples (RFC 5612)

void add_section(std::string& out, std::string_view application);

struct Interface {
    std::string_view name, description;
    uint32_t snaplen = 0;  // 0: frames are whole
};
// They are numbered from 0 in the order in which they are added.
void add_interface(std::string& out, const Interface& interface);

enum class Direction : uint8_t { unknown, inbound, outbound };

struct Packet {
    uint32_t interface = 0;
    uint64_t ns = 0;                   // since 1970
    std::span<const std::byte> frame;  // as much as was captured
    uint32_t length = 0;               // of the frame
    Direction direction = Direction::unknown;
    uint64_t lost_before = 0;  // since the one before
    uint64_t id = 0;           // the same wherever the packet is seen
    std::string_view comment;  // none if empty
};
void add_packet(std::string& out, const Packet& packet);

struct Statistics {
    uint32_t interface = 0;
    uint64_t ns = 0;
    uint64_t received = 0, lost = 0;  // since the capture began
};
void add_statistics(std::string& out, const Statistics& statistics);

// What to print of the packet that comes next.
void add_line(std::string& out, std::string_view text);

}  // namespace vethway::pcapng
