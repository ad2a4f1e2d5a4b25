// SPDX-License-Identifier: Apache-2.0
// A knob's value as text, and back.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dataplane/net/knobs.h"

namespace vethway {

// Nothing for what the knob can't be.
std::optional<uint32_t> parse_knob(const KnobInfo& knob, std::string_view text);
std::string knob_text(const KnobInfo& knob, uint32_t value);  // "true", "strict", "8"
// What it can be: "true or false", "off, strict or loose", "0, 1 or 2", "a number from 1 to 255".
std::string knob_choice(const KnobInfo& knob);

}  // namespace vethway
