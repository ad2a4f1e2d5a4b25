// SPDX-License-Identifier: Apache-2.0
#include "config/yaml_words.h"

#include <cctype>

namespace vethway::yaml {

YAML::Emitter& text(YAML::Emitter& out, const std::string& value) {
    const bool plain = !value.empty() && std::isalpha(static_cast<unsigned char>(value[0])) != 0 &&
                       value.find_first_not_of(
                           "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                           "0123456789._-/") == std::string::npos;
    return plain && value != "null" ? out << value : out << YAML::DoubleQuoted << value;
}

void pair(YAML::Emitter& out, const char* key, const std::string& value) {
    out << Key << key << Value;
    text(out, value);
}
void number(YAML::Emitter& out, const char* key, uint64_t value) {
    out << Key << key << Value << value;
}

void on(YAML::Emitter& out, const char* key, bool value) {
    if (value) out << Key << key << Value << true;
}

void words(YAML::Emitter& out, const char* key, const std::vector<std::string>& all) {
    if (all.empty()) return;
    out << Key << key << Value << Flow << BeginSeq;
    for (const std::string& word : all) text(out, word);
    out << EndSeq;
}

void ip_side(YAML::Emitter& out, const PortConfig& p) {
    if (p.mac) pair(out, "mac", p.mac->to_string());
    if (p.mtu) number(out, "mtu", *p.mtu);
    if (!p.addresses.empty()) {
        out << Key << "addresses" << Value << Flow << BeginSeq;
        for (const Prefix4& a : p.addresses) out << a.to_string();
        out << EndSeq;
    }
    if (!p.admin_up) pair(out, "admin", "down");
    knobs(out, p.knobs);
}

}  // namespace vethway::yaml
