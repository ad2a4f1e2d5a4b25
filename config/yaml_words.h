// SPDX-License-Identifier: Apache-2.0
// What the parts of to_yaml() share: values, written as they will be read again.
#pragma once

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <string>
#include <vector>

#include "config/config.h"
#include "config/knob_text.h"

namespace vethway::yaml {

using YAML::BeginMap, YAML::BeginSeq, YAML::EndMap, YAML::EndSeq, YAML::Flow, YAML::Key,
    YAML::Value;

// A word, in quotes where a reader of YAML might take it for something else ("null", "0660").
YAML::Emitter& text(YAML::Emitter& out, const std::string& value);
void pair(YAML::Emitter& out, const char* key, const std::string& value);
void number(YAML::Emitter& out, const char* key, uint64_t value);
// Nothing where it is false.
void on(YAML::Emitter& out, const char* key, bool value);
// On one line; nothing where there are none.
void words(YAML::Emitter& out, const char* key, const std::vector<std::string>& all);
// What any port says of itself beside its name and driver, a bridge's or a LAG's own too.
void ip_side(YAML::Emitter& out, const PortConfig& p);

// An item a line, by `write`; nothing where there are none.
template <class T>
void list(YAML::Emitter& out, const char* key, const std::vector<T>& items,
          void (*write)(YAML::Emitter&, const T&)) {
    if (items.empty()) return;
    out << Key << key << Value << BeginSeq;
    for (const T& item : items) write(out, item);
    out << EndSeq;
}

template <class Knob>
void knobs(YAML::Emitter& out, const KnobSettings<Knob>& settings) {
    for (size_t i = 0; i < kKnobs<Knob>; ++i) {
        const KnobInfo& knob = knob_rows<Knob>()[i];
        if (const auto value = settings.at(i))
            out << Key << knob.name << Value << knob_text(knob, *value);
    }
}

}  // namespace vethway::yaml
