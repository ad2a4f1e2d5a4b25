// SPDX-License-Identifier: Apache-2.0
#include "config/parse_knobs.h"

#include "config/knob_text.h"

namespace vethway {

static std::optional<uint32_t> parse_value(const Field& f, const KnobInfo& knob) {
    const auto text = f.text();
    if (!text) return std::nullopt;
    const auto value = parse_knob(knob, *text);
    if (!value) f.fail("expected " + knob_choice(knob) + ", got \"" + *text + '"');
    return value;
}

template <class Knob>
KnobSettings<Knob> parse_knobs(const Field& f) {
    KnobSettings<Knob> settings;
    for (size_t i = 0; i < kKnobs<Knob>; ++i) {
        const KnobInfo& knob = knob_rows<Knob>()[i];
        if (const auto found = f.find(knob.name)) settings.at(i) = parse_value(*found, knob);
    }
    return settings;
}
template KnobSettings<PortKnob> parse_knobs(const Field&);
template KnobSettings<Ip4Knob> parse_knobs(const Field&);

}  // namespace vethway
