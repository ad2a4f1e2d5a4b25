// SPDX-License-Identifier: Apache-2.0
#include "dataplane/net/ip4.h"

#include <arpa/inet.h>

#include <charconv>

namespace vethway {

std::optional<Ip4> Ip4::parse(std::string_view text) {
    in_addr in{};
    if (text.find('\0') != std::string_view::npos) return std::nullopt;  // c_str() would end there
    if (inet_pton(AF_INET, std::string(text).c_str(), &in) != 1) return std::nullopt;
    return Ip4{ntohl(in.s_addr)};
}

std::string Ip4::to_string() const {
    const in_addr in{htonl(value)};
    char text[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &in, text, sizeof text);
    return text;
}

std::optional<Prefix4> Prefix4::parse(std::string_view text) {
    const size_t slash = text.find('/');
    const auto address = Ip4::parse(text.substr(0, slash));
    if (!address) return std::nullopt;
    Prefix4 prefix{*address, 32};
    if (slash == std::string_view::npos) return prefix;
    const std::string_view digits = text.substr(slash + 1);
    if (digits.size() > 1 && digits.front() == '0') return std::nullopt;
    const char* last = digits.data() + digits.size();
    const auto [end, error] = std::from_chars(digits.data(), last, prefix.length);
    if (error != std::errc{} || end != last || prefix.length > 32) return std::nullopt;
    return prefix;
}

std::string Prefix4::to_string() const {
    return address.to_string() + '/' + std::to_string(length);
}

}  // namespace vethway
