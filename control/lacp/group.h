// SPDX-License-Identifier: Apache-2.0
// The variables of the state machines of IEEE 802.1AX-2008 5.4, and the machines: each function
// looks at one port, makes at most one transition and says whether it did. Only lacp.cpp knows the
// order.
#pragma once

#include <map>

#include "control/lacp/lacp.h"

namespace vethway {

using LacpTime = Lacp::Clock::time_point;
inline constexpr LacpTime kNever = LacpTime::max();

// 5.4.4
inline constexpr std::chrono::seconds kFastPeriodic{1}, kSlowPeriodic{30}, kShortTimeout{3},
    kLongTimeout{90}, kChurnDetection{60}, kAggregateWait{2};

struct LacpPort {
    LacpPortConfig config;
    uint16_t index = 0;
    bool link = false;
    uint64_t received = 0, sent = 0, refused = 0, markers_answered = 0;

    LacpParty actor, partner;  // as they are in force
    LacpReceive receive = LacpReceive::port_disabled;
    LacpMux mux = LacpMux::detached;
    bool selected = false, ntt = false, churned = false;
    const char* why_not = "no partner has been heard of";
    LacpTime current_until = kNever, periodic_at = kNever, wait_until = kNever, churn_at = kNever;
    bool is_fast = false;  // what periodic_at was set by

    // 5.4.16: three LACPDUs in a second; and as many answers to markers as slow protocols may send.
    LacpTime second_began{};
    unsigned sent_in_second = 0, answered_in_second = 0;

    bool told_attached = false, told_carries = false;

    bool is_attached() const { return mux >= LacpMux::attached; }
    bool carries() const { return mux == LacpMux::collecting_distributing; }
};

// With whom the aggregator's ports are joined. An end that can't be aggregated is alone.
struct LacpPartnerId {
    uint16_t system_priority = 0;
    Mac system;
    uint16_t key = 0;
    std::optional<uint16_t> lonely_port;
    friend bool operator==(const LacpPartnerId&, const LacpPartnerId&) = default;
};

struct LacpGroup {
    LacpConfig config;
    std::map<uint16_t, LacpPort> ports;
    std::optional<LacpPartnerId> partner;
    std::vector<std::string> events;  // to be told

    void say(const LacpPort& p, const std::string& what);
};

void begin(const LacpGroup& g, LacpPort& p);
void take(LacpGroup& g, LacpPort& p, const Lacpdu& pdu, LacpTime now);
bool turn_receive(LacpGroup& g, LacpPort& p, LacpTime now);                      // 5.4.12
bool turn_periodic(const LacpGroup& g, LacpPort& p, LacpTime now);               // 5.4.13
bool select(LacpGroup& g);                                                       // 5.4.14
bool turn_mux(LacpGroup& g, LacpPort& p, LacpTime now);                          // 5.4.15
bool turn_churn(LacpGroup& g, LacpPort& p, LacpTime now);                        // 5.4.17
void transmit(const LacpGroup& g, LacpPort& p, LacpHands& hands, LacpTime now);  // 5.4.16
// May one more frame go in this second, of which `count` went?
bool may_send(LacpPort& p, unsigned& count, unsigned most, LacpTime now);

}  // namespace vethway
