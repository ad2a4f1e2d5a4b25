// SPDX-License-Identifier: Apache-2.0
#include "control/kernel_addresses.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <netinet/in.h>

#include <bit>
#include <fstream>
#include <memory>
#include <sstream>

namespace vethway {

namespace {

struct FreeNames {
    void operator()(struct if_nameindex* list) const noexcept { if_freenameindex(list); }
};
struct FreeAddresses {
    void operator()(ifaddrs* list) const noexcept { freeifaddrs(list); }
};

uint32_t ip_of(const sockaddr* address) {
    return ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr);
}

bool is_ethernet(const std::string& name) {
    std::ifstream type("/sys/class/net/" + name + "/type");
    int value = 0;
    // A /sys of another namespace does not show ours: then the name has to do.
    return !(type >> value) ? name != "lo" : value == ARPHRD_ETHER;
}

}  // namespace

std::vector<std::string> ethernet_interfaces() {
    std::vector<std::string> names;
    const std::unique_ptr<struct if_nameindex, FreeNames> list(if_nameindex());
    for (const auto* i = list.get(); i != nullptr && i->if_index != 0; ++i)
        if (is_ethernet(i->if_name)) names.emplace_back(i->if_name);
    return names;
}

std::vector<Prefix4> kernel_addresses(const std::string& interface) {
    std::vector<Prefix4> addresses;
    ifaddrs* first = nullptr;
    if (getifaddrs(&first) != 0) return addresses;
    const std::unique_ptr<ifaddrs, FreeAddresses> list(first);
    for (const ifaddrs* a = first; a != nullptr; a = a->ifa_next)
        if (interface == a->ifa_name && a->ifa_addr != nullptr && a->ifa_netmask != nullptr &&
            a->ifa_addr->sa_family == AF_INET)
            addresses.push_back({Ip4{ip_of(a->ifa_addr)},
                                 static_cast<uint8_t>(std::popcount(ip_of(a->ifa_netmask)))});
    return addresses;
}

std::vector<RouteConfig> kernel_routes(const std::string& interface) {
    std::vector<RouteConfig> routes;
    std::ifstream table("/proc/thread-self/net/route");
    std::string line;
    std::getline(table, line);  // the columns' names
    while (std::getline(table, line)) {
        std::istringstream in(line);
        std::string name;
        uint32_t to = 0, via = 0, flags = 0, references = 0, uses = 0, metric = 0, mask = 0;
        in >> name >> std::hex >> to >> via >> flags >> std::dec >> references >> uses >> metric >>
            std::hex >> mask;
        if (!in || name != interface || (flags & RTF_GATEWAY) == 0) continue;
        RouteConfig route{.to = {Ip4{ntohl(to)}, static_cast<uint8_t>(std::popcount(mask))},
                          .metric = metric};
        route.next_hops = {{.via = Ip4{ntohl(via)}, .port = interface}};
        routes.push_back(std::move(route));
    }
    return routes;
}

}  // namespace vethway
