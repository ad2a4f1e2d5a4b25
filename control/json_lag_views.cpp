// SPDX-License-Identifier: Apache-2.0
// What is shown of link aggregation.
#include <algorithm>

#include "config/names.h"
#include "control/json_views.h"

namespace vethway {

namespace {

// As Wireshark writes them: a letter each, or a star where it is not set.
std::string flags_of(const LacpParty& party) {
    constexpr std::string_view kLetters = "ASGSCDFE";  // from bit 0 on
    std::string text;
    for (size_t bit = kLetters.size(); bit-- > 0;)
        text += party.has(static_cast<uint8_t>(1U << bit)) ? kLetters[bit] : '*';
    return text;
}

Json json_of(const LacpParty& party) {
    return {{"system", party.system.to_string()},
            {"system_priority", party.system_priority},
            {"key", party.key},
            {"port", party.port},
            {"port_priority", party.port_priority},
            {"flags", flags_of(party)}};
}

Json json_of(const LacpPortStatus& port, uint64_t unheard) {
    return {{"receive", to_string(port.receive)},
            {"mux", to_string(port.mux)},
            {"selected", port.selected},
            {"churned", port.churned},
            {"actor", json_of(port.actor)},
            {"partner", port.actor.has(kLacpDefaulted) ? Json() : json_of(port.partner)},
            {"rx_lacpdus", port.received},
            {"tx_lacpdus", port.sent},
            {"rx_refused", port.refused},
            {"rx_unheard", unheard},
            {"markers_answered", port.markers_answered}};
}

Json member_view(const Lag& lag, const Lag::Member& m, const std::optional<LacpStatus>& status) {
    Json out{{"port", m.name},
             {"link", m.link ? "up" : "down"},
             {"carries", lag.carries(m)},
             {"why_not", lag.why_not(m)},
             {"lacp", Json()}};
    if (!status) return out;
    const auto of = std::ranges::find(status->ports, m.port, &LacpPortStatus::port);
    if (of != status->ports.end()) out["lacp"] = json_of(*of, m.unheard);
    return out;
}

Json lacp_view(const Lag& lag, const LacpStatus& status) {
    const LagConfig& c = lag.config();
    Json partner;
    if (status.partner)
        partner = {{"system", status.partner->system.to_string()},
                   {"system_priority", status.partner->system_priority},
                   {"key", status.partner->key}};
    return {{"activity", kLacpActivityNames[static_cast<size_t>(c.activity)]},
            {"rate", kLacpRateNames[static_cast<size_t>(c.rate)]},
            {"system", lag.system().to_string()},
            {"system_priority", c.system_priority},
            {"key", c.key},
            {"partner", partner}};
}

}  // namespace

Json lags_view(Controller& controller, const std::string& name) {
    Json out = Json::array();
    for (const Lag& lag : controller.ports().lags().all()) {
        const LagConfig& c = lag.config();
        if (!name.empty() && c.port.name != name) continue;
        const std::optional<LacpStatus> status = lag.lacp();
        const ManagedPort* own = controller.ports().find(c.port.name);
        Json members = Json::array();
        for (const Lag::Member& m : lag.members()) members.push_back(member_view(lag, m, status));
        out.push_back({{"name", c.port.name},
                       {"state", own != nullptr && own->up() ? "up" : "down"},
                       {"reason", own != nullptr ? own->down_reason() : ""},
                       {"mode", kLagModeNames[static_cast<size_t>(c.mode)]},
                       {"hash", kLagHashNames[static_cast<size_t>(c.hash)]},
                       {"min_links", c.min_links},
                       {"carrying", lag.carrying()},
                       {"lacp", status ? lacp_view(lag, *status) : Json()},
                       {"members", members}});
    }
    return {{"lags", out}};
}

}  // namespace vethway
