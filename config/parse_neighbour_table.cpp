// SPDX-License-Identifier: Apache-2.0
#include "config/parse_neighbour_table.h"

#include "config/field.h"
#include "config/neighbour_knobs.h"

namespace vethway {

namespace {

template <class Owner, size_t N>
void parse_knobs(const Field& f, const std::array<Knob<Owner>, N>& knobs, Owner& c) {
    for (const Knob<Owner>& knob : knobs)
        if (const auto value = f.find(knob.name))
            assign(c.*knob.value, value->number(knob.least, knob.most));
}

std::vector<std::string_view> port_knob_names() {
    std::vector<std::string_view> names;
    names.reserve(kNeighbourPortKnobs.size());
    for (const auto& knob : kNeighbourPortKnobs) names.emplace_back(knob.name);
    return names;
}

// Of what is left out, a port has what all have.
NeighbourPortKnobs parse_port_knobs(const Field& f, const NeighbourPortConfig& all) {
    NeighbourPortKnobs c{.port = {}, .knobs = all};
    auto names = port_knob_names();
    names.emplace_back("port");
    if (!f.is_map_of(names)) return c;
    if (const auto port = f.require("port")) c.port = port->text().value_or("");
    parse_knobs(f, kNeighbourPortKnobs, c.knobs);
    return c;
}

}  // namespace

NeighbourTableConfig parse_neighbour_table(const Field& f) {
    NeighbourTableConfig c;
    auto names = port_knob_names();
    for (const auto& knob : kNeighbourTableKnobs) names.emplace_back(knob.name);
    names.insert(names.end(), {"gc_interval", "ports"});
    if (!f.is_map_of(names)) return c;
    parse_knobs(f, kNeighbourTableKnobs, c);
    parse_knobs(f, kNeighbourPortKnobs, c.all);
    if (const auto interval = f.find("gc_interval"))
        c.gc_interval = interval->number(kMinGcInterval, kMaxGcInterval);
    if (const auto ports = f.find("ports"))
        for (const Field& port : ports->items()) c.ports.push_back(parse_port_knobs(port, c.all));
    return c;
}

}  // namespace vethway
