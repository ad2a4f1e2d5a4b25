// SPDX-License-Identifier: Apache-2.0
// The rapid spanning tree of one bridge domain (IEEE 802.1D-2004 clause 17), with 802.1Q's
// restrictedRole as root guard, and BPDU guard. It has no clock and no port of its own: it is told
// the time, what came and which links there are, and has its hands do the rest. Control thread.
//
// What no bridge of this protocol can help: after a root's death its last words may go around where
// there are loops, and for some seconds frames with them (at most max_age; the tests see 6 s).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "control/stp/bpdu.h"

namespace vethway {

struct RstpConfig {
    std::string name;               // of the domain, for events
    Mac mac;                        // with the priority, the bridge's identifier
    uint16_t priority = 0x8000;     // a multiple of 4096
    bool force_stp = false;         // speak the old protocol only (17.13.4)
    uint16_t hello_s = 2;           // 1..10 (table 17-1)
    uint16_t max_age_s = 20;        // 6..40, at most 2 * (forward_delay_s - 1)
    uint16_t forward_delay_s = 15;  // 4..30
    uint8_t tx_hold_count = 6;      // 1..10: BPDUs at once by a port, then one a second
    friend bool operator==(const RstpConfig&, const RstpConfig&) = default;
};

struct RstpPortConfig {
    std::string name;               // for events
    Mac mac;                        // the source of its BPDUs
    uint8_t priority = 0x80;        // a multiple of 16
    uint32_t path_cost = 0;         // 1..200'000'000; 0: by the link's speed
    bool admin_edge = false;        // forwards at once, until a BPDU comes
    bool auto_edge = true;          // an edge when no BPDU has come for 3 s
    bool point_to_point = true;     // two bridges at most are on this link
    bool bpdu_guard = false;        // a BPDU shuts the port
    uint16_t guard_recovery_s = 0;  // and it opens again after so long; 0: by recover() only
    bool root_guard = false;        // never the way to the root: blocked while it would be
    friend bool operator==(const RstpPortConfig&, const RstpPortConfig&) = default;
};

// IEEE 802.1D table 17-3. 0: not known, taken as 10 Gbit/s, which is what a veth says.
uint32_t path_cost_of(uint32_t speed_mbps) noexcept;

enum class StpRole : uint8_t { disabled, root, designated, alternate, backup };
enum class StpState : uint8_t { discarding, learning, forwarding };
const char* to_string(StpRole role) noexcept;
const char* to_string(StpState state) noexcept;

struct StpChange {
    uint16_t port = 0;
    StpRole role = StpRole::disabled;
    StpState state = StpState::discarding;
    bool flush = false;  // what was learned on this port is forgotten
    friend bool operator==(const StpChange&, const StpChange&) = default;
};

// What the machine has others do, from within any of its calls.
class RstpHands {
public:
    virtual ~RstpHands() = default;
    // Returns when workers do so: a BPDU that says so may follow. A port at most once.
    virtual void apply(std::span<const StpChange> changes) = 0;
    // A whole frame without padding. It goes whatever the port's state.
    virtual void send(uint16_t port, std::span<const std::byte> frame) = 0;
    // One line for the log, that names domain and port.
    virtual void tell(const std::string& event) = 0;
};

struct RstpPortStatus {
    uint16_t port = 0;
    StpRole role = StpRole::disabled;
    StpState state = StpState::discarding;
    bool link = false, edge = false, point_to_point = true;
    bool speaks_stp = false;    // its neighbour knows the old protocol only
    bool guarded = false;       // shut by BPDU guard
    bool root_guarded = false;  // blocked by root guard
    uint16_t id = 0;            // priority and number
    uint32_t path_cost = 0;
    StpVector designated;  // who speaks for this link, and what it says
    uint64_t bpdus_received = 0, bpdus_sent = 0, bpdus_refused = 0, flushes = 0;
};

struct RstpStatus {
    BridgeId id, root;
    uint32_t root_cost = 0;
    std::optional<uint16_t> root_port;  // none: this is the root
    StpTimes times;                     // the root's
    uint64_t topology_changes = 0;
    std::vector<RstpPortStatus> ports;  // by number
};

struct StpBridge;

class Rstp {
public:
    using Clock = std::chrono::steady_clock;

    // `hands` must outlive it. `config` is within the standard's limits (config/validate_stp.h).
    Rstp(const RstpConfig& config, RstpHands& hands, Clock::time_point now);
    ~Rstp();

    // A change of mac or mode begins anew, with all ports discarding; others are gentle.
    void configure(const RstpConfig& config);
    // Adds or changes one; a new one is without a link. `port` is below 4095.
    void set_port(uint16_t port, const RstpPortConfig& config);
    // Its hands are not told: whoever removes it knows.
    void remove_port(uint16_t port);
    // Unknown ports are passed over, here and below.
    void link(uint16_t port, bool up, uint32_t speed_mbps);
    void bpdu_received(uint16_t port, std::span<const std::byte> frame);
    // Opens a port that BPDU guard has shut. False: it is not.
    bool recover(uint16_t port);
    // Asks a neighbour that spoke the old protocol whether it knows the new (mcheck, 17.19.13).
    // False: unknown, or this bridge speaks the old one only.
    bool migrate(uint16_t port);

    // A second of all timers, when it is due. Called late, it makes up for no more than one: the
    // BPDUs of that time may still be waiting, and to be slow is safe.
    void tick(Clock::time_point now);
    Clock::time_point due() const noexcept { return due_; }

    RstpStatus status() const;

private:
    void run();

    RstpHands& hands_;
    const std::unique_ptr<StpBridge> bridge_;
    Clock::time_point due_;
};

}  // namespace vethway
