// SPDX-License-Identifier: Apache-2.0
// A value that is one of an enum's words; what is not there, or is none, leaves the default.
#pragma once

#include <string>
#include <string_view>

#include "config/field.h"
#include "config/names.h"

namespace vethway {

// `names` are those of names.h, in the order of the enum.
template <class Enum, const auto& names>
void parse_word(const Field& f, Enum& to) {
    static const std::string kForm = listed(names);
    assign(to, f.as<Enum>([](std::string_view t) { return enum_named<Enum>(names, t); },
                          kForm.c_str()));
}
template <class Enum, const auto& names>
void parse_word(const Field& f, const char* key, Enum& to) {
    if (const auto found = f.find(key)) parse_word<Enum, names>(*found, to);
}

}  // namespace vethway
