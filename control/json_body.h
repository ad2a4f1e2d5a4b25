// SPDX-License-Identifier: Apache-2.0
// A request's JSON object, read key by key. All throw ApiRefusal(400) that names the key.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "control/api.h"

namespace vethway {

// The only way from a request's text to JSON; "" is an empty object. Bounded in depth: what handles
// JSON later does so by recursion. Throws Json::exception, too.
Json parse_body(const std::string& text);

// The JSON as one line. What a user sent may be in it, and be no UTF-8.
std::string line_of(const Json& json);
Json body_of(const httplib::Request& request);

// The body as an object of none but the `known` keys.
void check_keys(const Json& body, std::initializer_list<std::string_view> known);

std::optional<std::string> text_of(const Json& body, const char* key);
std::string required_text(const Json& body, const char* key);
std::optional<uint32_t> number_of(const Json& body, const char* key, uint32_t least, uint32_t most);
std::optional<bool> boolean_of(const Json& body, const char* key);
std::optional<Ip4> address_of(const Json& body, const char* key);
Ip4 required_address(const Json& body, const char* key);
Mac required_mac(const Json& body, const char* key);
// Throws ApiRefusal(404) where there is none of that name.
Drop required_reason(const std::string& name);

}  // namespace vethway
