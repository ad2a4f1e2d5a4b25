// SPDX-License-Identifier: Apache-2.0
#include "dataplane/port/kernel_link.h"

#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "dataplane/port/port.h"

namespace vethway {

namespace {

[[noreturn]] void fail(const std::string& port, const std::string& what) {
    throw PortError("port " + port + ": " + what + ": " + std::strerror(errno));
}

ifreq request(const std::string& name) noexcept {
    ifreq r{};
    name.copy(r.ifr_name, sizeof r.ifr_name - 1);
    return r;
}

// By name, because the SIOCGIF* calls know nothing else; the index tells whether it is the same.
std::optional<KernelLink> query(int fd, const std::string& name) noexcept {
    KernelLink link;
    link.name = name;
    ifreq r = request(name);
    if (ioctl(fd, SIOCGIFINDEX, &r) < 0) return std::nullopt;
    link.ifindex = static_cast<unsigned>(r.ifr_ifindex);
    if (ioctl(fd, SIOCGIFFLAGS, &r) < 0) return std::nullopt;
    link.flags = r.ifr_flags;
    if (ioctl(fd, SIOCGIFMTU, &r) < 0) return std::nullopt;
    link.mtu = static_cast<uint16_t>(std::min(r.ifr_mtu, int{UINT16_MAX}));  // lo has 65536
    if (ioctl(fd, SIOCGIFHWADDR, &r) < 0) return std::nullopt;
    std::memcpy(link.mac.bytes.data(), r.ifr_hwaddr.sa_data, link.mac.bytes.size());
    ethtool_value tso{.cmd = ETHTOOL_GTSO, .data = 0};
    r.ifr_data = reinterpret_cast<char*>(&tso);
    link.tso = ioctl(fd, SIOCETHTOOL, &r) == 0 && tso.data != 0;
    return link;
}

Fd ioctl_socket(const std::string& port) {
    Fd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!fd) fail(port, "socket");
    return fd;
}

struct ClaimAddress {
    explicit ClaimAddress(unsigned ifindex) noexcept {
        const std::string name = "vethway-port-" + std::to_string(ifindex);
        un.sun_family = AF_UNIX;
        name.copy(&un.sun_path[1], sizeof un.sun_path - 1);  // behind a zero: abstract
        size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    }
    const sockaddr* address() const noexcept { return reinterpret_cast<const sockaddr*>(&un); }

    sockaddr_un un{};
    socklen_t size = 0;
};

}  // namespace

void Fd::reset(int fd) noexcept {
    if (fd_ >= 0) close(fd_);
    fd_ = fd;
}

bool KernelLink::up() const noexcept { return (flags & IFF_UP) != 0; }

bool KernelLink::running() const noexcept { return up() && (flags & IFF_RUNNING) != 0; }

KernelLink find_kernel_link(const std::string& port, const std::string& netdev) {
    if (netdev.size() >= IFNAMSIZ)
        throw PortError("port " + port + ": \"" + netdev +
                        "\" is too long for an interface's name (15 characters)");
    const auto link = query(ioctl_socket(port).get(), netdev);
    if (!link)
        throw PortError("port " + port + ": no interface \"" + netdev +
                        "\" in this network namespace; create it with: ip link add " + netdev +
                        " type veth peer name <peer>");
    return *link;
}

InterfaceClaim::InterfaceClaim(const std::string& port, const KernelLink& link)
    : socket_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const ClaimAddress at(link.ifindex);
    if (!socket_) fail(port, "socket");
    if (bind(socket_.get(), at.address(), at.size) == 0) return;
    if (errno != EADDRINUSE) fail(port, "bind");
    throw PortError("port " + port + ": interface " + link.name +
                    " belongs to another port or another vethwayd");
}

bool InterfaceClaim::is_taken(unsigned ifindex) noexcept {
    const Fd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const ClaimAddress at(ifindex);
    return fd && connect(fd.get(), at.address(), at.size) == 0;
}

KernelLinkSettings::KernelLinkSettings(std::string port, unsigned ifindex)
    : port_(std::move(port)), ifindex_(ifindex), ioctl_(ioctl_socket(port_)) {
    if (const auto link = now()) promiscuous_before_ = link->flags & IFF_PROMISC;
}

KernelLinkSettings::~KernelLinkSettings() {
    const auto link = now();
    if (!link || !stayed()) return;
    ifreq r = request(link->name);
    if (mtu_before_) {
        r.ifr_mtu = *mtu_before_;
        ioctl(ioctl_.get(), SIOCSIFMTU, &r);
    }
    const short ours = static_cast<short>(flags_set_ | IFF_PROMISC);
    r.ifr_flags = static_cast<short>((link->flags & ~ours) | promiscuous_before_);
    if (r.ifr_flags != link->flags) ioctl(ioctl_.get(), SIOCSIFFLAGS, &r);
}

std::optional<KernelLink> KernelLinkSettings::now() const noexcept {
    ifreq r{};
    r.ifr_ifindex = static_cast<int>(ifindex_);
    if (ioctl(ioctl_.get(), SIOCGIFNAME, &r) < 0) return std::nullopt;
    return query(ioctl_.get(), r.ifr_name);
}

unsigned KernelLinkSettings::index_of(const std::string& netdev) const noexcept {
    ifreq r = request(netdev);
    return ioctl(ioctl_.get(), SIOCGIFINDEX, &r) < 0 ? 0 : static_cast<unsigned>(r.ifr_ifindex);
}

void KernelLinkSettings::bring_up() { set_flag(IFF_UP, "set up"); }

void KernelLinkSettings::set_no_arp() { set_flag(IFF_NOARP, "turn ARP off on"); }

void KernelLinkSettings::set_flag(short flag, const char* what) {
    const auto link = now();
    if (!link) throw PortError("port " + port_ + ": its interface is gone");
    if ((link->flags & flag) != 0) return;
    ifreq r = request(link->name);
    r.ifr_flags = static_cast<short>(link->flags | flag);
    if (ioctl(ioctl_.get(), SIOCSIFFLAGS, &r) < 0)
        fail(port_, std::string("can't ") + what + " " + link->name + " (needs CAP_NET_ADMIN)");
    flags_set_ = static_cast<short>(flags_set_ | flag);
}

void KernelLinkSettings::set_mtu(uint16_t mtu) {
    const auto link = now();
    if (!link) throw PortError("port " + port_ + ": its interface is gone");
    if (link->mtu == mtu) return;
    ifreq r = request(link->name);
    r.ifr_mtu = mtu;
    if (ioctl(ioctl_.get(), SIOCSIFMTU, &r) < 0)
        fail(port_, "can't set MTU " + std::to_string(mtu) + " on " + link->name);
    if (!mtu_before_) mtu_before_ = link->mtu;
}

// net/packet/af_packet.c, packet_notifier: of an interface that goes, the socket forgets the index.
bool KernelLinkSettings::stayed() const noexcept {
    sockaddr_ll at{};
    socklen_t size = sizeof at;
    return !promiscuous_ ||
           getsockname(promiscuous_.get(), reinterpret_cast<sockaddr*>(&at), &size) < 0 ||
           at.sll_ifindex == static_cast<int>(ifindex_);
}

void KernelLinkSettings::hear_everything() {
    if (promiscuous_) return;
    // Protocol 0: the socket itself is never given a frame.
    Fd fd(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
    sockaddr_ll at{};
    at.sll_family = AF_PACKET;
    at.sll_ifindex = static_cast<int>(ifindex_);
    packet_mreq all{};
    all.mr_ifindex = static_cast<int>(ifindex_);
    all.mr_type = PACKET_MR_PROMISC;
    if (!fd || bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) < 0 ||
        setsockopt(fd.get(), SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof all) < 0)
        fail(port_, "can't make the interface promiscuous (needs CAP_NET_RAW)");
    promiscuous_ = std::move(fd);
}

}  // namespace vethway
