// SPDX-License-Identifier: Apache-2.0
#include "config/parse_lag.h"

#include "config/parse_knobs.h"
#include "config/parse_port.h"
#include "config/parse_word.h"

namespace vethway {

namespace {

void number(const Field& f, const char* key, uint32_t& to, uint32_t least, uint32_t most) {
    if (const auto found = f.find(key)) assign(to, found->number(least, most));
}

}  // namespace

LagConfig parse_lag(const Field& f) {
    LagConfig lag;
    if (!f.is_map_of(with_knobs<PortKnob>({"name", "members", "mode", "activity", "rate", "key",
                                           "system_priority", "hash", "min_links", "mac", "mtu",
                                           "addresses", "admin"})))
        return lag;
    if (const auto name = f.require("name")) assign(lag.port.name, name->text());
    if (const auto members = f.find("members"))
        for (const Field& item : members->items()) lag.members.push_back(item.text().value_or(""));
    parse_word<LagMode, kLagModeNames>(f, "mode", lag.mode);
    parse_word<LacpActivity, kLacpActivityNames>(f, "activity", lag.activity);
    parse_word<LacpRate, kLacpRateNames>(f, "rate", lag.rate);
    parse_word<LagHash, kLagHashNames>(f, "hash", lag.hash);
    number(f, "key", lag.key, 1, 65535);
    number(f, "system_priority", lag.system_priority, 0, 65535);
    number(f, "min_links", lag.min_links, 0, kMaxLagMembers);
    parse_ip_side(f, lag.port);
    return lag;
}

}  // namespace vethway
