// SPDX-License-Identifier: Apache-2.0
#include "dataplane/port/xdp_queue.h"

#include <linux/if_xdp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "dataplane/port/kernel_link.h"
#include "dataplane/port/port.h"

namespace vethway {

namespace {

constexpr uint32_t kPage = 4096;

// A bind that insists on zero-copy is refused by a veth, but only after the kernel has looked
// whether the queue is taken (xp_assign_dev), and then nothing is left to be let go of. A NIC with
// zero-copy takes it and lets go of it in the background.
int try_bind(unsigned ifindex) noexcept {
    const Fd fd(socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0));
    if (!fd) return errno;
    void* memory = mmap(nullptr, kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return errno;
    xdp_umem_reg umem{};
    umem.addr = reinterpret_cast<uintptr_t>(memory);
    umem.len = umem.chunk_size = kPage;
    const uint32_t slots = 1;
    sockaddr_xdp at{};
    at.sxdp_family = AF_XDP;
    at.sxdp_ifindex = ifindex;
    at.sxdp_flags = XDP_ZEROCOPY;
    const auto set = [&fd](int option, const auto& value) {
        return setsockopt(fd.get(), SOL_XDP, option, &value, sizeof value) == 0;
    };
    const bool bound = set(XDP_UMEM_REG, umem) && set(XDP_UMEM_FILL_RING, slots) &&
                       set(XDP_UMEM_COMPLETION_RING, slots) && set(XDP_RX_RING, slots) &&
                       bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
    const int error = bound ? 0 : errno;
    munmap(memory, kPage);
    return error;
}

}  // namespace

void wait_for_xdp_queue(const std::string& port, unsigned ifindex) {
    int error = EBUSY;
    for (int tries = 0; tries < 200; ++tries) {
        error = try_bind(ifindex);
        if (error != EBUSY) break;
        usleep(5000);
    }
    if (error == 0) usleep(50'000);
    if (error == 0 || error == EOPNOTSUPP) return;
    throw PortError("port " + port +
                    ": no AF_XDP socket for queue 0 of the interface: " + std::strerror(error) +
                    (error == EBUSY ? " (another socket is bound to it)" : ""));
}

}  // namespace vethway
