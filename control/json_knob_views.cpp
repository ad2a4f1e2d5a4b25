// SPDX-License-Identifier: Apache-2.0
// What is shown of the knobs of IPv4 and ARP.
#include "config/knob_text.h"
#include "control/json_views.h"

namespace vethway {

namespace {

Json value_of(const KnobInfo& knob, uint32_t value) {
    if (knob.values.kind == KnobValues::Kind::boolean) return value != 0;
    if (knob.values.kind == KnobValues::Kind::words) return knob_text(knob, value);
    return value;
}

template <class Knob>
Json values_of(const Knobs<Knob>& knobs) {
    Json out = Json::object();
    for (size_t i = 0; i < kKnobs<Knob>; ++i) {
        const KnobInfo& knob = knob_rows<Knob>()[i];
        out[knob.name] = value_of(knob, knobs.at(i));
    }
    return out;
}

Json row_of(const KnobInfo& knob, uint32_t value) {
    return {{"name", knob.name},
            {"value", value_of(knob, value)},
            {"initial", value_of(knob, knob.initial)},
            {"values", knob_choice(knob)},
            {"help", knob.help}};
}

}  // namespace

Json json_of(const PortKnobs& knobs) { return values_of(knobs); }

Json knobs_view(Controller& controller) {
    const Ports& ports = controller.ports();
    Json ip4 = Json::array(), of_ports = Json::array();
    for (size_t i = 0; i < kKnobs<Ip4Knob>; ++i)
        ip4.push_back(row_of(kIp4Knobs[i], ports.ip4().at(i)));
    const PortKnobs defaults{ports.defaults()};
    for (size_t i = 0; i < kKnobs<PortKnob>; ++i) {
        Json row = row_of(kPortKnobs[i], defaults.at(i));
        row["ports"] = Json::object();
        for (const auto& [name, port] : ports.all())
            row["ports"][name] = value_of(kPortKnobs[i], ports.knobs_of(port).at(i));
        of_ports.push_back(std::move(row));
    }
    return {{"ip4", ip4}, {"ports", of_ports}};
}

}  // namespace vethway
