// SPDX-License-Identifier: Apache-2.0
// IGMP and MLD snooping of the bridges that have it: joins what each has learned (snooping/) to
// ports, workers and log. Control thread.
#pragma once

#include <rte_mbuf.h>

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "control/ports.h"
#include "control/snooping/snooper.h"

namespace vethway {

class Snooping {
public:
    Snooping(Dataplane& dataplane, Ports& ports);
    ~Snooping();

    // After each change of the configuration or of links, when it is published.
    void follow();
    void tick();  // every 100 ms
    // A frame that workers have heard about groups; it stays the caller's. False: it is none.
    bool take(rte_mbuf& m);
    // When no more wait: workers go by what they said.
    void publish();

    // Nothing: the bridge does not snoop.
    std::optional<SnooperStatus> status(const std::string& bridge) const;

private:
    class Listener;
    void publish(const BridgeConfig& bridge);

    Dataplane& dataplane_;
    Ports& ports_;
    std::map<std::string, std::unique_ptr<Listener>> listeners_;  // by the bridge's name
};

}  // namespace vethway
