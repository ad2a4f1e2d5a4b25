// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/ip6.h"

#include <arpa/inet.h>

namespace vethway {

std::optional<Ip6> Ip6::parse(std::string_view text) {
    Ip6 ip;
    if (text.find('\0') != std::string_view::npos) return std::nullopt;  // c_str() would end there
    if (inet_pton(AF_INET6, std::string(text).c_str(), ip.bytes.data()) != 1) return std::nullopt;
    return ip;
}

std::string Ip6::to_string() const {
    char text[INET6_ADDRSTRLEN];
    inet_ntop(AF_INET6, bytes.data(), text, sizeof text);
    return text;
}

}  // namespace vethway
