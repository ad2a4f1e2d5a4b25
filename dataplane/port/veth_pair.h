// SPDX-License-Identifier: Apache-2.0
// A veth pair that exists as long as its port does.
#pragma once

#include <string>

#include "dataplane/port/netns.h"
#include "dataplane/port/port.h"

namespace vethway {

// Control thread. Makes spec.netdev in spec.netns and spec.peer in spec.peer_netns, both up, and
// takes them away in the end. A pair that a killed vethwayd left behind is known by the interface's
// alias and used on, with all that its other end has. Throws PortError, also if there is an
// interface of that name that is nobody's of ours.
class VethPair {
public:
    explicit VethPair(const PortSpec& spec);
    ~VethPair();
    VethPair(const VethPair&) = delete;
    VethPair& operator=(const VethPair&) = delete;

private:
    std::string port_, netdev_;
    Fd netns_;
    unsigned ifindex_ = 0;
};

}  // namespace vethway
