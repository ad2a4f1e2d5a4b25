// SPDX-License-Identifier: Apache-2.0
// Edits of one entry of the running configuration, and of a bridge in it. Control thread.
#pragma once

#include <algorithm>
#include <string>

#include "config/parse.h"
#include "control/api.h"

namespace vethway {

// Applies `change`, which says in a word what it did ("added"). `entry` names what it is about,
// also to whom it is refused: who asks has no file whose lines could be told.
template <class Edit>
Json edit_entry(Controller& controller, const std::string& entry, Edit change) {
    Config next = controller.config();
    const std::string done = change(next);
    try {
        controller.apply(next);
    } catch (const ConfigError& e) {
        const std::string& first = e.lines().front();
        throw ApiRefusal(400, entry + ": " + first.substr(first.find(": ") + 2));
    }
    return {{"changes", {entry + ' ' + done}}};
}

// The bridge that has this member. Throws ApiRefusal(404).
inline BridgeConfig& bridge_with(Config& config, const std::string& port) {
    for (BridgeConfig& b : config.bridges)
        if (std::ranges::find(b.members, port, &MemberConfig::port) != b.members.end()) return b;
    throw ApiRefusal(404, "port \"" + port + "\" is a member of no bridge");
}

}  // namespace vethway
