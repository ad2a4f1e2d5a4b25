// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "config/field.h"
#include "dataplane/net/knobs.h"

namespace vethway {

// Those of the mapping `f` that it has; one that can't be read is as one that is not there, with a
// problem in the document.
template <class Knob>
KnobSettings<Knob> parse_knobs(const Field& f);

// `keys` and every knob's name, for Field::is_map_of().
template <class Knob>
std::vector<std::string_view> with_knobs(std::vector<std::string_view> keys) {
    for (const KnobInfo& knob : knob_rows<Knob>()) keys.emplace_back(knob.name);
    return keys;
}

}  // namespace vethway
