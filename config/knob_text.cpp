// SPDX-License-Identifier: Apache-2.0
#include "config/knob_text.h"

#include <charconv>

namespace vethway {

namespace {

using Kind = KnobValues::Kind;

// Of a knob with few values.
std::string each_choice(const KnobInfo& knob) {
    std::string text;
    for (uint32_t v = 0; v <= knob.values.most; ++v)
        if (knob.values.has(v))
            text += (v == 0 ? "" : v == knob.values.most ? " or " : ", ") + knob_text(knob, v);
    return text;
}

}  // namespace

std::optional<uint32_t> parse_knob(const KnobInfo& knob, std::string_view text) {
    if (knob.values.kind == Kind::boolean || knob.values.kind == Kind::words) {
        for (uint32_t v = 0; v <= knob.values.most; ++v)
            if (text == knob_text(knob, v)) return v;
        return std::nullopt;
    }
    uint32_t value = 0;
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, value);
    if (error != std::errc{} || end != last || !knob.values.has(value)) return std::nullopt;
    return value;
}

std::string knob_text(const KnobInfo& knob, uint32_t value) {
    if (knob.values.kind == Kind::boolean) return value != 0 ? "true" : "false";
    if (knob.values.kind == Kind::words) return knob.values.words.at(value);
    return std::to_string(value);
}

std::string knob_choice(const KnobInfo& knob) {
    if (knob.values.kind == Kind::boolean) return "true or false";
    if (knob.values.kind != Kind::range) return each_choice(knob);
    return "a number from " + std::to_string(knob.values.least) + " to " +
           std::to_string(knob.values.most);
}

}  // namespace vethway
