// SPDX-License-Identifier: Apache-2.0
// What the switch asks of a port's driver; one indirect call a burst.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "dataplane/frame_buffers.h"
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
    std::string netns;        // where netdev lives; empty: where we do
    unsigned ifindex = 0;     // of netdev
    std::string note;         // what a user should know of it; see add_note()
    Mac mac;                  // the device's own
    uint16_t mtu = 1500;      // bytes of IP packet
    uint16_t own_mtu = 1500;  // what it was when opened, before the configuration's was set
    uint16_t rx_queues = 1, tx_queues = 1;
    bool partial_checksums = false;  // frames may carry TCP/UDP checksums left to an offload
    bool may_truncate = false;       // frames may arrive cut
    // Frames come with meta().offload, and may go with it: nothing is left for us to do.
    bool offloads = false;
    bool super_frames = false;  // and it takes frames of several segments
    // Frames that it is given may share their bytes with others (indirect mbufs), and be of up to
    // three segments: it reads them, and does nothing else with the mbuf but to free it.
    bool shares_mbufs = false;

    void add_note(const std::string& what) { note += (note.empty() ? "" : "; ") + what; }
};

// Losses that only the driver sees; they never entered the switch's own accounting.
struct PortStats {
    uint64_t rx_missed = 0;  // the ring was full
    uint64_t rx_errors = 0;
    uint64_t rx_no_buffer = 0;  // no mbuf to receive into
    uint64_t tx_errors = 0;
};

// Of the frames given to tx_burst(): first those sent, which are the driver's now; behind them
// those that the device will never take, and meta().why; behind those the rest, for which it has no
// room now.
struct TxResult {
    uint16_t sent = 0, refused = 0;
};

class Port {
public:
    virtual ~Port() = default;  // control thread, when no worker uses the port any more
    // Any other thread may destroy it as well, beside others.
    virtual bool is_closed_anywhere() const noexcept { return false; }

    // Worker: the one that polls `queue`. The driver sets data and length, and meta().offload where
    // info().offloads; nothing else is defined.
    virtual uint16_t rx_burst(uint16_t queue, rte_mbuf** frames, uint16_t n) noexcept = 0;
    // Worker: the one that owns `queue`. May change the order of `frames`, not of those sent.
    virtual TxResult tx_burst(uint16_t queue, rte_mbuf** frames, uint16_t n) noexcept = 0;
    // Worker: readable when `queue` has frames; -1 if the driver has no such descriptor.
    virtual int rx_fd(uint16_t /*queue*/) const noexcept { return -1; }
    // Worker: when the first frame of the last burst reached the interface, in ns of
    // CLOCK_REALTIME; 0 if the driver can't say.
    virtual uint64_t arrival_ns(uint16_t /*queue*/) const noexcept { return 0; }

    // Control thread.
    const PortInfo& info() const noexcept { return info_; }
    virtual PortStats stats() const noexcept = 0;
    virtual std::string down_reason() const = 0;  // "" while the link is up
    bool link_up() const { return down_reason().empty(); }
    // The interface was gone, and one of its name is there now: only opening the port anew gets it.
    virtual bool is_replaced() const noexcept { return false; }
    // Of such a port: no longer claims the interface, so that it can be opened anew beside this
    // one.
    virtual void let_go() noexcept {}
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
    std::string netdev;  // af_packet, af_xdp, veth
    std::string netns;   // where it lives (netns.h); empty: where we do
    std::string peer;    // veth: make the pair, with this at the other end; empty: it is there
    std::string peer_netns;
    bool shield = true;        // keep the kernel's own stack off it
    bool qdisc_bypass = true;  // veth: what is sent meets no queueing discipline of the interface
    std::string devargs;       // ethdev: as EAL's --vdev or -a takes it
    std::optional<Mac> mac;
    std::optional<uint16_t> mtu;
    unsigned queues = 1;  // wanted of each direction: one a worker; a driver may have fewer
    unsigned unique = 0;  // makes DPDK's device name unique among those open at once
};

// Control thread: opens, sets up and starts the port. Throws PortError and then has left nothing
// behind. The pools of `buffers` must outlive the port.
std::unique_ptr<Port> open_port(const PortSpec& spec, const FrameBuffers& buffers);

// Control thread: destroys them, none of which a worker uses any more.
void close_ports(std::vector<std::unique_ptr<Port>> ports) noexcept;

}  // namespace vethway
