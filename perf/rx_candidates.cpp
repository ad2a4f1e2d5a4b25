// SPDX-License-Identifier: Apache-2.0
// Compares ways for user space to receive from and send to veth ends by AF_PACKET with vnet
// headers: one thread relays frames between two interfaces. rx_candidates.py builds the wire.
//
//   rx_candidates relay RX TX IF1 IF2      RX: v2copy v2big v2attach v3 recvmmsg
//                                          TX: sendmsg sendmmsg txring
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
constexpr size_t kBatchMax = 32;
constexpr unsigned kBig = 68 * 1024;  // holds 65549 bytes of frame and all headers before it
constexpr unsigned kBlock = 2 << 20;
constexpr int kQueueBytes = 32 << 20;
constexpr auto kSpin = std::chrono::microseconds(20);

// virtio_net_hdr; its header has a member named "class", which C++ refuses.
struct Vnet {
    uint8_t flags, gso_type;
    uint16_t hdr_len, gso_size, csum_start, csum_offset;
};

[[noreturn]] void fail(const std::string& what) {
    throw std::system_error(errno, std::generic_category(), what);
}

uint32_t load(uint32_t& word) { return std::atomic_ref(word).load(std::memory_order_acquire); }
void store(uint32_t& at, uint32_t v) { std::atomic_ref(at).store(v, std::memory_order_release); }

struct Frame {
    const Vnet* vnet;
    const uint8_t* data;
    size_t len;
};
using Batch = std::array<Frame, kBatchMax>;

struct Counters {
    long frames = 0, bytes = 0, batches = 0, max_len = 0, fetched = 0, truncated = 0;
    long gso = 0, partial = 0, sleeps = 0;
    std::map<int, long> send_errors;

    void count(std::span<const Frame> batch) {
        ++batches;
        for (const auto& f : batch) {
            ++frames;
            bytes += static_cast<long>(f.len);
            max_len = std::max(max_len, static_cast<long>(f.len));
            gso += f.vnet->gso_type != 0;
            partial += f.vnet->flags & 1;  // VIRTIO_NET_HDR_F_NEEDS_CSUM
        }
    }
};

// With vnet headers, and perhaps a ring. Receives nothing before bind_to() names a protocol.
class PacketSocket {
public:
    PacketSocket() : fd_(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)) {
        if (fd_ < 0) fail("socket");
        set(SOL_PACKET, PACKET_VNET_HDR, 1);  // before there is a ring, else EBUSY
    }
    ~PacketSocket() {
        if (ring_ != MAP_FAILED) munmap(ring_, size_);
        close(fd_);
    }
    PacketSocket(PacketSocket&&) = delete;
    int fd() const { return fd_; }
    uint8_t* ring(size_t offset) const { return static_cast<uint8_t*>(ring_) + offset; }

    template <class T>
    void set(int level, int name, const T& value) const {
        if (setsockopt(fd_, level, name, &value, sizeof value)) {
            fail("setsockopt " + std::to_string(level) + "/" + std::to_string(name));
        }
    }
    template <class Request>
    void make_ring(int version, int which, const Request& request) {
        set(SOL_PACKET, PACKET_VERSION, version);
        set(SOL_PACKET, which, request);
        size_ = size_t{request.tp_block_size} * request.tp_block_nr;
        ring_ = mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
        if (ring_ == MAP_FAILED) fail("mmap");
    }
    void bind_to(const std::string& port, uint16_t protocol) const {
        sockaddr_ll to{};
        to.sll_family = AF_PACKET;
        to.sll_protocol = htons(protocol);
        to.sll_ifindex = static_cast<int>(if_nametoindex(port.c_str()));
        if (bind(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to)) fail("bind " + port);
    }

private:
    int fd_;
    void* ring_ = MAP_FAILED;
    size_t size_ = 0;
};

class Rx {
public:
    explicit Rx(Counters& counters) : counters_(counters) {}
    virtual ~Rx() = default;
    virtual size_t receive(Batch& batch) = 0;
    virtual void release() {}  // the batch was sent: slots may go back
    int fd() const { return socket_.fd(); }
    unsigned drops() const {
        tpacket_stats_v3 stats{};  // begins like those of the other versions
        socklen_t len = sizeof stats;
        getsockopt(fd(), SOL_PACKET, PACKET_STATISTICS, &stats, &len);
        return stats.tp_drops;
    }

protected:
    void start(const std::string& port) const {
        packet_mreq all{};
        all.mr_ifindex = static_cast<int>(if_nametoindex(port.c_str()));
        all.mr_type = PACKET_MR_PROMISC;
        socket_.set(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1);
        socket_.set(SOL_PACKET, PACKET_ADD_MEMBERSHIP, all);
        socket_.bind_to(port, ETH_P_ALL);
    }

    PacketSocket socket_;
    Counters& counters_;
};

// One message a frame: {vnet header, data}, at first those of the buffers. Every batch begins again
// with buffer 0, so a relay that keeps up uses the few buffers that are in the cache.
struct Messages {
    Messages(Messages&&) = delete;  // it points into itself
    Messages() : memory(std::make_unique_for_overwrite<uint8_t[]>(kStride * kBatchMax)) {
        for (size_t i = 0; i < kBatchMax; ++i) {
            set(i, frame(i, kStride));
            messages[i].msg_hdr.msg_iov = parts[i].data();
            messages[i].msg_hdr.msg_iovlen = 2;
        }
    }
    uint8_t* buffer(size_t i) { return &memory[i * kStride]; }
    Frame frame(size_t i, size_t got) {
        return {reinterpret_cast<Vnet*>(buffer(i)), buffer(i) + sizeof(Vnet), got - sizeof(Vnet)};
    }
    void set(size_t i, const Frame& f) {
        parts[i] = {
            {{const_cast<Vnet*>(f.vnet), sizeof(Vnet)}, {const_cast<uint8_t*>(f.data), f.len}}};
    }
    static constexpr size_t kStride = kBig + 192;  // odd in cache lines: spreads over the sets
    std::unique_ptr<uint8_t[]> memory;
    std::array<std::array<iovec, 2>, kBatchMax> parts{};
    std::array<mmsghdr, kBatchMax> messages{};
};

class RingV2 final : public Rx {
public:
    RingV2(const std::string& port, Counters& counters, unsigned slot, unsigned blocks, bool copy)
        : Rx(counters), copy_(copy) {
        const unsigned per_block = kBlock / slot;
        socket_.set(SOL_PACKET, PACKET_COPY_THRESH, 1);  // any value but 0 turns it on
        socket_.set(SOL_SOCKET, SO_RCVBUFFORCE, kQueueBytes);
        socket_.make_ring(TPACKET_V2, PACKET_RX_RING,
                          tpacket_req{kBlock, blocks, slot, blocks * per_block});
        for (size_t i = 0; i < size_t{blocks} * per_block; ++i) {
            auto* at = socket_.ring(i / per_block * kBlock + i % per_block * slot);
            slots_.push_back(reinterpret_cast<tpacket2_hdr*>(at));
        }
        start(port);
    }

    size_t receive(Batch& batch) override {
        size_t n = 0;
        while (n < kBatchMax) {
            auto* h = slots_[head_];
            const uint32_t status = load(h->tp_status);
            if (!(status & TP_STATUS_USER)) break;
            if (++head_ == slots_.size()) head_ = 0;
            const uint8_t* data = reinterpret_cast<uint8_t*>(h) + h->tp_mac;
            const auto* vnet = reinterpret_cast<const Vnet*>(data) - 1;
            const uint32_t len = h->tp_snaplen;
            if (status & TP_STATUS_COPY) {
                n += fetch(batch[n], n);
            } else if (len < h->tp_len) {
                ++counters_.truncated;  // no room in the socket's queue for the whole frame
            } else if (copy_) {
                // The vnet header lies right before the frame: one copy takes both.
                std::memcpy(buffers_.buffer(n), vnet, sizeof *vnet + len);
                batch[n] = buffers_.frame(n, sizeof *vnet + len);
                ++n;
            } else {
                batch[n++] = {vnet, data, len};
                held_[held_count_++] = h;
                continue;
            }
            store(h->tp_status, TP_STATUS_KERNEL);
        }
        return n;
    }

    void release() override {
        for (size_t i = 0; i < held_count_; ++i) store(held_[i]->tp_status, TP_STATUS_KERNEL);
        held_count_ = 0;
    }

private:
    // The whole frame was queued before its slot became ours, and the queue has the ring's order.
    size_t fetch(Frame& frame, size_t n) {
        auto& msg = buffers_.messages[n].msg_hdr;
        const ssize_t got = recvmsg(fd(), &msg, MSG_DONTWAIT);
        const bool whole = got > static_cast<ssize_t>(sizeof(Vnet)) && !(msg.msg_flags & MSG_TRUNC);
        ++(whole ? counters_.fetched : counters_.truncated);
        if (whole) frame = buffers_.frame(n, static_cast<size_t>(got));
        return whole;
    }

    bool copy_;
    Messages buffers_;
    std::vector<tpacket2_hdr*> slots_;
    size_t head_ = 0, held_count_ = 0;
    std::array<tpacket2_hdr*, kBatchMax> held_{};
};

class RingV3 final : public Rx {
public:
    RingV3(const std::string& port, Counters& counters) : Rx(counters) {
        socket_.make_ring(TPACKET_V3, PACKET_RX_RING,
                          tpacket_req3{kSize, kBlocks, 2048, kBlocks * (kSize / 2048), 1, 0, 0});
        start(port);
    }

    size_t receive(Batch& batch) override {
        auto& head = desc().hdr.bh1;
        if (!next_) {
            if (!(load(head.block_status) & TP_STATUS_USER)) return 0;
            left_ = head.num_pkts;
            next_ = reinterpret_cast<uint8_t*>(&desc()) + head.offset_to_first_pkt;
        }
        size_t n = 0;
        for (; n < kBatchMax && left_; --left_) {
            const auto* h = reinterpret_cast<const tpacket3_hdr*>(next_);
            const auto* data = next_ + h->tp_mac;
            next_ += h->tp_next_offset;
            if (h->tp_snaplen < h->tp_len) {
                ++counters_.truncated;
            } else {
                batch[n++] = {reinterpret_cast<const Vnet*>(data) - 1, data, h->tp_snaplen};
            }
        }
        return n;
    }

    void release() override {
        if (!next_ || left_) return;
        store(desc().hdr.bh1.block_status, TP_STATUS_KERNEL);
        index_ = (index_ + 1) % kBlocks;
        next_ = nullptr;
    }

private:
    static constexpr unsigned kSize = 256 * 1024, kBlocks = 128;
    tpacket_block_desc& desc() const {
        return *reinterpret_cast<tpacket_block_desc*>(socket_.ring(size_t{index_} * kSize));
    }

    unsigned index_ = 0, left_ = 0;
    uint8_t* next_ = nullptr;  // within the block at hand, if there is one
};

class RecvMmsg final : public Rx {
public:
    RecvMmsg(const std::string& port, Counters& counters) : Rx(counters) {
        socket_.set(SOL_SOCKET, SO_RCVBUFFORCE, kQueueBytes);
        start(port);
    }

    size_t receive(Batch& batch) override {
        const int n = recvmmsg(fd(), buffers_.messages.data(), kBatchMax, MSG_DONTWAIT, nullptr);
        for (int i = 0; i < n; ++i) batch[i] = buffers_.frame(i, buffers_.messages[i].msg_len);
        return n < 0 ? 0 : static_cast<size_t>(n);
    }

private:
    Messages buffers_;
};

class Tx {
public:
    Tx() {
        socket_.set(SOL_PACKET, PACKET_QDISC_BYPASS, 1);
        socket_.set(SOL_SOCKET, SO_SNDBUFFORCE, kQueueBytes);
    }
    virtual ~Tx() = default;
    virtual void send(std::span<const Frame> batch, Counters& counters) = 0;

protected:
    PacketSocket socket_;
};

class SendMsg final : public Tx {
public:
    SendMsg(const std::string& port, size_t at_once) : at_once_(at_once) {
        socket_.bind_to(port, 0);
    }

    void send(std::span<const Frame> batch, Counters& counters) override {
        for (size_t i = 0; i < batch.size(); ++i) out_.set(i, batch[i]);
        for (size_t done = 0; done < batch.size();) {
            const auto n = static_cast<unsigned>(std::min(batch.size() - done, at_once_));
            const int sent = sendmmsg(socket_.fd(), &out_.messages[done], n, MSG_DONTWAIT);
            // The error of a frame is told only when that frame comes first; it is left out then.
            if (sent <= 0) ++counters.send_errors[errno];
            done += sent > 0 ? static_cast<size_t>(sent) : 1;
        }
    }

private:
    size_t at_once_;
    Messages out_;
};

class TxRing final : public Tx {
public:
    explicit TxRing(const std::string& port) {
        socket_.set(SOL_PACKET, PACKET_LOSS, 1);  // else a bad frame stops the ring at its slot
        socket_.make_ring(TPACKET_V2, PACKET_TX_RING, tpacket_req{kBlock, kBlocks, kBig, kSlots});
        socket_.bind_to(port, 0);
    }

    void send(std::span<const Frame> batch, Counters& counters) override {
        for (const auto& f : batch) {
            auto* at = socket_.ring(size_t{head_ / kPerBlock} * kBlock + head_ % kPerBlock * kBig);
            auto* h = reinterpret_cast<tpacket2_hdr*>(at);
            for (int tries = 0; load(h->tp_status) != TP_STATUS_AVAILABLE; ++tries) {
                if (tries == 1000) return;  // counted by kick()
                kick(counters);
            }
            at += TPACKET2_HDRLEN - sizeof(sockaddr_ll);
            std::memcpy(at, f.vnet, sizeof *f.vnet);
            std::memcpy(at + sizeof *f.vnet, f.data, f.len);
            h->tp_len = static_cast<uint32_t>(sizeof *f.vnet + f.len);
            store(h->tp_status, TP_STATUS_SEND_REQUEST);
            head_ = (head_ + 1) % kSlots;
        }
        kick(counters);
    }

private:
    static constexpr unsigned kBlocks = 4, kPerBlock = kBlock / kBig, kSlots = kBlocks * kPerBlock;

    void kick(Counters& counters) {
        if (::send(socket_.fd(), nullptr, 0, MSG_DONTWAIT) < 0) ++counters.send_errors[errno];
    }

    unsigned head_ = 0;
};

std::unique_ptr<Rx> make_rx(const std::string& way, const std::string& port, Counters& c) {
    if (way == "v2copy") return std::make_unique<RingV2>(port, c, 2048, 2, true);
    if (way == "v2attach") return std::make_unique<RingV2>(port, c, 2048, 2, false);
    if (way == "v2big") return std::make_unique<RingV2>(port, c, kBig, 16, false);
    if (way == "v3") return std::make_unique<RingV3>(port, c);
    if (way == "recvmmsg") return std::make_unique<RecvMmsg>(port, c);
    throw std::invalid_argument("no such Rx way: " + way);
}

std::unique_ptr<Tx> make_tx(const std::string& way, const std::string& port) {
    if (way == "sendmsg") return std::make_unique<SendMsg>(port, 1);
    if (way == "sendmmsg") return std::make_unique<SendMsg>(port, kBatchMax);
    if (way == "txring") return std::make_unique<TxRing>(port);
    throw std::invalid_argument("no such Tx way: " + way);
}

void print(const Counters& c, unsigned drops) {
    rusage use{};
    getrusage(RUSAGE_SELF, &use);
    const auto ms = [](const timeval& t) { return t.tv_sec * 1000 + t.tv_usec / 1000; };
    const std::pair<const char*, long> figures[] = {{"frames", c.frames},
                                                    {"bytes", c.bytes},
                                                    {"batches", c.batches},
                                                    {"max_len", c.max_len},
                                                    {"gso", c.gso},
                                                    {"partial", c.partial},
                                                    {"fetched", c.fetched},
                                                    {"truncated", c.truncated},
                                                    {"sleeps", c.sleeps},
                                                    {"drops", drops},
                                                    {"switched_out", use.ru_nivcsw}};
    std::putchar('{');
    for (const auto& [name, n] : figures) std::printf("\"%s\": %ld, ", name, n);
    for (const auto& [e, n] : c.send_errors) std::printf("\"%s\": %ld, ", strerrorname_np(e), n);
    std::printf("\"user_ms\": %ld, \"sys_ms\": %ld}\n", ms(use.ru_utime), ms(use.ru_stime));
}

std::atomic<bool> stop{false};

void relay(char** arg) {
    Counters counters;
    using Direction = std::pair<std::unique_ptr<Rx>, std::unique_ptr<Tx>>;
    std::array<Direction, 2> ways{{{make_rx(arg[0], arg[2], counters), make_tx(arg[1], arg[3])},
                                   {make_rx(arg[0], arg[3], counters), make_tx(arg[1], arg[2])}}};
    std::array<pollfd, 2> waits{
        {{ways[0].first->fd(), POLLIN, 0}, {ways[1].first->fd(), POLLIN, 0}}};
    std::puts("ready");
    std::fflush(stdout);
    Batch batch;
    for (auto busy = Clock::now(); !stop;) {
        bool any = false;
        for (auto& [rx, tx] : ways) {
            if (const size_t n = rx->receive(batch)) {
                any = true;
                counters.count({batch.data(), n});
                tx->send({batch.data(), n}, counters);
            }
            rx->release();
        }
        if (!any && Clock::now() - busy > kSpin) {
            ++counters.sleeps;
            poll(waits.data(), waits.size(), 200);
            any = true;
        }
        if (any) busy = Clock::now();
    }
    print(counters, ways[0].first->drops() + ways[1].first->drops());
}

}  // namespace

int main(int argc, char** argv) try {
    struct sigaction action {};
    action.sa_handler = [](int) { stop = true; };
    sigaction(SIGTERM, &action, nullptr);
    if (argc != 6 || argv[1] != std::string("relay")) {
        throw std::invalid_argument("see the head of rx_candidates.cpp for how to use it");
    }
    relay(argv + 2);
    return 0;
} catch (const std::exception& error) {
    std::fprintf(stderr, "rx_candidates: %s\n", error.what());
    return 1;
}
