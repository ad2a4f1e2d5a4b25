// SPDX-License-Identifier: Apache-2.0
// What a port needs of the kernel about the interface behind it, and puts back when it stops.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "dataplane/net/mac.h"

namespace vethway {

struct KernelLink {
    std::string name;
    unsigned ifindex = 0;
    Mac mac;
    uint16_t mtu = 0;
    short flags = 0;   // IFF_*, as SIOCGIFFLAGS gives them
    bool tso = false;  // it takes super-frames: ethtool's tcp-segmentation-offload

    bool up() const noexcept;
    bool running() const noexcept;  // up, and the other end too (veth: the peer is up)
};

// A descriptor that closes itself; -1 is none.
class Fd {
public:
    Fd() = default;
    explicit Fd(int fd) noexcept : fd_(fd) {}
    Fd(Fd&& other) noexcept : fd_(other.release()) {}
    Fd& operator=(Fd&& other) noexcept {
        reset(other.release());
        return *this;
    }
    ~Fd() { reset(); }
    int get() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ >= 0; }
    int release() noexcept {
        const int fd = fd_;
        fd_ = -1;
        return fd;
    }
    void reset(int fd = -1) noexcept;

private:
    int fd_ = -1;
};

// Control thread. Throws PortError, naming `port` and the cure, if there is no such interface in
// the network namespace of the calling thread.
KernelLink find_kernel_link(const std::string& port, const std::string& netdev);

// Control thread. One process at a time has an interface: an abstract socket of its index, which
// belongs to the network namespace and ends with the process. Throws PortError.
class InterfaceClaim {
public:
    InterfaceClaim(const std::string& port, const KernelLink& link);
    void release() noexcept { socket_.reset(); }
    // Any thread, any process: whether somebody has it now. Takes nothing.
    static bool is_taken(unsigned ifindex) noexcept;

private:
    Fd socket_;
};

// Control thread. Changes an interface and undoes exactly that when destroyed: not what it found
// as wanted, and nothing if the interface is gone. Follows the interface when it is renamed, and
// stays in the network namespace it was made in. Puts IFF_PROMISC back as well: DPDK's drivers
// clear it at start and set it for rte_eth_promiscuous_enable.
class KernelLinkSettings {
public:
    KernelLinkSettings(std::string port, unsigned ifindex);  // throws PortError
    ~KernelLinkSettings();
    KernelLinkSettings(const KernelLinkSettings&) = delete;
    KernelLinkSettings& operator=(const KernelLinkSettings&) = delete;

    std::optional<KernelLink> now() const noexcept;               // none: the interface is gone
    unsigned index_of(const std::string& netdev) const noexcept;  // 0: there is none of that name
    // These throw PortError.
    void bring_up();
    void set_no_arp();
    void set_mtu(uint16_t mtu);
    // All unicast, as long as this object lives: a packet socket's membership, which unlike
    // IFF_PROMISC does not outlive a killed process (net/packet/af_packet.c, packet_flush_mclist).
    void hear_everything();
    // Whether it has been there ever since hear_everything(): an interface that goes to another
    // network namespace and comes back may have its old index, but what was on it is gone.
    bool stayed() const noexcept;

private:
    void set_flag(short flag, const char* what);

    std::string port_;
    unsigned ifindex_;
    Fd ioctl_, promiscuous_;
    short flags_set_ = 0, promiscuous_before_ = 0;
    std::optional<uint16_t> mtu_before_;
};

}  // namespace vethway
