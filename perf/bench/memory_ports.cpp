// SPDX-License-Identifier: Apache-2.0
#include "perf/bench/memory_ports.h"

#include <cstring>
#include <stdexcept>
#include <string>

#include "dataplane/meta.h"
#include "dataplane/net/checksum.h"
#include "dataplane/port/frame_pool.h"

namespace vethway::bench {

namespace {

constexpr uint32_t kMbufs = 8191, kLargeMbufs = 15;
constexpr unsigned kCache = 256;

rte_mempool* make_pool(const char* name, uint32_t mbufs, unsigned cache, uint16_t room) {
    rte_mempool* pool = create_frame_pool({.name = name,
                                           .mbufs = mbufs,
                                           .cache = cache,
                                           .private_size = sizeof(PacketMeta),
                                           .data_room = room,
                                           .socket = SOCKET_ID_ANY});
    if (pool == nullptr) throw std::runtime_error(std::string("no memory for the pool ") + name);
    return pool;
}

}  // namespace

Frame make_frame(const FrameSpec& spec) {
    Frame frame{};
    auto& eth = *reinterpret_cast<EtherHeader*>(frame.bytes.data());
    eth = {.dst = spec.to, .src = spec.from, .type = kEtherTypeIp4};
    auto& ip = *reinterpret_cast<Ip4Header*>(&eth + 1);
    constexpr uint16_t kBytes = kFrameBytes - sizeof eth;
    ip = {.version_ihl = 0x45,
          .tos = 0,
          .total_length = kBytes,
          .id = 0,
          .fragment = Ip4Header::kDontFragment,
          .ttl = spec.ttl,
          .protocol = kProtocolUdp,
          .checksum = 0,
          .src = spec.source.value,
          .dst = spec.destination.value};
    ip.checksum = internet_checksum(std::as_bytes(std::span(&ip, 1)));
    if (spec.wrong_checksum) ip.checksum = static_cast<uint16_t>(ip.checksum ^ 1);
    auto& udp = *reinterpret_cast<UdpHeader*>(&ip + 1);
    udp = {.src_port = 4000, .dst_port = 9, .length = kBytes - sizeof ip, .checksum = 0};
    return frame;
}

MemoryPorts::MemoryPorts(unsigned workers)
    : pool_(make_pool("memory", kMbufs, kCache, RTE_PKTMBUF_HEADROOM + 2048)),
      large_pool_(make_pool("memory_large", kLargeMbufs, 0, UINT16_MAX)),
      buffers_{*pool_, *large_pool_} {
    for (size_t i = 0; i < ports_.size(); ++i) {
        const std::string device = "net_null" + std::to_string(i);
        ports_[i] = open_port({.name = device, .devargs = device, .queues = workers}, buffers_);
        if (rte_eth_dev_get_port_by_name(device.c_str(), &ids_[i]) != 0)
            throw std::runtime_error("no device " + device);
    }
    for (size_t i = 0; i < callbacks_.size(); ++i) {
        callbacks_[i] = rte_eth_add_rx_callback(ids_[i], 0, i == 0 ? fill : fill_beside, this);
        if (callbacks_[i] == nullptr)
            throw std::runtime_error("this DPDK has no receive callbacks");
    }
}

MemoryPorts::~MemoryPorts() {
    for (size_t i = 0; i < callbacks_.size(); ++i)
        rte_eth_remove_rx_callback(ids_[i], 0, callbacks_[i]);
}

void MemoryPorts::receive(std::vector<Frame> frames, std::function<bool(uint16_t)> go_on) {
    frames_ = std::move(frames);
    go_on_ = std::move(go_on);
    next_ = 0;
    ended_ = false;
}

uint16_t MemoryPorts::fill_beside(uint16_t, uint16_t, rte_mbuf** frames, uint16_t n, uint16_t,
                                  void* self) {
    auto& mine = *static_cast<MemoryPorts*>(self);
    if (mine.ended() || !mine.beside_) {
        rte_pktmbuf_free_bulk(frames, n);
        return 0;
    }
    for (uint16_t i = 0; i < n; ++i) mine.beside_(*rte_pktmbuf_mtod(frames[i], Frame*));
    return n;
}

uint16_t MemoryPorts::fill(uint16_t, uint16_t, rte_mbuf** frames, uint16_t n, uint16_t,
                           void* self) {
    auto& mine = *static_cast<MemoryPorts*>(self);
    if (mine.ended() || !mine.go_on_(n)) {
        mine.ended_ = true;
        rte_pktmbuf_free_bulk(frames, n);
        return 0;
    }
    for (uint16_t i = 0; i < n; ++i) {
        std::memcpy(rte_pktmbuf_mtod(frames[i], void*), &mine.frames_[mine.next_], kFrameBytes);
        frames[i]->packet_type = RTE_PTYPE_L2_ETHER | RTE_PTYPE_L3_IPV4;
        if (++mine.next_ == mine.frames_.size()) mine.next_ = 0;
    }
    return n;
}

}  // namespace vethway::bench
