// SPDX-License-Identifier: Apache-2.0
#include "config/validate_stp.h"

namespace vethway {

namespace {

class StpChecker {
public:
    StpChecker(const BridgeConfig& bridge, std::string path, std::vector<Problem>& problems)
        : b_(bridge), path_(std::move(path)), problems_(problems) {}

    void run() {
        if (b_.stp.mode != StpMode::off) check_times();
        if (b_.stp.priority % 4096 != 0 || b_.stp.priority > 61440)
            add(".stp.priority", "expected 0 to 61440, in steps of 4096");
        if (b_.stp.mode != StpMode::off && (b_.group_fwd_mask & 1) != 0)
            add(".group_fwd_mask", "bit 0 passes the BPDUs that the bridge's own stp takes");
        if (b_.stp.mode != StpMode::off && b_.loop_detection == LoopDetection::shut)
            add(".loop_detection", "with stp, which blocks what loops: off or tell");
        for (size_t i = 0; i < b_.members.size(); ++i)
            check_member(b_.members[i], indexed(".members", i));
    }

private:
    void add(const std::string& at, const std::string& why) {
        problems_.push_back({path_ + at, why});
    }

    void check_range(const char* key, uint32_t value, uint32_t least, uint32_t most) {
        if (value < least || value > most)
            add(std::string(".stp.") + key,
                "expected " + std::to_string(least) + " to " + std::to_string(most));
    }

    // IEEE 802.1D-2004 table 17-1, 17.14
    void check_times() {
        const StpConfig& c = b_.stp;
        check_range("hello_time", c.hello_time, 1, 10);
        check_range("max_age", c.max_age, 6, 40);
        check_range("forward_delay", c.forward_delay, 4, 30);
        check_range("tx_hold_count", c.tx_hold_count, 1, 10);
        const uint32_t most = c.forward_delay > 0 ? 2 * (c.forward_delay - 1) : 0;
        if (c.max_age > most)
            add(".stp.max_age",
                "expected at most 2 * (forward_delay - 1), which is " + std::to_string(most));
        if (c.max_age < 2 * (c.hello_time + 1))
            add(".stp.max_age", "expected at least 2 * (hello_time + 1), which is " +
                                    std::to_string(2 * (c.hello_time + 1)));
    }

    void check_member(const MemberConfig& m, const std::string& at) {
        if (m.stp.priority % 16 != 0 || m.stp.priority > 240)
            add(at + ".stp.priority", "expected 0 to 240, in steps of 16");
        if (m.stp.cost > kMaxPathCost) add(at + ".stp.cost", "expected 1 to 200000000");
        if (b_.stp.mode != StpMode::off && m.state != MemberStateConfig::forwarding)
            add(at + ".state", "the bridge's stp settles its members' states: leave it out");
        if (b_.stp.mode == StpMode::off && m.stp != MemberStpConfig{})
            add(at + ".stp", "the bridge has no stp: say stp: rstp there");
        if (m.stp.guard_recovery != 0 && !m.stp.bpdu_guard)
            add(at + ".stp.guard_recovery", "needs bpdu_guard: true");
    }

    const BridgeConfig& b_;
    const std::string path_;
    std::vector<Problem>& problems_;
};

}  // namespace

void find_stp_problems(const BridgeConfig& bridge, const std::string& path,
                       std::vector<Problem>& problems) {
    StpChecker(bridge, path, problems).run();
}

}  // namespace vethway
