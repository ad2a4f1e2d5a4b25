// SPDX-License-Identifier: Apache-2.0
#include "control/watch/story_words_l2.h"

#include <fmt/format.h>

#include "control/watch/story_words.h"
#include "dataplane/l2/guard.h"

namespace vethway {

namespace {

using fmt::format;

// By Learned.
constexpr const char* kLearnedWords[] = {
    "is here, as before",
    "is here (new)",
    "is here now (it has moved)",
    "moves too often: believed to be where it was",
    "is somewhere else, a static entry says",
    "is not learned: a station more than the limit",
    "is not learned: the table has no room",
};

std::string in_vlan(uint32_t vlan) { return vlan == 0 ? "" : format(" in VLAN {}", vlan); }

std::string guard_words(const Record& r, const std::string& port) {
    const std::string mac = r.mac.to_string(), ip = r.next_hop.to_string();
    switch (static_cast<GuardFault>(r.a)) {
        case GuardFault::mac_not_listed:
            return format("{} is none of the MAC addresses that may come in by {}", mac, port);
        case GuardFault::mac_not_bound:
            return format("no binding{} is of {}", in_vlan(r.b), mac);
        case GuardFault::mac_elsewhere:
            return format("{}{} is bound to another member than {}", mac, in_vlan(r.b), port);
        case GuardFault::ip_not_bound:
            return format("no binding{} is of {}, which {} claims", in_vlan(r.b), ip, mac);
        case GuardFault::ip_of_another:
            return format("{}{} is bound to another MAC address than {}", ip, in_vlan(r.b), mac);
        case GuardFault::ip_elsewhere:
            return format("{}{} is bound to another member than {}", ip, in_vlan(r.b), port);
        case GuardFault::forged_sender:
            return format("ARP of {} at {}, from another MAC address", ip, mac);
        case GuardFault::server:
            return format("{} speaks as a DHCP server, which may not be behind {}", mac, port);
        case GuardFault::router:
            return format("{} speaks as an IPv6 router, which may not be behind {}", mac, port);
        default:
            return "headers that the guard can't read";
    }
}

std::string lag_words(const Record& r, Controller& controller) {
    if (r.step == Step::entered_lag)
        return format("{} is a member of {}: comes in by that", port_name(controller, r.a),
                      port_name(controller, r.port));
    return format("{}: its flow (bucket {} by {}) is {}'s, of {} that carry",
                  port_name(controller, r.b & 0xffff), r.a & 0xffff, kLagHashNames[r.a >> 16],
                  port_name(controller, r.egress), r.b >> 16);
}

}  // namespace

std::string l2_words(const Record& r, Controller& controller) {
    switch (r.step) {
        case Step::entered_vlan:
            return format("tag of VLAN {}: comes in by {}", r.a, port_name(controller, r.port));
        case Step::left_vlan:
            return format("by {}: gets the tag of VLAN {}", port_name(controller, r.a), r.b);
        case Step::into_bridge:
            return format("into the bridge{} by {}", in_vlan(r.b), port_name(controller, r.a));
        case Step::station_learned:
            return format("{}{} {}", r.mac.to_string(), in_vlan(r.b), kLearnedWords[r.a]);
        case Step::guarded:
            return guard_words(r, port_name(controller, r.port));
        case Step::arp_answered:
            return format("answered for {}{}, who is at {} behind {}", r.next_hop.to_string(),
                          in_vlan(r.b), r.mac.to_string(), port_name(controller, r.a));
        case Step::to_group:
            return format("to the {} port{} that want{} the group{}", r.a, r.a == 1 ? "" : "s",
                          r.a == 1 ? "s" : "", in_vlan(r.b));
        case Step::to_routers:
            return format("to the {} port{} that multicast routers are behind{}", r.a,
                          r.a == 1 ? "" : "s", in_vlan(r.b));
        case Step::bridged:
            return format("its destination{} is behind {}", in_vlan(r.b),
                          port_name(controller, r.egress));
        case Step::flooded:
            return format("flooded{} to {} port{}", in_vlan(r.b), r.a, r.a == 1 ? "" : "s");
        case Step::entered_lag:
        case Step::spread:
            return lag_words(r, controller);
        default:
            return format("to the bridge itself{}: comes in by {}", in_vlan(r.b),
                          port_name(controller, r.port));
    }
}

}  // namespace vethway
