// SPDX-License-Identifier: Apache-2.0
#include "control/watch/pcapng.h"

#include <limits>

namespace vethway::pcapng {

namespace {

constexpr uint32_t kSection = 0x0a0d0d0a, kInterface = 1, kStatistics = 5, kPacket = 6;
constexpr uint32_t kByteOrder = 0x1a2b3c4d;
constexpr uint16_t kEthernet = 1;                                   // LINKTYPE_ETHERNET
constexpr uint16_t kComment = 1;                                    // an option of any block
constexpr size_t kMostText = std::numeric_limits<uint16_t>::max();  // an option's length

template <class T>
void put(std::string& out, T value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// A block from its construction on; its length stands at both of its ends.
class Block {
public:
    Block(std::string& out, uint32_t type) : out_(out), from_(out.size()) {
        put(out_, type);
        put(out_, uint32_t{0});
    }
    ~Block() {
        if (has_options_) put(out_, uint32_t{0});  // opt_endofopt
        const auto length = static_cast<uint32_t>(out_.size() - from_ + sizeof(uint32_t));
        put(out_, length);
        out_.replace(from_ + sizeof(uint32_t), sizeof length,
                     reinterpret_cast<const char*>(&length), sizeof length);
    }
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;

    template <class T>
    void field(T value) {
        put(out_, value);
    }
    void bytes(std::string_view bytes) {
        out_ += bytes;
        out_.append((4 - bytes.size() % 4) % 4, '\0');
    }
    void option(uint16_t code, std::string_view value) {
        value = value.substr(0, kMostText);
        has_options_ = true;
        put(out_, code);
        put(out_, static_cast<uint16_t>(value.size()));
        bytes(value);
    }
    void text_option(uint16_t code, std::string_view text) {
        if (!text.empty()) option(code, text);
    }
    template <class T>
    void number_option(uint16_t code, T value) {
        option(code, {reinterpret_cast<const char*>(&value), sizeof value});
    }
    // A time is two halves, the upper one first.
    void time(uint64_t ns) {
        put(out_, static_cast<uint32_t>(ns >> 32));
        put(out_, static_cast<uint32_t>(ns));
    }

private:
    std::string& out_;
    const size_t from_;
    bool has_options_ = false;
};

}  // namespace

void add_section(std::string& out, std::string_view application) {
    Block block(out, kSection);
    block.field(kByteOrder);
    block.field(uint16_t{1});  // version 1.0
    block.field(uint16_t{0});
    block.field(int64_t{-1});  // the section's length: not known yet
    block.text_option(4, application);
}

void add_interface(std::string& out, const Interface& interface) {
    Block block(out, kInterface);
    block.field(kEthernet);
    block.field(uint16_t{0});
    block.field(interface.snaplen);
    block.text_option(2, interface.name);
    block.text_option(3, interface.description);
    block.number_option(9, uint8_t{9});  // if_tsresol: ns
}

void add_packet(std::string& out, const Packet& packet) {
    Block block(out, kPacket);
    block.field(packet.interface);
    block.time(packet.ns);
    block.field(static_cast<uint32_t>(packet.frame.size()));
    block.field(packet.length);
    block.bytes({reinterpret_cast<const char*>(packet.frame.data()), packet.frame.size()});
    block.text_option(kComment, packet.comment);
    if (packet.direction != Direction::unknown)
        block.number_option(2, static_cast<uint32_t>(packet.direction));
    if (packet.lost_before != 0) block.number_option(4, packet.lost_before);
    if (packet.id != 0) block.number_option(5, packet.id);
}

void add_statistics(std::string& out, const Statistics& statistics) {
    Block block(out, kStatistics);
    block.field(statistics.interface);
    block.time(statistics.ns);
    block.number_option(4, statistics.received);
    block.number_option(5, statistics.lost);
}

void add_line(std::string& out, std::string_view text) {
    Block block(out, kLineBlock);
    block.field(kLineOwner);
    block.bytes(text);
}

}  // namespace vethway::pcapng
