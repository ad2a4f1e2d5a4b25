// SPDX-License-Identifier: Apache-2.0
#include "config/to_yaml_lag.h"

#include "config/names.h"

namespace vethway::yaml {

void lag(YAML::Emitter& out, const LagConfig& l) {
    const LagConfig usual;
    out << Flow << BeginMap;
    pair(out, "name", l.port.name);
    words(out, "members", l.members);
    if (l.mode != usual.mode) pair(out, "mode", kLagModeNames[static_cast<size_t>(l.mode)]);
    if (l.activity != usual.activity)
        pair(out, "activity", kLacpActivityNames[static_cast<size_t>(l.activity)]);
    if (l.rate != usual.rate) pair(out, "rate", kLacpRateNames[static_cast<size_t>(l.rate)]);
    if (l.key != usual.key) number(out, "key", l.key);
    if (l.system_priority != usual.system_priority)
        number(out, "system_priority", l.system_priority);
    if (l.hash != usual.hash) pair(out, "hash", kLagHashNames[static_cast<size_t>(l.hash)]);
    if (l.min_links != usual.min_links) number(out, "min_links", l.min_links);
    ip_side(out, l.port);
    out << EndMap;
}

}  // namespace vethway::yaml
