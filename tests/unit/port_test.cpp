// SPDX-License-Identifier: Apache-2.0
#include "dataplane/port/port.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <rte_mbuf.h>
#include <sched.h>
#include <sys/socket.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <thread>
#include <vector>

#include "dataplane/port/frame_pool.h"
#include "dataplane/port/kernel_link.h"
#include "dataplane/port/link_monitor.h"
#include "dataplane/port/shield.h"
#include "tests/unit/eal_fixture.h"

namespace vethway {
namespace {

using Frames = std::vector<rte_mbuf*>;

class PortTest : public test::EalTest {
protected:
    void SetUp() override {
        pool_ = create_frame_pool({.name = "port_test", .mbufs = 12287, .cache = 0});
        ASSERT_NE(pool_, nullptr);
        large_pool_ = create_frame_pool(
            {.name = "port_test_large", .mbufs = 31, .cache = 0, .data_room = UINT16_MAX});
        ASSERT_NE(large_pool_, nullptr);
        buffers_.emplace(FrameBuffers{*pool_, *large_pool_});
        ASSERT_EQ(why_not_umem(*pool_), "");
    }
    void TearDown() override {
        EXPECT_EQ(rte_mempool_in_use_count(pool_), 0U) << "mbufs lost";
        EXPECT_EQ(rte_mempool_in_use_count(large_pool_), 0U) << "large mbufs lost";
        rte_mempool_free(pool_);
        rte_mempool_free(large_pool_);
    }
    std::unique_ptr<Port> open(const std::string& devargs) {
        return open_port({.name = "p1", .devargs = devargs}, *buffers_);
    }
    std::string open_error(const PortSpec& spec) {
        try {
            open_port(spec, *buffers_);
        } catch (const PortError& e) {
            return e.what();
        }
        return "no error";
    }

    rte_mempool *pool_ = nullptr, *large_pool_ = nullptr;
    std::optional<FrameBuffers> buffers_;
};

TEST_F(PortTest, NullReceivesAndSends) {
    const auto port = open("net_null0,size=64");
    EXPECT_EQ(port->info().driver, "net_null");
    EXPECT_EQ(port->info().mtu, 1500);
    EXPECT_FALSE(port->info().mac.is_zero());
    EXPECT_FALSE(port->info().mac.is_group());
    EXPECT_TRUE(port->link_up());
    std::array<rte_mbuf*, 32> frames{};
    ASSERT_EQ(port->rx_burst(0, frames.data(), 32), 32);
    EXPECT_EQ(port->tx_burst(0, frames.data(), 32).sent, 32);
}

TEST_F(PortTest, MacIsTheSameAfterReopening) {
    const Mac first = open("net_null0")->info().mac;
    EXPECT_EQ(open("net_null0")->info().mac, first);
    EXPECT_NE(open("net_null1")->info().mac, first);
    const PortSpec with_mac{
        .name = "p1", .devargs = "net_null0", .mac = Mac::parse("02:00:00:00:00:01")};
    EXPECT_EQ(open_port(with_mac, *buffers_)->info().mac, first)
        << "the device's own, to go back to";
}

TEST_F(PortTest, RingGivesBackWhatItWasSent) {
    for (int round = 0; round < 3; ++round) {
        const auto port = open("net_ring0");
        std::array<rte_mbuf*, 4> sent{}, got{};
        ASSERT_EQ(rte_pktmbuf_alloc_bulk(pool_, sent.data(), 4), 0);
        ASSERT_EQ(port->tx_burst(0, sent.data(), 4).sent, 4);
        ASSERT_EQ(port->rx_burst(0, got.data(), 3), 3) << "round " << round;
        EXPECT_EQ(got[0], sent[0]);
        rte_pktmbuf_free_bulk(got.data(), 3);  // the fourth is the destructor's
    }
}

TEST_F(PortTest, NumberIsAddedWhereTheDevargsHaveNone) {
    const auto a = open_port({.name = "a", .devargs = "net_null,copy=1", .unique = 7}, *buffers_);
    EXPECT_EQ(a->info().device, "net_null7");
    EXPECT_NE(open_error({.name = "b", .devargs = "net_null7"}).find("open already"),
              std::string::npos);
}

TEST_F(PortTest, MtuBeyondAnMbufIsRefusedWithItsLimit) {
    EXPECT_EQ(open_error({.name = "p1", .devargs = "net_null0", .mtu = 9000}),
              "port p1: MTU 9000 is out of reach: the size of an mbuf allows 68 to 2026");
    const auto port = open("net_null0");
    EXPECT_THROW(port->set_mtu(9000), PortError);
    port->set_mtu(2000);
    EXPECT_EQ(port->info().mtu, 2000);
}

TEST_F(PortTest, WrongDevargs) {
    EXPECT_NE(open_error({.name = "p1", .devargs = "net_nonsense0"}).find("port p1: DPDK can't"),
              std::string::npos);
    EXPECT_NE(open_error({.name = "p1", .devargs = "net_null0,colour=red"}).find("argument"),
              std::string::npos);
    EXPECT_NO_THROW(open("net_null0")) << "a failed open must leave the name free";
}

TEST_F(PortTest, MissingInterface) {
    for (const auto kind :
         {PortSpec::Kind::veth, PortSpec::Kind::af_packet, PortSpec::Kind::af_xdp})
        EXPECT_EQ(open_error({.name = "p1", .kind = kind, .netdev = "vwp-none"}),
                  "port p1: no interface \"vwp-none\" in this network namespace; create it with: "
                  "ip link add vwp-none type veth peer name <peer>");
}

// Runs `body` in a network namespace of its own with the veth pair p1-h1, h1 up.
// Namespaces are per thread, and what `ip` is started by is this thread.
void in_namespace(const std::function<void()>& body) {
    std::thread([&] {
        ASSERT_EQ(unshare(CLONE_NEWNET), 0) << "a network namespace: run it as root";
        ASSERT_EQ(std::system("ip link add p1 type veth peer name h1 && ip link set h1 up"), 0);
        body();
    }).join();
}

size_t open_descriptors() {
    namespace fs = std::filesystem;
    return static_cast<size_t>(
        std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()));
}

short flags_of(const std::string& netdev) { return find_kernel_link("t", netdev).flags; }

TEST(KernelLinkSettingsTest, PutsBackExactlyWhatItChanged) {
    in_namespace([] {
        const unsigned ifindex = find_kernel_link("p1", "p1").ifindex;
        {
            KernelLinkSettings settings("p1", ifindex);
            settings.bring_up();
            settings.set_no_arp();
            settings.set_mtu(1400);
            settings.set_mtu(1300);
            EXPECT_TRUE(settings.now()->up());
            EXPECT_EQ(settings.now()->mtu, 1300);
            EXPECT_NE(flags_of("p1") & IFF_NOARP, 0);
        }
        EXPECT_EQ(flags_of("p1") & (IFF_UP | IFF_NOARP), 0);
        EXPECT_EQ(find_kernel_link("p1", "p1").mtu, 1500);
        KernelLinkSettings("h1", find_kernel_link("h1", "h1").ifindex).bring_up();
        EXPECT_NE(flags_of("h1") & IFF_UP, 0) << "it was up before";
    });
}

TEST(KernelLinkSettingsTest, InterfaceGoneOrRenamed) {
    in_namespace([] {
        KernelLinkSettings settings("p1", find_kernel_link("p1", "p1").ifindex);
        settings.bring_up();
        ASSERT_EQ(std::system("ip link set p1 name p9"), 0);
        EXPECT_EQ(settings.now()->name, "p9");
        ASSERT_EQ(std::system("ip link del p9"), 0);
        EXPECT_FALSE(settings.now());
        EXPECT_THROW(settings.set_mtu(1400), PortError);
    });
}

// Asks for 10.77.0.1 by ARP on h1's side of the wire; true if somebody answers within 300 ms.
bool kernel_answers_arp() {
    const Fd fd(socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ARP)));
    sockaddr_ll at{};
    at.sll_family = AF_PACKET;
    at.sll_protocol = htons(ETH_P_ARP);
    at.sll_ifindex = static_cast<int>(if_nametoindex("h1"));
    EXPECT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
    const std::array<uint8_t, 42> request = {
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0,  9,  8, 6,  // Ethernet
        0,    1,    8,    0,    6,    4,    0, 1, 2, 0, 0,  0,  0, 9,  // request, from
        10,   77,   0,    2,    0,    0,    0, 0, 0, 0, 10, 77, 0, 1   // 10.77.0.2, for
    };
    send(fd.get(), request.data(), request.size(), 0);
    pollfd readable{fd.get(), POLLIN, 0};
    while (poll(&readable, 1, 300) > 0) {
        std::array<uint8_t, 64> frame{};
        if (recv(fd.get(), frame.data(), frame.size(), 0) >= 42 && frame[21] == 2) return true;
    }
    return false;
}

TEST(ShieldTest, KernelIsSilentWhileItStands) {
    in_namespace([] {
        ASSERT_EQ(std::system("ip addr add 10.77.0.1/24 dev p1 && ip link set p1 up"), 0);
        EXPECT_TRUE(kernel_answers_arp());
        for (const auto method :
             {Shield::Method::tcx, Shield::Method::clsact, Shield::Method::sysctl}) {
            const Shield shield("p1", find_kernel_link("p1", "p1").ifindex, method);
            EXPECT_FALSE(kernel_answers_arp()) << shield.description();
        }
        EXPECT_TRUE(kernel_answers_arp());
    });
}

TEST(ShieldTest, ClsactIsPutBack) {
    in_namespace([] {
        const auto there = [] { return std::system("tc qdisc show dev p1 | grep -q clsact") == 0; };
        const unsigned ifindex = find_kernel_link("p1", "p1").ifindex;
        {
            const Shield shield("p1", ifindex, Shield::Method::clsact);
            EXPECT_EQ(shield.description(), "clsact");
            EXPECT_TRUE(there());
        }
        EXPECT_FALSE(there());
        ASSERT_EQ(std::system("tc qdisc add dev p1 clsact"), 0);
        { const Shield shield("p1", ifindex, Shield::Method::clsact); }
        EXPECT_TRUE(there()) << "somebody else's";
        EXPECT_NE(std::system("tc filter show dev p1 ingress | grep -q bpf"), 0);
    });
}

TEST(ShieldTest, SysctlsArePutBack) {
    in_namespace([] {
        const auto disabled = [] {
            return std::system("grep -qx 1 /proc/sys/net/ipv6/conf/p1/disable_ipv6");
        };
        if (std::system("test -e /proc/sys/net/ipv6/conf/p1/disable_ipv6") != 0) return;
        {
            const Shield shield("p1", find_kernel_link("p1", "p1").ifindex, Shield::Method::sysctl);
            EXPECT_EQ(disabled(), 0) << shield.description();
        }
        EXPECT_NE(disabled(), 0);
    });
}

TEST(LinkMonitorTest, ReportsChangesAndDeletion) {
    in_namespace([] {
        LinkMonitor monitor;
        std::vector<LinkChange> seen;
        const auto note = [&](const LinkChange& c) {
            if (c.name == "p1") seen.push_back(c);
        };
        ASSERT_EQ(std::system("ip link set p1 mtu 1400 up && ip link del p1"), 0);
        EXPECT_FALSE(monitor.drain(note));
        ASSERT_FALSE(seen.empty());
        EXPECT_EQ(seen.back().mtu, 1400);
        EXPECT_TRUE(seen.back().deleted);
        EXPECT_FALSE(seen.front().deleted);
    });
}

TEST(LinkMonitorTest, OverflowLeadsToAFullReport) {
    in_namespace([] {
        LinkMonitor monitor;
        const int small = 1;
        setsockopt(monitor.fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        ASSERT_EQ(std::system("for i in 1 2 3 4 5 6 7 8; do ip link set p1 mtu 140$i; done"), 0);
        uint16_t mtu = 0;
        bool lost = false;
        pollfd readable{monitor.fd(), POLLIN, 0};
        for (int i = 0; i < 10 && poll(&readable, 1, 100) > 0; ++i)
            lost |= monitor.drain([&](const LinkChange& c) {
                if (c.name == "p1") mtu = c.mtu;
            });
        EXPECT_TRUE(lost);
        EXPECT_EQ(mtu, 1408);
    });
}

class NetdevPortTest : public PortTest, public testing::WithParamInterface<PortSpec::Kind> {};

// Receives, sends, and leaves the interface as it was, again and again.
TEST_P(NetdevPortTest, OpensCarriesAndRestores) {
    in_namespace([this] {
        for (int round = 0; round < 3; ++round) {
            const size_t descriptors = open_descriptors();
            {
                const auto port = open_port(
                    {.name = "p1", .kind = GetParam(), .netdev = "p1", .mtu = 1400}, *buffers_);
                SCOPED_TRACE(port->info().driver + " " + port->info().note);
                EXPECT_EQ(port->info().netdev, "p1");
                EXPECT_EQ(port->info().mtu, 1400);
                EXPECT_NE(port->info().partial_checksums, port->info().offloads);
                EXPECT_TRUE(port->link_up());
                kernel_answers_arp();  // a frame in from h1
                std::array<rte_mbuf*, 32> frames{};
                pollfd readable{port->rx_fd(0), POLLIN, 0};
                EXPECT_EQ(poll(&readable, 1, 1000), 1);
                const uint16_t n = port->rx_burst(0, frames.data(), 32);
                EXPECT_GE(n, 1);
                EXPECT_EQ(port->tx_burst(0, frames.data(), n).sent, n);
                EXPECT_EQ(port->stats().rx_missed, 0U);
            }
            EXPECT_EQ(flags_of("p1") & (IFF_UP | IFF_PROMISC | IFF_NOARP), 0);
            EXPECT_EQ(find_kernel_link("p1", "p1").mtu, 1500);
            EXPECT_NE(std::system("ip link show p1 | grep -q xdp"), 0);
            EXPECT_EQ(open_descriptors(), descriptors);
        }
    });
}

INSTANTIATE_TEST_SUITE_P(Kinds, NetdevPortTest,
                         testing::Values(PortSpec::Kind::af_packet, PortSpec::Kind::af_xdp,
                                         PortSpec::Kind::veth),
                         [](const auto& kind) {
                             if (kind.param == PortSpec::Kind::veth) return "veth";
                             return kind.param == PortSpec::Kind::af_xdp ? "af_xdp" : "af_packet";
                         });

}  // namespace
}  // namespace vethway
