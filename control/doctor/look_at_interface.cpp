// SPDX-License-Identifier: Apache-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

#include "control/doctor/gather.h"
#include "control/doctor/rtnetlink.h"
#include "dataplane/port/kernel_link.h"
#include "dataplane/port/netns.h"
#include "dataplane/port/port.h"
#include "dataplane/port/tcx.h"

namespace vethway::doctor {

namespace {

std::optional<uint32_t> ask_ethtool(int fd, const std::string& netdev, uint32_t command) {
    ethtool_value value{.cmd = command, .data = 0};
    ifreq r{};
    netdev.copy(r.ifr_name, sizeof r.ifr_name - 1);
    r.ifr_data = reinterpret_cast<char*>(&value);
    return ioctl(fd, SIOCETHTOOL, &r) == 0 ? std::optional(value.data) : std::nullopt;
}

std::optional<Offloads> offloads_of(const std::string& netdev) {
    const Fd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const auto checksum = ask_ethtool(fd.get(), netdev, ETHTOOL_GTXCSUM);
    const auto tso = ask_ethtool(fd.get(), netdev, ETHTOOL_GTSO);
    const auto gso = ask_ethtool(fd.get(), netdev, ETHTOOL_GGSO);
    const auto gro = ask_ethtool(fd.get(), netdev, ETHTOOL_GGRO);
    if (!checksum || !tso || !gso || !gro) return std::nullopt;
    return Offloads{
        .checksum = *checksum != 0, .tso = *tso != 0, .gso = *gso != 0, .gro = *gro != 0};
}

// What programs are named is for those to know who may open them (CAP_SYS_ADMIN).
std::string name_of(uint32_t program) {
    const Fd fd(bpf_prog_get_fd_by_id(program));
    bpf_prog_info info{};
    uint32_t size = sizeof info;
    return fd && bpf_obj_get_info_by_fd(fd.get(), &info, &size) == 0 ? info.name : "";
}

void add_tcx(unsigned ifindex, bpf_attach_type where, const char* place,
             std::vector<Program>& found) {
    std::array<uint32_t, 16> ids{};
    struct bpf_prog_query_opts query {};  // there is a function of that name, too
    query.sz = sizeof query;
    query.prog_ids = ids.data();
    query.prog_cnt = ids.size();
    if (bpf_prog_query_opts(static_cast<int>(ifindex), where, &query) != 0) return;
    for (size_t i = 0; i < query.prog_cnt && i < ids.size(); ++i)
        found.push_back({place, ids[i], name_of(ids[i])});
}

std::vector<Program> programs_on(unsigned ifindex) {
    std::vector<Program> found;
    uint32_t xdp = 0;
    if (bpf_xdp_query_id(static_cast<int>(ifindex), 0, &xdp) == 0 && xdp != 0)
        found.push_back({"XDP", xdp, name_of(xdp)});
    add_tcx(ifindex, kTcxIngress, "TCX ingress", found);
    add_tcx(ifindex, kTcxEgress, "TCX egress", found);
    return found;
}

// Of the interface, in the namespace of who reads it.
bool sysctl_is(const std::string& key, const std::string& value) {
    std::string line;
    std::ifstream in("/proc/sys/net/" + key);
    return std::getline(in, line) && line == value;
}

std::string name_of_link(Rtnetlink& rtnetlink, unsigned ifindex, std::optional<int> nsid) {
    if (ifindex == 0) return {};
    const auto link = rtnetlink.link(ifindex, nsid);
    return link ? link->name : std::to_string(ifindex);
}

// Where the other end is, seen from the port's interface.
std::string netns_of(Rtnetlink& rtnetlink, const Link& link, const PortFacts& port) {
    return link.peer_nsid ? rtnetlink.netns_name(*link.peer_nsid) : port.netns;
}

std::optional<Peer> peer_of(Rtnetlink& rtnetlink, const Link& link, const PortFacts& port) {
    if (!link.peer) return std::nullopt;
    const auto found = rtnetlink.link(*link.peer, link.peer_nsid);
    if (!found) return std::nullopt;
    Peer peer{.link = *found, .netns = netns_of(rtnetlink, link, port)};
    peer.master = name_of_link(rtnetlink, found->master, link.peer_nsid);
    if (!link.peer_nsid) peer.offloads = offloads_of(found->name);
    return peer;
}

void look_here(PortFacts& port) {
    Rtnetlink rtnetlink;
    const auto link = rtnetlink.link(port.netdev);
    if (!link) return;
    Interface& found = port.interface.emplace();
    found.link = *link;
    found.master = name_of_link(rtnetlink, link->master, std::nullopt);
    found.addresses = rtnetlink.addresses(link->ifindex);
    found.ipv6 = sysctl_is("ipv6/conf/" + link->name + "/disable_ipv6", "0");
    found.forwards = sysctl_is("ipv4/conf/" + link->name + "/forwarding", "1");
    found.offloads = offloads_of(link->name);
    found.programs = programs_on(link->ifindex);
    for (const bool ingress : {true, false})
        std::ranges::move(rtnetlink.filters(link->ifindex, ingress),
                          std::back_inserter(found.programs));
    found.taken = InterfaceClaim::is_taken(link->ifindex);
    port.peer = peer_of(rtnetlink, *link, port);
}

}  // namespace

void look_at_interface(PortFacts& port) {
    if (port.netdev.empty()) return;
    try {
        const Fd netns = open_netns(port.name, port.netns);
        const NetnsScope scope(port.name, netns);
        look_here(port);
    } catch (const PortError& e) {
        port.unseen = e.what();
    }
}

}  // namespace vethway::doctor
