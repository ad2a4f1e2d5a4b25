// SPDX-License-Identifier: Apache-2.0
// Questions to the kernel about links, addresses and filters. Any one thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "control/doctor/facts.h"
#include "dataplane/port/kernel_link.h"

struct nlmsghdr;

namespace vethway::doctor {

class Rtnetlink {
public:
    Rtnetlink();  // throws PortError

    // None: there is no such link, or it may not be seen.
    std::optional<Link> link(const std::string& name);
    // `nsid`: the namespace it is in; none: the caller's.
    std::optional<Link> link(unsigned ifindex, std::optional<int> nsid = std::nullopt);
    std::vector<std::string> addresses(unsigned ifindex);  // "10.0.0.1/24"
    std::vector<Program> filters(unsigned ifindex, bool ingress);
    // Of a namespace: empty if it is that of this process, its name under /run/netns, or "?".
    std::string netns_name(int nsid);

private:
    using Each = std::function<void(const nlmsghdr&)>;
    void ask(nlmsghdr& request, const Each& each);
    std::optional<Link> ask_link(nlmsghdr& request);
    std::optional<int> nsid_of(int attribute, uint32_t value);

    Fd socket_;
    unsigned sequence_ = 0;
};

}  // namespace vethway::doctor
