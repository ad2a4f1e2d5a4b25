// SPDX-License-Identifier: Apache-2.0
#include "control/watch/filter.h"

#include <pcap/pcap.h>
#include <rte_errno.h>
#include <rte_malloc.h>

#include <memory>
#include <stdexcept>

#include "control/watch/filter_protocols.h"

namespace vethway {

namespace {

struct PcapClose {
    void operator()(pcap_t* p) const noexcept { pcap_close(p); }
};
struct ParametersFree {
    void operator()(rte_bpf_prm* p) const noexcept { rte_free(p); }
};
// Still marked as experimental in DPDK 22.11, which is how its headers make it a warning.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
rte_bpf_prm* convert(const bpf_program& code) { return rte_bpf_convert(&code); }
#pragma GCC diagnostic pop

struct Program {
    Program() = default;
    ~Program() { pcap_freecode(&code); }
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    bpf_program code{};
};

constexpr int kWholeFrames = 262144;  // what the program returns for a match: as tcpdump has it

}  // namespace

Filter compile_filter(const std::string& expression) {
    if (expression.find_first_not_of(' ') == std::string::npos) return {};
    const std::unique_ptr<pcap_t, PcapClose> handle(pcap_open_dead(DLT_EN10MB, kWholeFrames));
    if (!handle) throw std::invalid_argument("filter: no memory");
    Program program;
    if (pcap_compile(handle.get(), &program.code, expression.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0)
        throw std::invalid_argument("filter \"" + expression + "\": " + pcap_geterr(handle.get()) +
                                    " (it is a tcpdump expression: man 7 pcap-filter)");
    const std::unique_ptr<rte_bpf_prm, ParametersFree> parameters(convert(program.code));
    Bpf bpf(parameters ? rte_bpf_load(parameters.get()) : nullptr);
    if (!bpf)
        throw std::invalid_argument("filter \"" + expression +
                                    "\": DPDK does not take it: " + rte_strerror(rte_errno));
    return {std::move(bpf), protocols_of({program.code.bf_insns, program.code.bf_len})};
}

}  // namespace vethway
