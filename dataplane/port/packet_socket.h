// SPDX-License-Identifier: Apache-2.0
// What both directions of a veth port need of packet(7). Control thread; all throw PortError.
#pragma once

#include <sys/socket.h>

#include <string>

#include "dataplane/port/kernel_link.h"

namespace vethway {

[[noreturn]] void throw_errno(const std::string& port, const std::string& what);
Fd open_packet_socket(const std::string& port);  // of protocol 0: hears nothing yet
void bind_packet_socket(const std::string& port, int fd, unsigned ifindex, uint16_t protocol);
void set_packet_option(const std::string& port, int fd, int option, const void* value,
                       socklen_t size, const char* name);

template <class T>
void set_option(const std::string& port, int fd, int option, const T& value, const char* name) {
    set_packet_option(port, fd, option, &value, sizeof value, name);
}

}  // namespace vethway
