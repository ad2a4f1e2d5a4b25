// SPDX-License-Identifier: Apache-2.0
// What the switch asks of a port's driver; one indirect call a burst.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include "dataplane/net/mac.h"

namespace vethway {

// A port that can't be opened or set up: names the port, what was tried, why not, and the cure.
struct PortError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct PortInfo {
    std::string driver;       // "net_af_xdp", …: what moves the packets
    std::string device;       // DPDK's name of it
    std::string netdev;       // the kernel interface behind it; empty if none
    unsigned ifindex = 0;     // of netdev
    std::string note;         // what a user should know of it ("XDP refused: …; using af_packet")
    Mac mac;                  // the device's own
    uint16_t mtu = 1500;      // bytes of IP packet
    uint16_t own_mtu = 1500;  // what it was when opened, before the configuration's was set
    uint16_t rx_queues = 1, tx_queues = 1;
    bool partial_checksums = false;  // frames may carry TCP/UDP checksums left to an offload
    bool may_truncate = false;       // frames may arrive cut
};

// Losses that only the driver sees; they never entered the switch's own accounting.
struct PortStats {
    uint64_t rx_missed = 0;  // the ring was full
    uint64_t rx_errors = 0;
    uint64_t rx_no_buffer = 0;  // no mbuf to receive into
    uint64_t tx_errors = 0;
};

class Port {
public:
    virtual ~Port() = default;  // control thread, when no worker uses the port any more

    // Worker: the one that polls `queue`. The driver sets data, length, and mbuf->port is
    // undefined.
    virtual uint16_t rx_burst(uint16_t queue, rte_mbuf** frames, uint16_t n) noexcept = 0;
    // Worker: the one that owns `queue`. Takes the first so many; the rest stay the caller's.
    virtual uint16_t tx_burst(uint16_t queue, rte_mbuf** frames, uint16_t n) noexcept = 0;
    // Worker: readable when `queue` has frames; -1 if the driver has no such descriptor.
    virtual int rx_fd(uint16_t /*queue*/) const noexcept { return -1; }

    // Control thread.
    const PortInfo& info() const noexcept { return info_; }
    virtual PortStats stats() const noexcept = 0;
    virtual bool link_up() const noexcept = 0;
    virtual void set_mtu(uint16_t mtu) = 0;  // throws PortError; updates info().mtu
    // Looks what others have changed meanwhile; true if info() did.
    virtual bool refresh() noexcept { return false; }

protected:
    PortInfo info_;
};

// What to open. Made by the control thread from its configuration.
struct PortSpec {
    enum class Kind : uint8_t { ethdev, af_packet, af_xdp, veth };
    std::string name;  // the port's, in errors and as part of the device's name
    Kind kind = Kind::ethdev;
    std::string netdev;   // af_packet, af_xdp, veth
    std::string devargs;  // ethdev: as EAL's --vdev or -a takes it
    std::optional<Mac> mac;
    std::optional<uint16_t> mtu;
    unsigned queues = 1;  // wanted of each direction: one a worker; a driver may have fewer
    unsigned unique = 0;  // makes DPDK's device name unique among those open at once
};

// Control thread: opens, sets up and starts the port. Throws PortError and then has left nothing
// behind. `pool` must outlive the port.
std::unique_ptr<Port> open_port(const PortSpec& spec, rte_mempool& pool);

}  // namespace vethway
