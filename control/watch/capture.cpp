// SPDX-License-Identifier: Apache-2.0
#include "control/watch/capture.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace vethway {

namespace {

// After `sent` a driver may still refuse: so long that is waited for, though it is a matter of
// microseconds unless the worker's CPU is taken from it.
constexpr uint64_t kSettleMs = 20;
constexpr uint64_t kQuietMs = 100;  // after that a frame is shown with what is known
constexpr size_t kMostPackets = size_t{1} << 17;

constexpr uint64_t kDeciding = bit(Step::received) | bit(Step::sent) | bit(Step::dropped) |
                               bit(Step::consumed) | bit(Step::waits) | bit(Step::collected) |
                               bit(Step::handed_over);
constexpr uint64_t kTelling = kDeciding | bit(Step::flooded) | bit(Step::to_group) |
                              bit(Step::to_routers) | bit(Step::originated) | bit(Step::released) |
                              bit(Step::asks_error);

// At ports without a wire, a frame of which has been shown at the port that has it, or will be.
constexpr uint64_t kCameIn =
    bit(Step::entered_lag) | bit(Step::entered_vlan) | bit(Step::to_bridge);
constexpr uint64_t kWentOut = bit(Step::spread) | bit(Step::left_vlan) | bit(Step::into_bridge);

// Of ICMP errors, by ErrorFate.
constexpr const char* kErrorFates[] = {"sent", "not sent (not allowed)", "not sent (rate limit)",
                                       "not sent (no free mbuf)"};

bool is(const Record& r, Consumed what) { return r.a == static_cast<uint32_t>(what); }

std::string originated_name(uint32_t what) {
    return what < std::size(kOriginatedNames) ? kOriginatedNames[what] : "packet";
}

}  // namespace

std::string name_of(const PortNames& names, uint16_t port) {
    if (port == kLoopback) return "lo";
    const auto found = names.find(port);
    return found != names.end() ? found->second : fmt::format("port {}", port);
}

Capture::Capture(CaptureChoice choice, uint64_t hz)
    : choice_(std::move(choice)), settle_(hz * kSettleMs / 1000), quiet_(hz * kQuietMs / 1000) {}

// `sent` always with its frame: that is where the next hop's MAC is. Ports without a wire are asked
// after only where ports are named: each frame is there once.
WatchOptions Capture::watch_options() const {
    const bool chosen = !choice_.ports.empty();
    uint64_t with_frame = bit(Step::sent);
    if (choice_.rx && chosen) with_frame |= kCameIn;
    if (choice_.tx && chosen) with_frame |= kWentOut;
    if (choice_.rx) with_frame |= bit(Step::received);
    if (choice_.drop) with_frame |= bit(Step::dropped);
    return {.filter = {},
            .port = std::nullopt,
            .looks_again = chosen,
            .steps = kTelling | with_frame,
            .frame_steps = with_frame,
            .snaplen = choice_.snaplen,
            .ring_bytes = size_t{8} << 20};
}

bool Capture::Known::ended() const {
    return last.step == Step::sent || last.step == Step::consumed || last.step == Step::dropped;
}

const Capture::Known* Capture::find(uint32_t packet) const {
    const auto found = packets_.find(packet);
    return found != packets_.end() ? &found->second : nullptr;
}

void Capture::add(NotedStep step) { steps_.emplace(step.record.tsc, std::move(step)); }

std::vector<Captured> Capture::advance(uint64_t tsc) {
    while (!steps_.empty() && steps_.begin()->first < tsc) {
        take_in(steps_.begin()->second);
        steps_.erase(steps_.begin());
    }
    std::vector<Captured> out;
    while (!frames_.empty() && is_ready(frames_.front(), tsc)) release_first(out);
    forget_old();
    return out;
}

std::vector<Captured> Capture::finish() {
    for (auto& [tsc, step] : steps_) take_in(step);
    steps_.clear();
    std::vector<Captured> out;
    while (!frames_.empty()) release_first(out);
    return out;
}

// --- What is known of packets ------------------------------------------------------------------
void Capture::take_in(NotedStep& step) {
    const Record& r = step.record;
    const auto [at, is_new] = packets_.try_emplace(r.packet);
    Known& known = at->second;
    if (is_new) ages_.push_back(r.packet);
    if (r.step == Step::originated) note_originated(r, known);
    if (r.step == Step::flooded || r.step == Step::to_group || r.step == Step::to_routers)
        known.flooded_to = r.a;
    if (r.step == Step::released) known.waited_us += r.a;
    if (r.step == Step::asks_error) known.told = r;
    keep_logical(step);
    if ((kCameIn & bit(r.step)) != 0 && known.received_by == kNoPort) known.received_by = r.port;
    if ((kDeciding & bit(r.step)) == 0) return;
    if (r.step == Step::dropped && known.last.step == Step::sent) known.refused = true;
    if (r.step == Step::received) known.received_by = r.port;
    if (r.step == Step::sent && step.frame.size() >= known.to.bytes.size())
        std::memcpy(known.to.bytes.data(), step.frame.data(), known.to.bytes.size());
    known.last = r;
    if (r.step == Step::received && choice_.rx) keep(Point::rx, step);
    if (r.step == Step::sent && choice_.tx) keep(Point::tx, step);
    if (r.step == Step::dropped && choice_.drop) keep(Point::drop, step);
}

void Capture::note_originated(const Record& r, Known& known) {
    known.originated = r.a;
    const auto parent = packets_.find(r.parent);
    if (parent == packets_.end()) return;
    const auto what = static_cast<Originated>(r.a);
    if (what == Originated::fragment || what == Originated::segment) ++parent->second.pieces;
    if (what == Originated::arp_reply || what == Originated::echo_reply ||
        what == Originated::timestamp_reply)
        parent->second.answer = r.a;
}

// A frame at a port without a wire, if that is one of those chosen.
void Capture::keep_logical(NotedStep& step) {
    if (choice_.ports.empty()) return;
    const uint64_t what = bit(step.record.step);
    if ((what & kCameIn) != 0 && choice_.rx) keep(Point::rx, step);
    if ((what & kWentOut) == 0 || !choice_.tx) return;
    const Record& r = step.record;
    step.record.egress = static_cast<uint16_t>(r.step == Step::spread ? r.b & UINT16_MAX : r.a);
    keep(Point::tx, step);
}

void Capture::keep(Point point, NotedStep& step) {
    const auto at = [&](uint16_t port) {
        return choice_.ports.empty() ||
               std::ranges::find(choice_.ports, port) != choice_.ports.end();
    };
    const Record& r = step.record;
    const bool here = point == Point::rx   ? at(r.port)
                      : point == Point::tx ? at(r.egress)
                                           : at(r.port) || (r.egress != kLoopback && at(r.egress));
    if (here) frames_.push_back({point, r, std::move(step.frame), {}});
}

// The mark of a packet is used again after many: only that many are kept, too.
void Capture::forget_old() {
    while (ages_.size() > kMostPackets) {
        packets_.erase(ages_.front());
        ages_.pop_front();
    }
}

// --- Frames on their way out -------------------------------------------------------------------
bool Capture::is_ready(const Captured& frame, uint64_t tsc) const {
    const uint64_t age = tsc - std::min(tsc, frame.record.tsc);
    if (age >= quiet_) return true;
    const Known* known = find(frame.record.packet);
    return age >= settle_ && (frame.point != Point::rx || known == nullptr || known->ended());
}

bool Capture::is_wanted(const Captured& frame) const {
    const Known* known = find(frame.record.packet);
    if (frame.point == Point::tx && known != nullptr && known->refused) return false;
    if (!choice_.reason) return true;
    if (frame.point == Point::drop) return frame.record.why == *choice_.reason;
    return known != nullptr && known->last.step == Step::dropped &&
           known->last.why == *choice_.reason;
}

void Capture::release_first(std::vector<Captured>& out) {
    Captured& frame = frames_.front();
    if (is_wanted(frame)) {
        frame.outcome = outcome_of(frame);
        out.push_back(std::move(frame));
    }
    frames_.pop_front();
}

// --- In words ----------------------------------------------------------------------------------
std::string Capture::drop_words(const Record& r, const Known& known) const {
    const DropInfo& info = kDropInfo[static_cast<size_t>(r.why)];
    std::string text = fmt::format("dropped: {} (stage {}): {}", info.name, info.stage, info.help);
    if (known.told)
        text +=
            fmt::format("; ICMP {}/{} {}", known.told->a >> 8, known.told->a & 255,
                        known.told->b < std::size(kErrorFates) ? kErrorFates[known.told->b] : "?");
    return text;
}

std::string Capture::consumed_words(const Known& known) const {
    const Record& r = known.last;
    if (known.answer) return "answered: " + originated_name(*known.answer);
    if (is(r, Consumed::fragmented) || is(r, Consumed::segmented))
        return fmt::format("forwarded by {} in {} {}", name_of(names_, r.egress), known.pieces,
                           is(r, Consumed::fragmented) ? "fragments" : "segments");
    return std::string("consumed: ") +
           (r.a < std::size(kConsumedNames) ? kConsumedNames[r.a] : "by the switch");
}

std::string Capture::fate(const Known& known) const {
    const Record& r = known.last;
    switch (r.step) {
        case Step::dropped:
            return drop_words(r, known);
        case Step::consumed:
            return consumed_words(known);
        case Step::waits:
            return "waits for " + r.next_hop.to_string();
        case Step::collected:
            return "held: a fragment to the switch, which waits for the others";
        case Step::handed_over:
            return fmt::format("handed over to worker {}", r.a);
        case Step::sent:
            if (known.flooded_to > 1)
                return fmt::format("flooded to {} ports, {} the last", known.flooded_to,
                                   name_of(names_, r.egress));
            return fmt::format("forwarded by {} to {}", name_of(names_, r.egress),
                               known.to.to_string()) +
                   (known.waited_us > 0 ? fmt::format(", waited {} us", known.waited_us) : "");
        default:
            return {};  // what came next is lost, or still to come
    }
}

// Where a packet that we sent comes from.
std::string Capture::origin(const Captured& frame) const {
    const Record& r = frame.record;
    const Known* known = find(r.packet);
    const bool made = known != nullptr && known->originated;
    if (r.parent == 0 && !made) {
        if (known == nullptr || known->received_by == kNoPort) return {};
        return fmt::format("packet {} of {}", r.packet, name_of(names_, known->received_by));
    }
    const std::string what = made ? originated_name(*known->originated) : "packet";
    if (r.parent == 0) return what + ", of our own accord";
    const Known* parent = find(r.parent);
    const uint16_t port =
        parent != nullptr && parent->received_by != kNoPort ? parent->received_by : r.port;
    return fmt::format("{} caused by packet {} of {}", what, r.parent, name_of(names_, port));
}

std::string Capture::outcome_of(const Captured& frame) const {
    const Known* known = find(frame.record.packet);
    if (frame.point == Point::tx) return origin(frame);
    if (known == nullptr) return {};
    if (frame.point == Point::rx) return fate(*known);
    return drop_words(frame.record, *known) + "; port " + name_of(names_, frame.record.port);
}

}  // namespace vethway
