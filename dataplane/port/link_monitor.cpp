// SPDX-License-Identifier: Apache-2.0
#include "dataplane/port/link_monitor.h"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "dataplane/port/port.h"

namespace vethway {

namespace {

int read_attribute(const nlattr* attribute, void* change) {
    auto& c = *static_cast<LinkChange*>(change);
    switch (mnl_attr_get_type(attribute)) {
        case IFLA_IFNAME:
            c.name = mnl_attr_get_str(attribute);
            break;
        case IFLA_MTU:
            c.mtu =
                static_cast<uint16_t>(std::min(mnl_attr_get_u32(attribute), uint32_t{UINT16_MAX}));
            break;
        default:
            break;
    }
    return MNL_CB_OK;
}

LinkChange parse(const nlmsghdr* message) {
    const auto* info = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(message));
    LinkChange c;
    c.ifindex = static_cast<unsigned>(info->ifi_index);
    c.running = (info->ifi_flags & IFF_UP) != 0 && (info->ifi_flags & IFF_RUNNING) != 0;
    c.deleted = message->nlmsg_type == RTM_DELLINK;
    mnl_attr_parse(message, sizeof *info, read_attribute, &c);
    return c;
}

[[noreturn]] void fail(const char* call) {
    throw PortError(std::string("link monitor: ") + call + ": " + std::strerror(errno));
}

}  // namespace

LinkMonitor::LinkMonitor()
    : socket_(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE)) {
    if (!socket_) fail("socket");
    sockaddr_nl at{};
    at.nl_family = AF_NETLINK;
    at.nl_groups = RTMGRP_LINK;
    if (bind(socket_.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) < 0) fail("bind");
}

void LinkMonitor::ask_for_all() {
    if (dumping_) {
        dump_again_ = true;
        return;
    }
    std::array<char, MNL_ALIGN(sizeof(nlmsghdr)) + MNL_ALIGN(sizeof(ifinfomsg))> buffer{};
    nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
    request->nlmsg_type = RTM_GETLINK;
    request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    mnl_nlmsg_put_extra_header(request, sizeof(ifinfomsg));
    dumping_ = send(socket_.get(), request, request->nlmsg_len, 0) >= 0;
}

bool LinkMonitor::drain(const Callback& report) {
    // A dump's message may be 32 KiB (net/netlink/af_netlink.c, netlink_dump).
    alignas(nlmsghdr) std::array<char, 32768> buffer;
    bool lost = false;
    for (;;) {
        const ssize_t got = recv(socket_.get(), buffer.data(), buffer.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == ENOBUFS) {
            lost = true;
            ask_for_all();
            continue;
        }
        if (got <= 0) return lost;
        int left = static_cast<int>(got);
        for (auto* m = reinterpret_cast<const nlmsghdr*>(buffer.data()); mnl_nlmsg_ok(m, left);
             m = mnl_nlmsg_next(m, &left)) {
            if (m->nlmsg_type == RTM_NEWLINK || m->nlmsg_type == RTM_DELLINK) report(parse(m));
            if (m->nlmsg_type != NLMSG_DONE && m->nlmsg_type != NLMSG_ERROR) continue;
            dumping_ = false;
            if (std::exchange(dump_again_, false)) ask_for_all();
        }
    }
}

}  // namespace vethway
