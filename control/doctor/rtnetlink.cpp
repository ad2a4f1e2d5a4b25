// SPDX-License-Identifier: Apache-2.0
#include "control/doctor/rtnetlink.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <linux/net_namespace.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>

#include "dataplane/net/mac.h"
#include "dataplane/port/port.h"

namespace vethway::doctor {

namespace {

struct Request {
    explicit Request(int type, int flags = 0) {
        header = mnl_nlmsg_put_header(buffer.data());
        header->nlmsg_type = static_cast<uint16_t>(type);
        header->nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
    }
    template <class Extra>
    Extra& extra() {
        return *static_cast<Extra*>(mnl_nlmsg_put_extra_header(header, sizeof(Extra)));
    }
    alignas(nlmsghdr) std::array<char, 256> buffer{};
    nlmsghdr* header;
};

using Attributes = std::map<unsigned, const nlattr*>;

int collect(const nlattr* attribute, void* into) {
    (*static_cast<Attributes*>(into))[mnl_attr_get_type(attribute)] = attribute;
    return MNL_CB_OK;
}

Attributes attributes_of(const nlmsghdr& message, size_t header_size) {
    Attributes found;
    mnl_attr_parse(&message, static_cast<unsigned>(header_size), collect, &found);
    return found;
}

// Without what a terminal would obey.
std::string text(const Attributes& a, unsigned type) {
    const auto found = a.find(type);
    std::string text = found == a.end() ? "" : mnl_attr_get_str(found->second);
    std::ranges::replace_if(
        text, [](unsigned char c) { return std::iscntrl(c) != 0; }, '?');
    return text;
}

std::optional<unsigned> number(const Attributes& a, unsigned type) {
    const auto found = a.find(type);
    return found == a.end() ? std::nullopt : std::optional(mnl_attr_get_u32(found->second));
}

std::string kind_of(const Attributes& link) {
    const auto info = link.find(IFLA_LINKINFO);
    if (info == link.end()) return {};
    Attributes inner;
    mnl_attr_parse_nested(info->second, collect, &inner);
    return text(inner, IFLA_INFO_KIND);
}

// The program's, where it is one: libbpf writes "name:[id]".
std::string filter_name(const Attributes& filter) {
    std::string kind = text(filter, TCA_KIND);
    const auto options = filter.find(TCA_OPTIONS);
    if (kind != "bpf" || options == filter.end()) return kind;
    Attributes inner;
    mnl_attr_parse_nested(options->second, collect, &inner);
    return text(inner, TCA_BPF_NAME);
}

Link parse_link(const nlmsghdr& message) {
    const auto& info = *static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(&message));
    const Attributes a = attributes_of(message, sizeof info);
    Link link;
    link.ifindex = static_cast<unsigned>(info.ifi_index);
    link.name = text(a, IFLA_IFNAME);
    link.kind = kind_of(a);
    link.up = (info.ifi_flags & IFF_UP) != 0;
    link.carrier = (info.ifi_flags & IFF_RUNNING) != 0;
    link.mtu = number(a, IFLA_MTU).value_or(0);
    link.promiscuity = number(a, IFLA_PROMISCUITY).value_or(0);
    link.qdisc = text(a, IFLA_QDISC);
    link.master = number(a, IFLA_MASTER).value_or(0);
    if (const auto mac = a.find(IFLA_ADDRESS);
        mac != a.end() && mnl_attr_get_payload_len(mac->second) == 6) {
        Mac m;
        std::memcpy(m.bytes.data(), mnl_attr_get_payload(mac->second), m.bytes.size());
        link.mac = m.to_string();
    }
    if (link.kind == "veth") {
        link.peer = number(a, IFLA_LINK);
        if (const auto nsid = number(a, IFLA_LINK_NETNSID))
            link.peer_nsid = static_cast<int>(*nsid);
    }
    return link;
}

}  // namespace

Rtnetlink::Rtnetlink() : socket_(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)) {
    const timeval patience{.tv_sec = 2, .tv_usec = 0};  // the kernel answers at once, or never
    if (!socket_ ||
        setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0)
        throw PortError(std::string("netlink: ") + std::strerror(errno));
}

void Rtnetlink::ask(nlmsghdr& request, const Each& each) {
    request.nlmsg_seq = ++sequence_;
    if (send(socket_.get(), &request, request.nlmsg_len, 0) < 0) return;
    const bool dump = (request.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
    alignas(nlmsghdr) std::array<char, 32768> buffer;  // netlink_dump's most
    for (;;) {
        const ssize_t got = recv(socket_.get(), buffer.data(), buffer.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return;
        int left = static_cast<int>(got);
        for (auto* m = reinterpret_cast<const nlmsghdr*>(buffer.data()); mnl_nlmsg_ok(m, left);
             m = mnl_nlmsg_next(m, &left)) {
            if (m->nlmsg_seq != sequence_) continue;
            if (m->nlmsg_type == NLMSG_DONE || m->nlmsg_type == NLMSG_ERROR) return;
            each(*m);
            if (!dump) return;
        }
    }
}

std::optional<Link> Rtnetlink::ask_link(nlmsghdr& request) {
    std::optional<Link> found;
    ask(request, [&found](const nlmsghdr& m) {
        if (m.nlmsg_type == RTM_NEWLINK) found = parse_link(m);
    });
    return found;
}

std::optional<Link> Rtnetlink::link(const std::string& name) {
    if (name.empty() || name.size() >= IFNAMSIZ) return std::nullopt;
    Request request(RTM_GETLINK);
    request.extra<ifinfomsg>();
    mnl_attr_put_strz(request.header, IFLA_IFNAME, name.c_str());
    return ask_link(*request.header);
}

std::optional<Link> Rtnetlink::link(unsigned ifindex, std::optional<int> nsid) {
    Request request(RTM_GETLINK);
    request.extra<ifinfomsg>().ifi_index = static_cast<int>(ifindex);
    if (nsid) mnl_attr_put_u32(request.header, IFLA_TARGET_NETNSID, static_cast<uint32_t>(*nsid));
    return ask_link(*request.header);
}

std::vector<std::string> Rtnetlink::addresses(unsigned ifindex) {
    Request request(RTM_GETADDR, NLM_F_DUMP);
    request.extra<ifaddrmsg>();
    std::vector<std::string> found;
    ask(*request.header, [&](const nlmsghdr& m) {
        const auto& address = *static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(&m));
        if (m.nlmsg_type != RTM_NEWADDR || address.ifa_index != ifindex) return;
        const Attributes a = attributes_of(m, sizeof address);
        // IFA_ADDRESS is the other end's on a point-to-point link.
        auto at = a.find(IFA_LOCAL);
        if (at == a.end()) at = a.find(IFA_ADDRESS);
        std::array<char, INET6_ADDRSTRLEN> text{};
        if (at == a.end() || inet_ntop(address.ifa_family, mnl_attr_get_payload(at->second),
                                       text.data(), text.size()) == nullptr)
            return;
        found.push_back(fmt::format("{}/{}", text.data(), address.ifa_prefixlen));
    });
    return found;
}

// The kernel tells of a filter several times, once for each of its parts.
std::vector<Program> Rtnetlink::filters(unsigned ifindex, bool ingress) {
    Request request(RTM_GETTFILTER, NLM_F_DUMP);
    auto& tc = request.extra<tcmsg>();
    tc.tcm_ifindex = static_cast<int>(ifindex);
    tc.tcm_parent = TC_H_MAKE(TC_H_CLSACT, ingress ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
    std::map<unsigned, Program> found;  // by preference
    ask(*request.header, [&](const nlmsghdr& m) {
        if (m.nlmsg_type != RTM_NEWTFILTER) return;
        const auto& filter = *static_cast<const tcmsg*>(mnl_nlmsg_get_payload(&m));
        const unsigned preference = TC_H_MAJ(filter.tcm_info) >> 16;
        Program& program = found[preference];
        program.place = ingress ? "tc ingress" : "tc egress";
        program.id = preference;
        if (std::string name = filter_name(attributes_of(m, sizeof filter)); !name.empty())
            program.name = std::move(name);
    });
    std::vector<Program> list;
    list.reserve(found.size());
    for (auto& [preference, program] : found) list.push_back(std::move(program));
    return list;
}

// Asked for its own process first: the thread may be in another namespace than that.
std::string Rtnetlink::netns_name(int nsid) {
    if (nsid_of(NETNSA_PID, static_cast<uint32_t>(getpid())) == nsid) return {};
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/run/netns", error)) {
        const Fd fd(open(entry.path().c_str(), O_RDONLY | O_CLOEXEC));
        if (fd && nsid_of(NETNSA_FD, static_cast<uint32_t>(fd.get())) == nsid)
            return entry.path().filename();
    }
    return "?";
}

std::optional<int> Rtnetlink::nsid_of(int attribute, uint32_t value) {
    Request request(RTM_GETNSID);
    request.extra<rtgenmsg>();
    mnl_attr_put_u32(request.header, static_cast<uint16_t>(attribute), value);
    std::optional<int> found;
    ask(*request.header, [&found](const nlmsghdr& m) {
        if (m.nlmsg_type != RTM_NEWNSID) return;
        if (const auto id = number(attributes_of(m, sizeof(rtgenmsg)), NETNSA_NSID))
            found = static_cast<int>(*id);
    });
    return found;
}

}  // namespace vethway::doctor
