// SPDX-License-Identifier: Apache-2.0
#include "dataplane/port/shield.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <net/if.h>

#include <array>
#include <cerrno>
#include <fstream>

#include "dataplane/port/port.h"
#include "dataplane/port/tcx.h"

namespace vethway {

namespace {

// r2 = skb->mark; r0 = TC_ACT_UNSPEC; if (r2 == kShieldPass) goto exit; r0 = TC_ACT_SHOT; exit
Fd drop_program() noexcept {
    std::array<bpf_insn, 5> code{};
    code[0] = {.code = BPF_LDX | BPF_W | BPF_MEM,
               .dst_reg = BPF_REG_2,
               .src_reg = BPF_REG_1,
               .off = offsetof(__sk_buff, mark),
               .imm = 0};
    code[1] = {.code = BPF_ALU64 | BPF_MOV | BPF_K,
               .dst_reg = BPF_REG_0,
               .src_reg = 0,
               .off = 0,
               .imm = TC_ACT_UNSPEC};
    code[2] = {.code = BPF_JMP | BPF_JEQ | BPF_K,
               .dst_reg = BPF_REG_2,
               .src_reg = 0,
               .off = 1,
               .imm = kShieldPass};
    code[3] = {.code = BPF_ALU64 | BPF_MOV | BPF_K,
               .dst_reg = BPF_REG_0,
               .src_reg = 0,
               .off = 0,
               .imm = TC_ACT_SHOT};
    code[4].code = BPF_JMP | BPF_EXIT;
    return Fd(bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, Shield::kProgramName, "Apache-2.0",
                            code.data(), code.size(), nullptr));
}

constexpr auto kBothSides = static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);

bpf_tc_hook hook_of(unsigned ifindex, bpf_tc_attach_point side) noexcept {
    bpf_tc_hook hook{};
    hook.sz = sizeof hook;
    hook.ifindex = static_cast<int>(ifindex);
    hook.attach_point = side;
    return hook;
}

bpf_tc_opts our_filter() noexcept {
    bpf_tc_opts filter{};
    filter.sz = sizeof filter;
    filter.handle = 0x7665;  // "ve"
    filter.priority = 1;     // before everybody else's
    return filter;
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

Shield::Shield(const std::string& port, unsigned ifindex, Method first) : ifindex_(ifindex) {
    if (first == Method::tcx && use_tcx(ifindex))
        description_ = "tcx";
    else if (first != Method::sysctl && use_clsact(ifindex))
        description_ = "clsact";
    else
        use_sysctl(port, ifindex);
}

Shield::~Shield() {
    if (clsact_) leave_clsact();
    // Only what still is as we left it: whoever changed it since knows better.
    for (const Sysctl& s : changed_)
        if (read_line(s.path) == s.after) write_line(s.path, s.before);
}

void Shield::forget() noexcept {
    clsact_ = false;
    changed_.clear();
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

// Before TCX there was tc(8)'s clsact qdisc with a filter on either side. Ours is known by its
// place, so that the one of a killed process is replaced.
bool Shield::use_clsact(unsigned ifindex) {
    const Fd program = drop_program();
    if (!program) return false;
    bpf_tc_hook hook = hook_of(ifindex, kBothSides);
    const int made = bpf_tc_hook_create(&hook);
    if (made != 0 && made != -EEXIST) return false;
    made_qdisc_ = made == 0;
    clsact_ = true;
    for (const auto side : {BPF_TC_INGRESS, BPF_TC_EGRESS}) {
        hook = hook_of(ifindex, side);
        bpf_tc_opts filter = our_filter();
        filter.prog_fd = program.get();
        filter.flags = BPF_TC_F_REPLACE;
        if (bpf_tc_attach(&hook, &filter) == 0) continue;
        leave_clsact();
        return clsact_ = false;
    }
    return true;
}

void Shield::leave_clsact() noexcept {
    for (const auto side : {BPF_TC_INGRESS, BPF_TC_EGRESS}) {
        const bpf_tc_hook hook = hook_of(ifindex_, side);
        const bpf_tc_opts filter = our_filter();
        bpf_tc_detach(&hook, &filter);
    }
    bpf_tc_hook both = hook_of(ifindex_, kBothSides);
    if (made_qdisc_) bpf_tc_hook_destroy(&both);
}

// The next best without BPF: the kernel neither speaks IPv6 nor ARP there, and forwards nothing
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
