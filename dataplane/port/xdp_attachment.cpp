// SPDX-License-Identifier: Apache-2.0
#include "dataplane/port/xdp_attachment.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dlfcn.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "dataplane/port/port.h"

namespace vethway {

namespace {

// r0 = XDP_PASS; exit
Fd pass_program() noexcept {
    std::array<bpf_insn, 2> code{};
    code[0].code = BPF_ALU64 | BPF_MOV | BPF_K;
    code[0].imm = XDP_PASS;
    code[1].code = BPF_JMP | BPF_EXIT;
    return Fd(bpf_prog_load(BPF_PROG_TYPE_XDP, "vethway_try", "Apache-2.0", code.data(),
                            code.size(), nullptr));
}

bool is_veth(const std::string& netdev) noexcept {
    const Fd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ethtool_drvinfo driver{};
    driver.cmd = ETHTOOL_GDRVINFO;
    ifreq r{};
    netdev.copy(r.ifr_name, sizeof r.ifr_name - 1);
    r.ifr_data = reinterpret_cast<char*>(&driver);
    return ioctl(fd.get(), SIOCETHTOOL, &r) == 0 && std::strcmp(driver.driver, "veth") == 0;
}

}  // namespace

bool XdpAttachment::clear_stale(const std::string& port, unsigned ifindex) {
    const int dev = static_cast<int>(ifindex);
    uint32_t program = 0;
    if (bpf_xdp_query_id(dev, 0, &program) < 0 || program == 0) return false;
    const int rc = bpf_xdp_detach(dev, 0, nullptr);
    if (rc < 0)
        throw PortError("port " + port + ": XDP program " + std::to_string(program) +
                        " is on the interface and can't be taken off (" + std::strerror(-rc) +
                        "); another process may hold it: see bpftool net, ip link");
    return true;
}

void XdpAttachment::rehearse(const std::string& port, unsigned ifindex) {
    const auto fail = [&port](const std::string& what, int error) {
        throw PortError("port " + port + ": " + what + ": " + std::strerror(error));
    };
    const Fd program = pass_program();
    if (!program)
        fail("can't load an XDP program (needs CAP_SYS_ADMIN, or CAP_BPF, and CAP_NET_ADMIN)",
             errno);
    // libxdp looks programs up by id, which is CAP_SYS_ADMIN's (kernel/bpf/syscall.c).
    if (const Fd none(bpf_prog_get_fd_by_id(INT32_MAX)); !none && errno == EPERM)
        fail("can't look up XDP programs (libxdp needs CAP_SYS_ADMIN)", EPERM);
    const Fd link(bpf_link_create(program.get(), static_cast<int>(ifindex), BPF_XDP, nullptr));
    if (link) return;
    // drivers/net/veth.c, veth_xdp_set: a linear program's frames must fit a page.
    if (errno == ERANGE)
        fail(
            "can't attach an XDP program: the MTU of the veth's peer is too large (about 3500 is "
            "the most)",
            errno);
    fail("can't attach an XDP program", errno);
}

XdpAttachment XdpAttachment::pass_on_veth(const std::string& netdev, unsigned ifindex) noexcept {
    XdpAttachment mine;
    if (!is_veth(netdev)) return mine;
    if (const Fd program = pass_program())
        mine.link_.reset(
            bpf_link_create(program.get(), static_cast<int>(ifindex), BPF_XDP, nullptr));
    return mine;
}

XdpAttachment XdpAttachment::adopt(unsigned ifindex) noexcept {
    const int dev = static_cast<int>(ifindex);
    XdpAttachment mine;
    uint32_t id = 0;
    if (bpf_xdp_query_id(dev, 0, &id) < 0 || id == 0) return mine;
    const Fd program(bpf_prog_get_fd_by_id(id));
    // A link refuses to replace a program that netlink attached (net/core/dev.c, dev_xdp_attach).
    if (!program || bpf_xdp_detach(dev, 0, nullptr) < 0) return mine;
    mine.link_.reset(bpf_link_create(program.get(), dev, BPF_XDP, nullptr));
    if (!mine.link_) bpf_xdp_attach(dev, program.get(), 0, nullptr);
    return mine;
}

void silence_bpf_libraries() noexcept {
    libbpf_set_print(nullptr);
    // libxdp is there only as a dependency of DPDK's plugin, loaded RTLD_LOCAL.
    void* libxdp = dlopen("libxdp.so.1", RTLD_NOW | RTLD_NOLOAD);
    if (libxdp == nullptr) return;
    using Print = int (*)(int, const char*, va_list);
    using SetPrint = Print (*)(Print);
    if (void* set = dlsym(libxdp, "libxdp_set_print")) reinterpret_cast<SetPrint>(set)(nullptr);
    dlclose(libxdp);
}

}  // namespace vethway
