// SPDX-License-Identifier: Apache-2.0
#include "control/watch/filter_protocols.h"

#include <optional>
#include <set>
#include <utility>

namespace vethway {

namespace {

constexpr uint32_t kTypeAt = offsetof(EtherHeader, type);
constexpr uint32_t kProtocolAt = sizeof(EtherHeader) + offsetof(Ip4Header, protocol);

// The accumulator, as far as it is known.
using Known = std::optional<uint32_t>;

// Follows the branches that a frame of one protocol may take. (A BPF program jumps forward only.)
class Walk {
public:
    Walk(std::span<const bpf_insn> program, uint8_t protocol)
        : program_(program), protocol_(protocol) {}

    bool may_pass(size_t at = 0, Known a = {}) {
        for (; at < program_.size() && seen_.emplace(at, a).second; ++at) {
            const bpf_insn& i = program_[at];
            switch (BPF_CLASS(i.code)) {
                case BPF_RET:
                    return BPF_RVAL(i.code) != BPF_K || i.k != 0;
                case BPF_LD:
                    a = loaded(i);
                    break;
                case BPF_ALU:
                case BPF_MISC:  // one of the two leaves it as it is, but that is rare
                    a.reset();
                    break;
                case BPF_JMP: {
                    const auto jump = taken(i, a);
                    if (!jump && may_pass(at + 1 + i.jt, a)) return true;
                    at += jump.value_or(i.jf);
                    break;
                }
                default:  // the index register and memory, which are not followed
                    break;
            }
        }
        return at >= program_.size();  // only what is no program ends there
    }

private:
    Known loaded(const bpf_insn& i) const {
        if (i.code == (BPF_LD | BPF_H | BPF_ABS) && i.k == kTypeAt) return kEtherTypeIp4;
        if (i.code == (BPF_LD | BPF_B | BPF_ABS) && i.k == kProtocolAt) return protocol_;
        return {};
    }
    // How far; nothing: that depends on what is not known.
    static std::optional<uint32_t> taken(const bpf_insn& i, Known a) {
        if (BPF_OP(i.code) == BPF_JA) return i.k;
        if (!a || BPF_SRC(i.code) != BPF_K) return {};
        bool holds = false;
        switch (BPF_OP(i.code)) {
            case BPF_JEQ:
                holds = *a == i.k;
                break;
            case BPF_JGT:
                holds = *a > i.k;
                break;
            case BPF_JGE:
                holds = *a >= i.k;
                break;
            case BPF_JSET:
                holds = (*a & i.k) != 0;
                break;
            default:
                return {};
        }
        return holds ? i.jt : i.jf;
    }

    const std::span<const bpf_insn> program_;
    const uint8_t protocol_;
    std::set<std::pair<size_t, Known>> seen_;  // from where nothing passed
};

}  // namespace

Ip4Protocols protocols_of(std::span<const bpf_insn> program) {
    Ip4Protocols passed;
    for (size_t protocol = 0; protocol < passed.size(); ++protocol)
        passed[protocol] = Walk(program, static_cast<uint8_t>(protocol)).may_pass();
    return passed;
}

}  // namespace vethway
