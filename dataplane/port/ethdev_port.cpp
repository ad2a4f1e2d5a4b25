// SPDX-License-Identifier: Apache-2.0
#include "dataplane/port/ethdev_port.h"

#include <net/if.h>
#include <rte_bus.h>
#include <rte_ether.h>
#include <rte_ring.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <string_view>

#include "dataplane/port/own_sockets.h"
#include "dataplane/port/stable_mac.h"
#include "dataplane/port/xdp_attachment.h"
#include "dataplane/port/xdp_queue.h"

namespace vethway {

namespace {

constexpr std::string_view kAfXdp = "net_af_xdp", kRing = "net_ring";
constexpr uint32_t kLeastMtu = 68;  // RFC 791: every network carries that much

std::string device_name(const std::string& devargs) { return devargs.substr(0, devargs.find(',')); }

bool is_virtual(const std::string& device) { return device.find(':') == std::string::npos; }

// net_ring makes 16 rings and frees those that were configured; the next device of that name would
// find the others and take them over (drivers/net/ring/rte_eth_ring.c, eth_dev_close).
void free_leftover_rings(const std::string& device) noexcept {
    for (int i = 0; i < 16; ++i)
        rte_ring_free(rte_ring_lookup(("ETH_RXTX" + std::to_string(i) + "_" + device).c_str()));
}

}  // namespace

std::string numbered_devargs(const std::string& devargs, unsigned unique) {
    const std::string device = device_name(devargs);
    if (!device.starts_with("net_") || std::isdigit(static_cast<unsigned char>(device.back())))
        return devargs;
    return device + std::to_string(unique) + devargs.substr(device.size());
}

EthdevPort::EthdevPort(const PortSpec& spec, rte_mempool& pool)
    : EthdevPort(spec, numbered_devargs(spec.devargs, spec.unique)) {
    start(spec.queues, 0, spec.mtu, pool);
    choose_mac(spec);
}

EthdevPort::EthdevPort(const PortSpec& spec, const std::string& devargs) : EthdevPort(spec.name) {
    probe(devargs);
}

void EthdevPort::fail(const std::string& what) const {
    throw PortError("port " + name_ + ": " + what);
}

void EthdevPort::fail(const std::string& call, int error) const {
    fail(call + " of " + info_.device + ": " + std::strerror(error < 0 ? -error : error));
}

void EthdevPort::probe(const std::string& devargs) {
    const std::string device = device_name(devargs);
    if (device.empty()) fail("no device given");
    if (is_virtual(device) && rte_eth_dev_get_port_by_name(device.c_str(), &id_) == 0) {
        id_ = RTE_MAX_ETHPORTS;
        fail("DPDK device \"" + device + "\" is open already; give it another number");
    }
    if (rte_eth_dev_count_total() >= RTE_MAX_ETHPORTS)
        fail("DPDK holds " + std::to_string(RTE_MAX_ETHPORTS) +
             " devices and no more: remove other ports first, in a change of their own");
    if (device.starts_with(kAfXdp)) silence_bpf_libraries();
    const int rc = rte_dev_probe(devargs.c_str());
    // A PCI device may have been probed when EAL started.
    if (rc < 0 && (is_virtual(device) || rc != -EEXIST))
        fail("DPDK can't open \"" + devargs + "\"" +
             // -1 is no errno: the driver has said why in its own words.
             (rc == -1 ? "" : std::string(" (") + std::strerror(-rc) + ')') +
             ": no such driver, or it refused an argument; its own words are in vethwayd's log");
    find_device(device);
    rte_eth_dev_info dev{};
    if (const int r = rte_eth_dev_info_get(id_, &dev); r < 0) fail("rte_eth_dev_info_get", r);
    info_.device = device;
    info_.driver = dev.driver_name;
    info_.ifindex = dev.if_index;
    if (char netdev[IF_NAMESIZE]; dev.if_index != 0 && if_indextoname(dev.if_index, netdev))
        info_.netdev = netdev;
    if (dev.if_index != 0 && !kernel_) kernel_.emplace(name_, dev.if_index);
    // The kernel's own frames reach a live capture and the AF_* drivers with their checksum left
    // to an offload; tun_get_user's counterpart in drivers/net/tun.c completes it for a tap.
    info_.partial_checksums = dev.if_index != 0 && info_.driver != "net_tap";
    info_.may_truncate = info_.driver == "net_af_packet";
    // Others hand mbufs on to whoever receives them (net_ring), or look for their bytes where a
    // direct mbuf has them (af_xdp_tx_zc of rte_eth_af_xdp.c).
    info_.shares_mbufs = info_.driver == "net_memif" || info_.driver == "net_tap" ||
                         info_.driver == "net_pcap" || info_.driver == "net_null";
}

void EthdevPort::find_device(const std::string& device) {
    for (uint16_t id = 0; id < RTE_MAX_ETHPORTS; ++id) {
        rte_eth_dev_info dev{};
        if (rte_eth_dev_is_valid_port(id) == 0 || rte_eth_dev_info_get(id, &dev) < 0) continue;
        if (device != rte_dev_name(dev.device)) continue;
        id_ = id;
        device_ = dev.device;
        return;
    }
    rte_eal_hotplug_remove(is_virtual(device) ? "vdev" : "pci", device.c_str());
    fail("\"" + device + "\" is no Ethernet device");
}

void EthdevPort::start(unsigned queues, uint16_t descriptors, std::optional<uint16_t> mtu,
                       rte_mempool& pool) {
    rte_eth_dev_info dev{};
    if (const int rc = rte_eth_dev_info_get(id_, &dev); rc < 0) fail("rte_eth_dev_info_get", rc);
    pool_ = &pool;
    if (mtu) check_mtu(*mtu);
    rte_eth_dev_get_mtu(id_, &info_.own_mtu);
    configure(dev, queues, mtu);
    if (info_.driver == kAfXdp) wait_for_xdp_queue(name_, info_.ifindex);
    const std::vector<int> sockets = vethway::xdp_sockets(), maps = bpf_maps();
    set_up_queues(dev, descriptors, pool);
    if (info_.driver == kAfXdp) {
        xdp_sockets_ = added(sockets, vethway::xdp_sockets());
        for (const int fd : xdp_sockets_) xsk_rings_.emplace_back(fd);
        xdp_maps_ = added(maps, bpf_maps());
    }
    if (mtu) apply_mtu(*mtu);
    if (const int rc = rte_eth_dev_start(id_); rc < 0) fail("rte_eth_dev_start", rc);
    started_ = true;
    rte_eth_dev_get_mtu(id_, &info_.mtu);
    rte_ether_addr mac{};
    if (rte_eth_macaddr_get(id_, &mac) == 0)
        std::memcpy(info_.mac.bytes.data(), mac.addr_bytes, sizeof mac.addr_bytes);
}

EthdevPort::MtuRange EthdevPort::mtu_range(const rte_eth_dev_info& dev) const {
    // As eth_dev_get_overhead_len, lib/ethdev/rte_ethdev.c.
    const uint32_t overhead = dev.max_mtu != UINT16_MAX && dev.max_rx_pktlen > dev.max_mtu
                                  ? dev.max_rx_pktlen - dev.max_mtu
                                  : uint32_t{RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN};
    MtuRange range{std::max(uint32_t{dev.min_mtu}, kLeastMtu),
                   std::min<uint32_t>(dev.max_mtu, dev.max_rx_pktlen - overhead), info_.driver};
    // One frame, one mbuf: we ask for no scattered receive.
    const uint32_t room =
        uint32_t{rte_pktmbuf_data_room_size(pool_)} - RTE_PKTMBUF_HEADROOM - kFrameOverhead;
    if (room < range.most) range = {range.least, room, "the size of an mbuf"};
    return range;
}

void EthdevPort::check_mtu(uint16_t mtu) const {
    rte_eth_dev_info dev{};
    if (rte_eth_dev_info_get(id_, &dev) < 0) return;
    const MtuRange range = mtu_range(dev);
    if (mtu < range.least || mtu > range.most)
        fail("MTU " + std::to_string(mtu) + " is out of reach: " + range.limited_by + " allows " +
             std::to_string(range.least) + " to " + std::to_string(range.most));
}

void EthdevPort::configure(const rte_eth_dev_info& dev, unsigned queues,
                           std::optional<uint16_t> mtu) {
    const auto at_most = [queues](uint16_t max) {
        return static_cast<uint16_t>(std::clamp(queues, 1U, std::max(1U, unsigned{max})));
    };
    info_.rx_queues = at_most(dev.max_rx_queues);
    info_.tx_queues = at_most(dev.max_tx_queues);
    rte_eth_conf conf{};
    conf.rxmode.mtu = mtu.value_or(0);  // 0: the device's default
    const int rc = rte_eth_dev_configure(id_, info_.rx_queues, info_.tx_queues, &conf);
    if (rc < 0) fail("rte_eth_dev_configure", rc);
}

// 0 descriptors: what the driver proposes, or ethdev's 512.
void EthdevPort::set_up_queues(const rte_eth_dev_info& dev, uint16_t descriptors,
                               rte_mempool& pool) {
    uint16_t rx = descriptors, tx = descriptors;
    if (descriptors != 0) rte_eth_dev_adjust_nb_rx_tx_desc(id_, &rx, &tx);
    const auto socket = static_cast<unsigned>(rte_eth_dev_socket_id(id_));
    for (uint16_t q = 0; q < info_.rx_queues; ++q)
        if (const int rc = rte_eth_rx_queue_setup(id_, q, rx, socket, &dev.default_rxconf, &pool);
            rc < 0)
            fail("rte_eth_rx_queue_setup", rc);
    for (uint16_t q = 0; q < info_.tx_queues; ++q)
        if (const int rc = rte_eth_tx_queue_setup(id_, q, tx, socket, &dev.default_txconf); rc < 0)
            fail("rte_eth_tx_queue_setup", rc);
}

// We filter by address in software, so a device that can't be given one only has to hear all.
void EthdevPort::choose_mac(const PortSpec& spec) {
    rte_eth_promiscuous_enable(id_);
    if (info_.driver == "net_tap") {
        // The driver gives both ends of the wire one address; a host ignores frames from its own.
        info_.mac.bytes[0] ^= 0x04;
        return;
    }
    if (info_.ifindex != 0) return;
    const bool keeps_its_own = !is_virtual(info_.device);
    if (!keeps_its_own) info_.mac = stable_mac(spec.name, spec.devargs);
    if (!spec.mac && keeps_its_own) return;
    rte_ether_addr mac{};
    std::memcpy(mac.addr_bytes, spec.mac.value_or(info_.mac).bytes.data(), sizeof mac.addr_bytes);
    rte_eth_dev_default_mac_addr_set(id_, &mac);  // may be refused: see above
}

void EthdevPort::apply_mtu(uint16_t mtu) {
    const int rc = rte_eth_dev_set_mtu(id_, mtu);
    // A driver without that call (ring, pcap, memif) carries whatever fits its buffers.
    if (rc < 0 && rc != -ENOTSUP) fail("rte_eth_dev_set_mtu " + std::to_string(mtu), rc);
    info_.mtu = mtu;
}

void EthdevPort::set_mtu(uint16_t mtu) {
    check_mtu(mtu);
    apply_mtu(mtu);
}

PortStats EthdevPort::stats() const noexcept {
    rte_eth_stats s{};
    if (rte_eth_stats_get(id_, &s) < 0) return {};
    return {.rx_missed = s.imissed,
            .rx_errors = s.ierrors,
            .rx_no_buffer = s.rx_nombuf,
            .tx_errors = s.oerrors};
}

// Of 22.11's drivers for kernel interfaces all but net_tap say "up" whatever the carrier does.
std::string EthdevPort::down_reason() const {
    rte_eth_link status{};
    const auto link = kernel_ ? kernel_->now() : std::nullopt;
    const bool up = kernel_ ? link && link->running()
                            : rte_eth_link_get_nowait(id_, &status) == 0 &&
                                  status.link_status == RTE_ETH_LINK_UP;
    return up ? "" : "link down";
}

void EthdevPort::close_device() noexcept {
    if (id_ == RTE_MAX_ETHPORTS) return;
    if (started_ && info_.driver == kRing) drain();
    if (started_) rte_eth_dev_stop(id_);
    rte_eth_dev_close(id_);
    rte_dev_remove(device_);
    for (XskRings& r : xsk_rings_) r.reclaim(*pool_);
    xsk_rings_.clear();
    const std::vector<int> maps = bpf_maps();
    for (const int fd : xdp_maps_)
        if (std::ranges::binary_search(maps, fd)) close(fd);
    if (info_.driver == kRing) free_leftover_rings(info_.device);
    id_ = RTE_MAX_ETHPORTS;
}

// What net_ring was sent and nobody received: closing it frees the ring under the mbufs.
void EthdevPort::drain() noexcept {
    std::array<rte_mbuf*, 32> frames{};
    for (uint16_t q = 0; q < info_.rx_queues; ++q)
        while (const uint16_t n = rx_burst(q, frames.data(), frames.size()))
            rte_pktmbuf_free_bulk(frames.data(), n);
}

}  // namespace vethway
