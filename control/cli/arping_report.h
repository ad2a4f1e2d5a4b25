// SPDX-License-Identifier: Apache-2.0
// The events of an arping in the words of arping(8) of iputils. Pure.
#pragma once

#include <string>

#include "control/cli/client.h"

namespace vethway::cli {

enum class ArpingWish : uint8_t { answer, conflict, announcement };

class ArpingReport {
public:
    ArpingReport(std::string to, ArpingWish wish) : to_(std::move(to)), wish_(wish) {}

    // A line; "" where there is nothing to say.
    std::string add(const Json& event);
    std::string summary() const;
    Json json() const;
    // As arping(8): 0 with an answer, of a search for conflicts without one, after announcements.
    int exit_status() const;

private:
    std::string reply(const Json& event);

    const std::string to_;
    const ArpingWish wish_;
    std::string from_, mac_, port_;
    uint64_t sent_ = 0, sent_to_all_ = 0, received_ = 0, requests_ = 0, broadcasts_ = 0;
    Json answers_ = Json::array();
};

}  // namespace vethway::cli
