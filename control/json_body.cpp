// SPDX-License-Identifier: Apache-2.0
#include "control/json_body.h"

#include <algorithm>

namespace vethway {

namespace {

constexpr int kMaxDepth = 8;

[[noreturn]] void refuse(const std::string& key, const std::string& why) {
    throw ApiRefusal(400, key + ": " + why);
}

const Json* find(const Json& body, const char* key) {
    const auto found = body.find(key);
    return found == body.end() || found->is_null() ? nullptr : &*found;
}

}  // namespace

Json parse_body(const std::string& text) {
    if (text.empty()) return Json::object();
    return Json::parse(text, [](int depth, Json::parse_event_t event, const Json&) {
        const bool opens =
            event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start;
        if (opens && depth >= kMaxDepth) throw ApiRefusal(400, "the request is nested too deeply");
        return true;
    });
}

std::string line_of(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

Drop required_reason(const std::string& name) {
    const Drop why = drop_named(name);
    if (why == Drop::none)
        throw ApiRefusal(
            404, "there is no drop reason \"" + name + "\"; vethway show drops --all lists them");
    return why;
}

Json body_of(const httplib::Request& request) { return parse_body(request.body); }

void check_keys(const Json& body, std::initializer_list<std::string_view> known) {
    if (!body.is_object()) throw ApiRefusal(400, "expected a JSON object");
    for (const auto& [key, value] : body.items())
        if (std::ranges::find(known, key) == known.end()) refuse(key, "unknown key");
}

std::optional<std::string> text_of(const Json& body, const char* key) {
    const Json* value = find(body, key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_string()) refuse(key, "expected a string");
    return value->get<std::string>();
}

std::string required_text(const Json& body, const char* key) {
    auto text = text_of(body, key);
    if (!text) refuse(key, "missing");
    return *text;
}

std::optional<uint32_t> number_of(const Json& body, const char* key, uint32_t least,
                                  uint32_t most) {
    const Json* value = find(body, key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_number_integer() || *value < least || *value > most)
        refuse(key,
               "expected a number from " + std::to_string(least) + " to " + std::to_string(most));
    return value->get<uint32_t>();
}

std::optional<bool> boolean_of(const Json& body, const char* key) {
    const Json* value = find(body, key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_boolean()) refuse(key, "expected true or false");
    return value->get<bool>();
}

std::optional<Ip4> address_of(const Json& body, const char* key) {
    const auto text = text_of(body, key);
    if (!text) return std::nullopt;
    const auto ip = Ip4::parse(*text);
    if (!ip) refuse(key, "expected an IPv4 address, got \"" + *text + '"');
    return ip;
}

Ip4 required_address(const Json& body, const char* key) {
    const auto ip = address_of(body, key);
    if (!ip) refuse(key, "missing");
    return *ip;
}

Mac required_mac(const Json& body, const char* key) {
    const std::string text = required_text(body, key);
    const auto mac = Mac::parse(text);
    if (!mac) refuse(key, "expected a MAC like 02:00:00:00:00:01, got \"" + text + '"');
    return *mac;
}

}  // namespace vethway
