// SPDX-License-Identifier: Apache-2.0
#include "control/lags.h"

#include <algorithm>

#include "control/ports.h"
#include "dataplane/meta.h"

namespace vethway {

void Lags::set(const std::vector<LagConfig>& lags) {
    const auto named = [](const std::string& name) {
        return [&name](const Lag& one) { return one.config().port.name == name; };
    };
    lags_.remove_if([&](const Lag& lag) {
        return std::ranges::none_of(
            lags, [&](const LagConfig& one) { return one.port.name == lag.config().port.name; });
    });
    for (const LagConfig& config : lags) {
        auto found = std::ranges::find_if(lags_, named(config.port.name));
        if (found == lags_.end()) found = lags_.emplace(lags_.end(), dataplane_, ports_);
        found->set(config);
    }
}

const LagConfig* Lags::of_member(const std::string& port) const {
    for (const Lag& lag : lags_)
        if (std::ranges::find(lag.config().members, port) != lag.config().members.end())
            return &lag.config();
    return nullptr;
}

void Lags::look() {
    for (Lag& lag : lags_) lag.look();
}
void Lags::inform() {
    for (Lag& lag : lags_) lag.inform(Lag::Clock::now());
}
void Lags::derive() {
    for (Lag& lag : lags_) lag.derive();
}
void Lags::describe(Snapshot& next) const {
    for (const Lag& lag : lags_) lag.describe(next);
}
void Lags::tick() {
    for (Lag& lag : lags_) lag.tick(Lag::Clock::now());
}

bool Lags::take(rte_mbuf& m) {
    if (m.data_len < sizeof(EtherHeader) || ether(m).type != kEtherTypeSlow) return false;
    return std::ranges::any_of(lags_, [&](Lag& lag) {
        return lag.frame_received(meta(m).port, frame_bytes(m), Lag::Clock::now());
    });
}

}  // namespace vethway
