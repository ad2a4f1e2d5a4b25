// SPDX-License-Identifier: Apache-2.0
// Link aggregation control (IEEE 802.1AX-2008 clause 5) of one LAG: one aggregator, whose ports
// come into use as their partner agrees. It has no clock and no port of its own: it is told the
// time, what came and which links there are, and has its hands do the rest. Control thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "control/lacp/lacpdu.h"

namespace vethway {

struct LacpConfig {
    std::string name;                  // of the LAG, for events
    Mac system;                        // the switch's; with the priority, who we are to partners
    uint16_t system_priority = 65535;  // the smaller is the better
    uint16_t key = 1;                  // of this LAG; no other of the same system has it
    bool active = true;                // speaks first; two passive ends say nothing
    bool fast = false;                 // wants a LACPDU each second, not each 30 s
    friend bool operator==(const LacpConfig&, const LacpConfig&) = default;
};

struct LacpPortConfig {
    std::string name;           // for events
    Mac mac;                    // the source of its LACPDUs
    uint16_t priority = 65535;  // the smaller is the better
    friend bool operator==(const LacpPortConfig&, const LacpPortConfig&) = default;
};

struct LacpChange {
    uint16_t port = 0;
    bool attached = false;  // a member of the aggregator, used or not
    bool carries = false;   // collecting and distributing: frames of the LAG come and go by it
    friend bool operator==(const LacpChange&, const LacpChange&) = default;
};

// What the machine has others do, from within any of its calls.
class LacpHands {
public:
    virtual ~LacpHands() = default;
    // Returns when workers do so: an LACPDU that says so may follow. A port at most once.
    virtual void apply(std::span<const LacpChange> changes) = 0;
    // A whole frame. It goes whether the port carries the LAG's frames or not.
    virtual void send(uint16_t port, std::span<const std::byte> frame) = 0;
    // One line for the log, that names LAG and port.
    virtual void tell(const std::string& event) = 0;
};

enum class LacpReceive : uint8_t { port_disabled, expired, defaulted, current };        // 5.4.12
enum class LacpMux : uint8_t { detached, waiting, attached, collecting_distributing };  // 5.4.15
const char* to_string(LacpReceive state) noexcept;
const char* to_string(LacpMux state) noexcept;

struct LacpPortStatus {
    uint16_t port = 0;
    bool link = false, selected = false, churned = false;
    LacpReceive receive = LacpReceive::port_disabled;
    LacpMux mux = LacpMux::detached;
    LacpParty actor, partner;
    const char* why_not = "";  // it is not selected
    uint64_t received = 0, sent = 0, refused = 0, markers_answered = 0;
};

struct LacpStatus {
    std::optional<LacpParty> partner;   // the aggregator's; its port says nothing
    uint16_t carrying = 0;              // ports
    std::vector<LacpPortStatus> ports;  // by number
};

struct LacpGroup;

class Lacp {
public:
    using Clock = std::chrono::steady_clock;

    // `hands` must outlive it.
    Lacp(const LacpConfig& config, LacpHands& hands);
    ~Lacp();

    // A change of system, its priority or key has partners agree anew; others are gentle.
    void configure(const LacpConfig& config, Clock::time_point now);
    // Adds or changes one; a new one is without a link. `port` is below 65535.
    void set_port(uint16_t port, const LacpPortConfig& config, Clock::time_point now);
    // Its hands are not told: whoever removes it knows.
    void remove_port(uint16_t port, Clock::time_point now);
    // Unknown ports are passed over, here and below. A link is full duplex.
    void link(uint16_t port, bool up, Clock::time_point now);
    // An LACPDU, or a marker, which is answered.
    void frame_received(uint16_t port, std::span<const std::byte> frame, Clock::time_point now);
    // When it is due, or later: after what has come in meanwhile was handed over. Who is late by
    // more than a second does not hold the silence against partners.
    void tick(Clock::time_point now);
    Clock::time_point due() const;  // max(): never

    LacpStatus status() const;

private:
    void run(Clock::time_point now);

    LacpHands& hands_;
    const std::unique_ptr<LacpGroup> group_;
};

}  // namespace vethway
