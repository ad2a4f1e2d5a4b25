// SPDX-License-Identifier: Apache-2.0
#include "dataplane/port/packet_socket.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>

#include <cerrno>
#include <cstring>

#include "dataplane/port/port.h"

namespace vethway {

void throw_errno(const std::string& port, const std::string& what) {
    throw PortError("port " + port + ": " + what + ": " + std::strerror(errno));
}

Fd open_packet_socket(const std::string& port) {
    Fd fd(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) throw_errno(port, "a packet socket (needs CAP_NET_RAW)");
    return fd;
}

void bind_packet_socket(const std::string& port, int fd, unsigned ifindex, uint16_t protocol) {
    sockaddr_ll at{};
    at.sll_family = AF_PACKET;
    at.sll_protocol = htons(protocol);
    at.sll_ifindex = static_cast<int>(ifindex);
    if (bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) < 0)
        throw_errno(port, "bind of a packet socket");
}

void set_packet_option(const std::string& port, int fd, int option, const void* value,
                       socklen_t size, const char* name) {
    if (setsockopt(fd, SOL_PACKET, option, value, size) < 0) throw_errno(port, name);
}

}  // namespace vethway
