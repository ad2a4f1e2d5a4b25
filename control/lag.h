// SPDX-License-Identifier: Apache-2.0
// One LAG: which of its members carry its frames, as LACP agrees with the partner, or as their
// links are; and the state that workers have of it. Control thread.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "control/lacp/lacp.h"
#include "dataplane/dataplane.h"

namespace vethway {

class Ports;
class ManagedPort;

class Lag final : private LacpHands {
public:
    using Clock = Lacp::Clock;

    struct Member {
        std::string name;
        uint16_t port = kNoPort;  // its index; kNoPort: it is still to come
        bool link = false;        // up, and so is the LAG administratively
        bool agreed = false;      // LACP says that it carries
        // Slow protocols are of ten frames a second (IEEE 802.3 57A.2): more are not listened to.
        Clock::time_point second_began{};
        unsigned heard_in_second = 0;
        uint64_t unheard = 0;
    };

    // The references outlive it.
    Lag(Dataplane& dataplane, Ports& ports) : dataplane_(dataplane), ports_(ports) {}

    void set(const LagConfig& config);
    const LagConfig& config() const { return config_; }

    // Which members there are, and their links; before workers are told of them.
    void look();
    // The same, told to LACP; when workers know these members.
    void inform(Clock::time_point now);
    void tick(Clock::time_point now);
    // A frame of slow protocols by one of its members; else false.
    bool frame_received(uint16_t port, std::span<const std::byte> frame, Clock::time_point now);

    // Its own port's link, MTU and offloads, from its members.
    void derive();
    void describe(Snapshot& next) const;

    const std::vector<Member>& members() const { return members_; }
    bool carries(const Member& member) const;
    // "" while it does.
    std::string why_not(const Member& member) const;
    uint16_t carrying() const;
    std::optional<LacpStatus> lacp() const;  // none: it speaks none
    Mac system() const;

private:
    void apply(std::span<const LacpChange> changes) override;
    void send(uint16_t port, std::span<const std::byte> frame) override;
    void tell(const std::string& event) override;

    bool speaks_lacp() const { return config_.mode == LagMode::lacp; }
    std::string down_reason() const;
    Member* member_at(uint16_t port);
    void deal_out_buckets();

    Dataplane& dataplane_;
    Ports& ports_;
    LagConfig config_;
    std::vector<Member> members_;  // as configured
    LagBuckets buckets_ = no_buckets();
    std::unique_ptr<Lacp> lacp_;
    std::vector<uint16_t> told_;  // ports that LACP knows
    // Of lines for the log: who changes its mind with each frame fills none.
    double lines_ = 0;
    uint64_t left_out_ = 0;
    Clock::time_point last_line_{};

    static LagBuckets no_buckets() {
        LagBuckets none;
        none.fill(kNoPort);
        return none;
    }
};

}  // namespace vethway
