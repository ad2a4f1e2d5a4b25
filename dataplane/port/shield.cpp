// SPDX-License-Identifier: Apache-2.0
#include "dataplane/port/shield.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <net/if.h>

#include <array>
#include <fstream>

#include "dataplane/port/port.h"

namespace vethway {

namespace {

// enum bpf_attach_type of Linux 6.6 (include/uapi/linux/bpf.h); Debian 12's headers end before.
constexpr auto kTcxIngress = static_cast<bpf_attach_type>(46);
constexpr auto kTcxEgress = static_cast<bpf_attach_type>(47);

// r0 = TC_ACT_SHOT; exit
Fd drop_program() noexcept {
    std::array<bpf_insn, 2> code{};
    code[0].code = BPF_ALU64 | BPF_MOV | BPF_K;
    code[0].imm = TC_ACT_SHOT;
    code[1].code = BPF_JMP | BPF_EXIT;
    return Fd(bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "vethway_shield", "Apache-2.0", code.data(),
                            code.size(), nullptr));
}

std::string read_line(const std::string& path) {
    std::string line;
    std::ifstream in(path);
    std::getline(in, line);
    return line;
}

bool write_line(const std::string& path, const std::string& value) {
    std::ofstream out(path);
    out << value << std::flush;
    return out.good();
}

}  // namespace

Shield::Shield(const std::string& port, unsigned ifindex, Method first) {
    if (first == Method::tcx && use_tcx(ifindex)) {
        description_ = "tcx";
        return;
    }
    use_sysctl(port, ifindex);
}

Shield::~Shield() {
    // Only what still is as we left it: whoever changed it since knows better.
    for (const Sysctl& s : changed_)
        if (read_line(s.path) == s.after) write_line(s.path, s.before);
}

bool Shield::use_tcx(unsigned ifindex) {
    const Fd program = drop_program();
    if (!program) return false;
    const int dev = static_cast<int>(ifindex);
    Fd in(bpf_link_create(program.get(), dev, kTcxIngress, nullptr));
    Fd out(bpf_link_create(program.get(), dev, kTcxEgress, nullptr));
    if (!in || !out) return false;
    ingress_ = std::move(in);
    egress_ = std::move(out);
    return true;
}

// The next best without TCX: the kernel neither speaks IPv6 nor ARP there, and forwards nothing
// that came in there. It still answers frames sent to the interface's own MAC and an address of
// the host.
void Shield::use_sysctl(const std::string& port, unsigned ifindex) {
    char name[IFNAMSIZ]{};
    if (if_indextoname(ifindex, name) == nullptr)
        throw PortError("port " + port + ": its interface is gone");
    settings_ = std::make_unique<KernelLinkSettings>(port, ifindex);
    settings_->set_no_arp();
    description_ = "sysctl: arp off";
    const std::string netdev = name;
    set("net/ipv6/conf/" + netdev + "/disable_ipv6", "1");
    set("net/ipv4/conf/" + netdev + "/forwarding", "0");
    set("net/ipv6/conf/" + netdev + "/forwarding", "0");
}

void Shield::set(const std::string& key, const std::string& value) {
    const std::string path = "/proc/sys/" + key;
    const std::string before = read_line(path);
    if (before.empty()) return;  // a kernel without IPv6
    description_ += ", " + key + "=" + value;
    if (before == value) return;
    if (write_line(path, value))
        changed_.push_back({path, before, value});
    else
        description_ += " (refused)";
}

}  // namespace vethway
