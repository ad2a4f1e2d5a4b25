// SPDX-License-Identifier: Apache-2.0
// The network namespace that an interface lives in.
#pragma once

#include <string>

#include "dataplane/port/kernel_link.h"

namespace vethway {

// Any thread but the workers'. `netns` as ip-netns(8) knows it: a name under /run/netns, the id of
// a process that lives in it, or a path; empty: the calling thread's own, and then no descriptor.
// Throws PortError.
Fd open_netns(const std::string& port, const std::string& netns);

// Any thread but the workers'. From construction to destruction it is in that namespace: what it
// opens meanwhile, sockets above all, stays there. No descriptor: nothing happens. Needs
// CAP_SYS_ADMIN; throws PortError.
class NetnsScope {
public:
    NetnsScope(const std::string& port, const Fd& netns);
    ~NetnsScope();
    NetnsScope(const NetnsScope&) = delete;
    NetnsScope& operator=(const NetnsScope&) = delete;

private:
    Fd before_;
};

}  // namespace vethway
