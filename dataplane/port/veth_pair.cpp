// SPDX-License-Identifier: Apache-2.0
#include "dataplane/port/veth_pair.h"

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

namespace vethway {

namespace {

using Buffer = std::array<char, 1024>;

struct CloseSocket {
    void operator()(mnl_socket* s) const noexcept { mnl_socket_close(s); }
};

// Sends `message` in the calling thread's network namespace, and hands what comes before the
// acknowledgement to `read`; 0, or the kernel's errno.
int ask_kernel(nlmsghdr* message, mnl_cb_t read = nullptr, void* to = nullptr) {
    const std::unique_ptr<mnl_socket, CloseSocket> socket(
        mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC));
    if (!socket || mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0) return errno;
    message->nlmsg_flags = static_cast<uint16_t>(message->nlmsg_flags | NLM_F_REQUEST | NLM_F_ACK);
    message->nlmsg_seq = 1;
    if (mnl_socket_sendto(socket.get(), message, message->nlmsg_len) < 0) return errno;
    alignas(nlmsghdr) std::array<char, 32768> answer;
    for (;;) {
        const ssize_t got = mnl_socket_recvfrom(socket.get(), answer.data(), answer.size());
        if (got < 0) return errno;
        const int more = mnl_cb_run(answer.data(), static_cast<size_t>(got), 1,
                                    mnl_socket_get_portid(socket.get()), read, to);
        if (more <= MNL_CB_STOP) return more == MNL_CB_STOP ? 0 : errno;
    }
}

nlmsghdr* link_message(Buffer& buffer, uint16_t type, unsigned ifindex, unsigned flags) {
    nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
    message->nlmsg_type = type;
    auto* link = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg)));
    link->ifi_index = static_cast<int>(ifindex);
    link->ifi_flags = link->ifi_change = flags;
    return message;
}

std::string alias_of(const std::string& port) { return "vethway port " + port; }

int read_alias_attribute(const nlattr* attribute, void* to) {
    if (mnl_attr_get_type(attribute) == IFLA_IFALIAS)
        *static_cast<std::string*>(to) = mnl_attr_get_str(attribute);
    return MNL_CB_OK;
}

std::string read_alias(unsigned ifindex) {
    Buffer buffer{};
    std::string alias;
    const auto read = [](const nlmsghdr* link, void* to) {
        return mnl_attr_parse(link, sizeof(ifinfomsg), read_alias_attribute, to);
    };
    ask_kernel(link_message(buffer, RTM_GETLINK, ifindex, 0), read, &alias);
    return alias;
}

int create(const PortSpec& spec, const Fd& peer_netns) {
    Buffer buffer{};
    nlmsghdr* message = link_message(buffer, RTM_NEWLINK, 0, IFF_UP);
    message->nlmsg_flags = NLM_F_CREATE | NLM_F_EXCL;
    mnl_attr_put_strz(message, IFLA_IFNAME, spec.netdev.c_str());
    nlattr* info = mnl_attr_nest_start(message, IFLA_LINKINFO);
    mnl_attr_put_strz(message, IFLA_INFO_KIND, "veth");
    nlattr* data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
    nlattr* peer = mnl_attr_nest_start(message, VETH_INFO_PEER);
    mnl_nlmsg_put_extra_header(message, sizeof(ifinfomsg));
    mnl_attr_put_strz(message, IFLA_IFNAME, spec.peer.c_str());
    if (peer_netns)
        mnl_attr_put_u32(message, IFLA_NET_NS_FD, static_cast<uint32_t>(peer_netns.get()));
    mnl_attr_nest_end(message, peer);
    mnl_attr_nest_end(message, data);
    mnl_attr_nest_end(message, info);
    return ask_kernel(message);
}

// Not when it is made: veth_open() of drivers/net/veth.c wants both ends.
int set_up(const std::string& port, const Fd& netns, const std::string& netdev) {
    const NetnsScope scope(port, netns);
    Buffer buffer{};
    return ask_kernel(link_message(buffer, RTM_NEWLINK, if_nametoindex(netdev.c_str()), IFF_UP));
}

void set_alias(unsigned ifindex, const std::string& alias) {
    Buffer buffer{};
    nlmsghdr* message = link_message(buffer, RTM_NEWLINK, ifindex, 0);
    mnl_attr_put(message, IFLA_IFALIAS, alias.size(), alias.c_str());
    ask_kernel(message);
}

}  // namespace

VethPair::VethPair(const PortSpec& spec)
    : port_(spec.name), netdev_(spec.netdev), netns_(open_netns(spec.name, spec.netns)) {
    // Empty: where vethwayd lives, wherever the port does.
    const Fd peer_netns = open_netns(
        spec.name, spec.peer_netns.empty() ? "/proc/thread-self/ns/net" : spec.peer_netns);
    const NetnsScope scope(spec.name, netns_);
    if (const unsigned found = if_nametoindex(netdev_.c_str()); found != 0) {
        if (read_alias(found) != alias_of(port_))
            throw PortError("port " + port_ + ": interface " + netdev_ +
                            " exists already and was not made by vethway: leave \"create\" out, or "
                            "remove it with: ip link del " +
                            netdev_);
        ifindex_ = found;
        return;
    }
    int error = create(spec, peer_netns);
    if (error == 0) error = set_up(port_, peer_netns, spec.peer);
    if (error != 0)
        throw PortError("port " + port_ + ": can't make the veth pair " + netdev_ + ", " +
                        spec.peer + ": " + std::strerror(error) +
                        (error == EPERM ? " (needs CAP_NET_ADMIN in both namespaces)" : ""));
    ifindex_ = if_nametoindex(netdev_.c_str());
    set_alias(ifindex_, alias_of(port_));
}

VethPair::~VethPair() {
    const NetnsScope scope(port_, netns_);
    Buffer buffer{};
    if (if_nametoindex(netdev_.c_str()) == ifindex_)
        ask_kernel(link_message(buffer, RTM_DELLINK, ifindex_, 0));
}

}  // namespace vethway
