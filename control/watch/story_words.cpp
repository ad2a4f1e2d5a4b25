// SPDX-License-Identifier: Apache-2.0
#include "control/watch/story_words.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <rte_cycles.h>

#include "control/packet_words.h"
#include "control/watch/story_words_l2.h"
#include "dataplane/net/headers.h"

namespace vethway {

namespace {

using fmt::format;

struct StepRow {
    const char *name, *stage;
};
// In the order of Step; the stages are those of drop reasons.
constexpr StepRow kSteps[] = {
    {"received", "rx"},
    {"repaired", "rx"},
    {"wired", "xconnect"},
    {"not_wired", "xconnect"},
    {"entered_lag", "lag"},
    {"entered_vlan", "vlan"},
    {"guarded", "bridge"},
    {"station_learned", "bridge"},
    {"arp_answered", "bridge"},
    {"bridged", "bridge"},
    {"flooded", "bridge"},
    {"to_group", "bridge"},
    {"to_routers", "bridge"},
    {"to_bridge", "bridge"},
    {"into_bridge", "bridge"},
    {"left_vlan", "vlan"},
    {"spread", "lag"},
    {"classified", "classify"},
    {"learned", "arp"},
    {"source_passed", "ip4_source"},
    {"source_refused", "ip4_source"},
    {"options_read", "ip4_options"},
    {"routed", "ip4_lookup"},
    {"forwarded", "ip4_forward"},
    {"refused_forward", "ip4_forward"},
    {"asks_error", "icmp_error"},
    {"collected", "ip4_reassemble"},
    {"reassembled", "ip4_reassemble"},
    {"sent_own", "ip4_output"},
    {"resolved", "neighbour"},
    {"waits", "neighbour"},
    {"released", "neighbour"},
    {"checksum_done", "egress"},
    {"handed_over", "tx"},
    {"sent", "tx"},
    {"originated", "origin"},
    {"consumed", "end"},
    {"dropped", "drop"},
};
static_assert(std::size(kSteps) == static_cast<size_t>(Step::dropped) + 1);

// The answers that may be made of a packet, by Consumed and Originated.
constexpr const char* kConsumedWords[] = {
    "an ARP request, answered",
    "an ARP reply, taken in",
    "an echo request, answered",
    "handed to the daemon",
    "cut into fragments",
    "cut into the segments that its sender left to the device",
    "put together with the other fragments",
    "an ICMP timestamp request, answered"};
static_assert(std::size(kConsumedWords) == static_cast<size_t>(Consumed::kCount));
constexpr const char* kOriginatedWords[] = {"an ARP request",
                                            "an ARP reply",
                                            "an echo reply",
                                            "an ICMP error",
                                            "a packet of the daemon's",
                                            "a fragment",
                                            "a segment",
                                            "a packet put together of fragments",
                                            "an ICMP timestamp reply",
                                            "a TCP reset",
                                            "a copy of an ARP message, for the daemon",
                                            "a copy of a message about groups, for the daemon",
                                            "a copy of the frame, flooded to another port",
                                            "a frame of a protocol between bridges"};
static_assert(std::size(kOriginatedWords) == static_cast<size_t>(Originated::kCount));
constexpr const char* kFateWords[] = {
    "sent", "not sent, because none may be about such a packet (RFC 1812 4.3.2.7)",
    "not sent: the rate limit", "not sent: no buffer"};

const Ip4Header* ip4_of(const NotedStep& s) {
    if (s.record.l3_offset < sizeof(EtherHeader) ||
        s.frame.size() < s.record.l3_offset + sizeof(Ip4Header))
        return nullptr;
    return reinterpret_cast<const Ip4Header*>(&s.frame[s.record.l3_offset]);
}

std::string destination_of(const NotedStep& s) {
    const Ip4Header* ip = ip4_of(s);
    return ip != nullptr ? Ip4{ip->dst}.to_string() : "the destination";
}
std::string source_of(const NotedStep& s) {
    const Ip4Header* ip = ip4_of(s);
    return ip != nullptr ? Ip4{ip->src}.to_string() : "the source";
}

std::string offload_words(const Offload& o) {
    std::string words;
    if (o.checksum == L4Checksum::partial) words += ", checksum left to the device";
    if (o.gso != Gso::none) words += format(", a super-frame of {}-byte segments", o.gso_size);
    return words;
}

std::string route_words(const NotedStep& s, Controller& controller) {
    const auto type = static_cast<RouteType>(s.record.a);
    const Ip4Header* ip = ip4_of(s);
    if (ip == nullptr) return format("no route to {}", destination_of(s));
    // A source route that leads on has said where to.
    const Ip4 to = s.record.next_hop.is_zero() ? Ip4{ip->dst} : s.record.next_hop;
    const RibRoute* route = controller.rib().lookup(to);
    if (type == RouteType::none || route == nullptr)
        return format("no route to {}", to.to_string());
    std::string words =
        format("{} is in {} ({})", to.to_string(), route->to.to_string(), route->type());
    if (route->metric != 0) words += format(", metric {}", route->metric);
    const char* joined = ": ";
    for (const RibHop& hop : route->hops) {
        words += joined + (hop.via ? "via " + hop.via->to_string() + " " : std::string()) +
                 hop.port + (hop.up ? "" : " (down)");
        joined = ", ";
    }
    return words;
}

std::string source_words(const NotedStep& s, Controller& controller) {
    const auto check = static_cast<SourceCheck>(s.record.a);
    if (check == SourceCheck::off) return "rp_filter off";
    const char* const mode = check == SourceCheck::strict ? "strict" : "loose";
    if (s.record.b == kNoPort)
        return format("rp_filter {}: there is no route back to {}", mode, source_of(s));
    const std::string by = port_name(controller, s.record.b);
    if (s.record.step == Step::source_passed)
        return format("rp_filter {}: the route back to {} leaves by {}", mode, source_of(s), by);
    return format("rp_filter {}: the route back to {} leaves by {}, not by {}", mode, source_of(s),
                  by, port_name(controller, s.record.port));
}

std::string option_words(const Record& r) {
    if (r.a != 0) return format("IP options: byte {} of the header makes no sense", r.a);
    std::string words;
    const auto say = [&](uint32_t kind, const char* what) {
        if ((r.b & kind) != 0) words += (words.empty() ? "" : ", ") + std::string(what);
    };
    say(kSaysRecordRoute, "record route");
    say(kSaysTimestamp, "timestamp");
    say(kSaysSourceRoute, "source route");
    return "IP options: " + (words.empty() ? "nothing to do for a router" : words);
}

std::string icmp_words(uint32_t type_code) {
    const uint32_t type = type_code >> 8, code = type_code & 0xff;
    if (type == kIcmpTimeExceeded)
        return code == kIcmpReassemblyTimeExceeded ? "reassembly time exceeded" : "time exceeded";
    if (type == kIcmpParameterProblem) return "parameter problem";
    if (type == kIcmpRedirect) return "redirect";
    if (type != kIcmpUnreachable) return format("type {} code {}", type, code);
    switch (code) {
        case kIcmpNetUnreachable:
            return "net unreachable";
        case kIcmpHostUnreachable:
            return "host unreachable";
        case kIcmpProtocolUnreachable:
            return "protocol unreachable";
        case kIcmpPortUnreachable:
            return "port unreachable";
        case kIcmpFragmentationNeeded:
            return "fragmentation needed";
        case kIcmpSourceRouteFailed:
            return "source route failed";
        case kIcmpAdminProhibited:
            return "administratively prohibited";
        default:
            return format("unreachable, code {}", code);
    }
}

std::string forward_words(const NotedStep& s, Controller& controller) {
    const Record& r = s.record;
    const std::string by = port_name(controller, r.egress);
    const Ip4Header* ip = ip4_of(s);
    const unsigned ttl = ip != nullptr ? ip->ttl : 0;
    if (r.step == Step::forwarded)
        return format("by {}, next hop {}; TTL {} -> {}; {} bytes of MTU {}", by,
                      r.next_hop.to_string(), ttl + 1, ttl, r.b, r.a);
    if (r.why == Drop::ttl_expired) return format("TTL {} runs out here", ttl);
    return format("{} bytes for {}, whose MTU is {}, and marked do-not-fragment", r.b, by, r.a);
}

std::string neighbour_words(const NotedStep& s, Controller& controller) {
    const Record& r = s.record;
    const std::string who = r.next_hop.to_string();
    if (r.step == Step::released)
        return format("the MAC address of {} is known, after {:.1f} ms", who, r.a / 1000.0);
    const char* const state = kNeighbourStateNames[r.a];
    switch (r.step) {
        case Step::learned:
            return format("{} is at {} ({})", who, r.mac.to_string(),
                          static_cast<NeighbourState>(r.a) == NeighbourState::none ? "new" : state);
        case Step::resolved:
            return format("{} on {} is at {} ({})", who, port_name(controller, r.egress),
                          r.mac.to_string(), state);
        default:
            return format("the MAC address of {} on {} is not known ({}): waits for ARP{}", who,
                          port_name(controller, r.egress), state,
                          r.b > 0 ? format(", behind {} others", r.b) : "");
    }
}

const char* ethertype_words(uint32_t type) { return type == kEtherTypeArp ? "ARP" : "IPv4"; }

constexpr const char* kPlain = "\033[0m";
const char* colour_of(const std::string& outcome) {
    if (outcome == "dropped") return "\033[31m";
    if (outcome == "waits" || outcome == "unknown") return "\033[33m";
    return "\033[32m";
}

std::string time_words(uint64_t unix_ns) {
    const auto seconds = static_cast<time_t>(unix_ns / 1'000'000'000);
    return format("{:%H:%M:%S}.{:06}", fmt::localtime(seconds), unix_ns / 1000 % 1'000'000);
}

// The control thread's hand comes behind the workers' (Dataplane::give_up).
Json worker_name(Controller& controller, uint16_t worker) {
    return worker < controller.dataplane().workers() ? Json(worker) : Json("control");
}

Json json_of_step(const NotedStep& s, const NotedStep& first, Controller& controller) {
    const Record& r = s.record;
    const StepRow& row = kSteps[static_cast<size_t>(r.step)];
    const uint64_t ns = static_cast<uint64_t>(static_cast<double>(r.tsc - first.record.tsc) * 1e9 /
                                              static_cast<double>(rte_get_tsc_hz()));
    Json out{{"ns", ns},
             {"worker", worker_name(controller, r.worker)},
             {"stage", row.stage},
             {"step", row.name},
             {"words", words_of(s, controller)},
             {"length", r.length}};
    if (r.step == Step::dropped) {
        out["reason"] = kDropInfo[static_cast<size_t>(r.why)].name;
        out["stage"] = kDropInfo[static_cast<size_t>(r.why)].stage;
    }
    if (r.step == Step::sent || r.step == Step::forwarded || r.step == Step::wired ||
        r.step == Step::bridged || r.step == Step::spread)
        out["egress"] = port_name(controller, r.egress);
    if (r.step == Step::forwarded || r.step == Step::resolved || r.step == Step::waits)
        out["next_hop"] = r.next_hop.to_string();
    if (r.step == Step::resolved || r.step == Step::learned || r.step == Step::station_learned ||
        r.step == Step::arp_answered || r.step == Step::guarded)
        out["mac"] = r.mac.to_string();
    if (r.step == Step::consumed) out["consumed"] = kConsumedNames[r.a];
    if (r.step == Step::originated) out["originated"] = kOriginatedNames[r.a];
    return out;
}

// What it looks like: at its last step, where headers are whole; but as received, if it was.
std::string summary_of(const StoryPacket& packet) {
    const NotedStep& s = packet.parent == 0 ? packet.steps.front() : packet.steps.back();
    return describe_frame(s.frame, s.record.length);
}

}  // namespace

std::string port_name(Controller& controller, uint32_t index) {
    if (index == kLoopback) return "lo";
    const ManagedPort* port =
        index < kMaxPorts ? controller.ports().find(static_cast<uint16_t>(index)) : nullptr;
    return port != nullptr ? port->config.name : format("#{}", index);
}

std::string words_of(const NotedStep& s, Controller& controller) {
    const Record& r = s.record;
    switch (r.step) {
        case Step::received:
            return format("{} bytes on {}{}", r.length, port_name(controller, r.port),
                          offload_words(r.offload));
        case Step::repaired:
            return "checksum completed, which the sender had left to the device";
        case Step::wired:
            return "wire to " + port_name(controller, r.egress);
        case Step::not_wired:
            return format("wire to {}, whose MTU is {}", port_name(controller, r.egress), r.a);
        case Step::entered_lag:
        case Step::entered_vlan:
        case Step::guarded:
        case Step::station_learned:
        case Step::arp_answered:
        case Step::bridged:
        case Step::flooded:
        case Step::to_group:
        case Step::to_routers:
        case Step::to_bridge:
        case Step::into_bridge:
        case Step::left_vlan:
        case Step::spread:
            return l2_words(r, controller);
        case Step::classified:
            return format("{}, {}", ethertype_words(r.a),
                          r.b != 0 ? "to a group on the link" : "to us");
        case Step::source_passed:
        case Step::source_refused:
            return source_words(s, controller);
        case Step::options_read:
            return option_words(r);
        case Step::sent_own:
            if (r.b == 1)
                return format("by {}, as was asked, next hop {}", port_name(controller, r.egress),
                              r.next_hop.to_string());
            return route_words(s, controller);
        case Step::routed:
            return route_words(s, controller);
        case Step::forwarded:
        case Step::refused_forward:
            return forward_words(s, controller);
        case Step::collected:
            return format("a fragment, bytes {} to {} of what is to us: held until all are here",
                          r.a, r.b > r.a ? r.b - 1 : r.a);
        case Step::reassembled:
            return format("{} fragments make {} bytes", r.a, r.b);
        case Step::asks_error:
            return format("ICMP {} to {}: {}", icmp_words(r.a), source_of(s), kFateWords[r.b]);
        case Step::learned:
        case Step::resolved:
        case Step::waits:
        case Step::released:
            return neighbour_words(s, controller);
        case Step::checksum_done:
            return format("checksum completed: {} can't be left to do it",
                          port_name(controller, r.egress));
        case Step::handed_over:
            return format("to worker {}, which owns the queue", r.a);
        case Step::sent:
            return format("{} bytes by {}, queue {}{}{}", r.length, port_name(controller, r.egress),
                          r.a, r.b > 1 ? format(", one of {}", r.b) : "", offload_words(r.offload));
        case Step::originated:
            return kOriginatedWords[r.a];
        case Step::consumed:
            return kConsumedWords[r.a];
        case Step::dropped: {
            const DropInfo& why = kDropInfo[static_cast<size_t>(r.why)];
            return format("{}: {}", why.name, why.help);
        }
    }
    return {};
}

Json json_of(const Story& story, const WallClock& clock, Controller& controller) {
    const NotedStep& first = story.packets.front().steps.front();
    Json packets = Json::array();
    for (const StoryPacket& p : story.packets) {
        Json steps = Json::array();
        for (const NotedStep& s : p.steps) steps.push_back(json_of_step(s, first, controller));
        const auto cause = std::ranges::find(story.packets, p.parent, &StoryPacket::id);
        packets.push_back(
            {{"id", packets.size() + 1},
             {"caused_by",
              cause == story.packets.end() ? Json() : Json(cause - story.packets.begin() + 1)},
             {"summary", summary_of(p)},
             {"outcome", kOutcomeNames[static_cast<size_t>(p.outcome())]},
             {"steps", steps}});
    }
    Json reasons = Json::array();
    for (const StoryPacket& p : story.packets)
        if (p.outcome() == Outcome::dropped)
            reasons.push_back(kDropInfo[static_cast<size_t>(p.last().record.why)].name);
    const uint64_t ns = clock.ns(first.record.tsc);
    return {{"time", time_words(ns)},
            {"unix_ns", ns},
            {"port", port_name(controller, first.record.port)},
            {"summary", summary_of(story.packets.front())},
            {"outcome", kOutcomeNames[static_cast<size_t>(story.outcome())]},
            {"reasons", reasons},
            {"packets", packets}};
}

std::string text_of_story(const Json& story, bool colour) {
    const auto port = story["port"].get<std::string>(),
               summary = story["summary"].get<std::string>();
    std::string text = story.contains("what_if")
                           ? format("If {} received {}\n", port, summary)
                           : format("{} {}: {}\n", story["time"].get<std::string>(), port, summary);
    for (const Json& p : story["packets"]) {
        const bool caused = !p["caused_by"].is_null();
        if (caused) text += format("  + because of it: {}\n", p["summary"].get<std::string>());
        for (const Json& s : p["steps"]) {
            const bool end = s["step"] == "dropped";
            text += format("{}{:>9} ns  {}{:<11}{} {}\n", caused ? "  | " : "  ",
                           s["ns"].get<uint64_t>(), colour && end ? colour_of("dropped") : "",
                           s["stage"].get<std::string>(), colour && end ? kPlain : "",
                           s["words"].get<std::string>());
        }
    }
    const auto outcome = story["outcome"].get<std::string>();
    std::string verdict = outcome;
    for (const Json& reason : story["reasons"]) verdict += " " + reason.get<std::string>();
    return text +
           format("  {}=> {}{}\n", colour ? colour_of(outcome) : "", verdict, colour ? kPlain : "");
}

}  // namespace vethway
