// SPDX-License-Identifier: Apache-2.0
// Bridges and links in virtual time: BPDUs take a millisecond a link, in order; each bridge ticks
// when it asks to. After every event it is known which links carry frames, and whether they make a
// loop.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <set>
#include <vector>

#include "control/stp/rstp.h"

namespace vethway::test {

using TimePoint = Rstp::Clock::time_point;
using std::chrono::milliseconds;

struct StpEnd {
    size_t bridge = 0;
    uint16_t port = 0;
    friend auto operator<=>(const StpEnd&, const StpEnd&) = default;
};

// A bridge whose hands remember what they were told.
class StpNode : public RstpHands {
public:
    StpNode(const RstpConfig& config, TimePoint now) : rstp(config, *this, now) {}
    void apply(std::span<const StpChange> changes) override {
        for (const StpChange& c : changes) {
            states[c.port] = c.state;
            roles[c.port] = c.role;
            flushed[c.port] += c.flush ? 1 : 0;
        }
    }
    void send(uint16_t port, std::span<const std::byte> frame) override {
        sent[port].emplace_back(frame.begin(), frame.end());
        if (on_send) on_send(port, sent[port].back());
    }
    void tell(const std::string& event) override { told.push_back(event); }
    bool was_told(const std::string& event) const { return std::ranges::count(told, event) > 0; }

    std::map<uint16_t, StpState> states;
    std::map<uint16_t, StpRole> roles;
    std::map<uint16_t, unsigned> flushed;
    std::map<uint16_t, std::vector<std::vector<std::byte>>> sent;
    std::vector<std::string> told;
    std::function<void(uint16_t, const std::vector<std::byte>&)> on_send;
    Rstp rstp;
};

class StpNetwork {
public:
    struct Link {
        StpEnd a, b;
        bool up = true;
        uint32_t speed_mbps = 10'000;
    };

    static RstpConfig config_of(size_t bridge) {
        return {.name = fmt::format("b{}", bridge),
                .mac = Mac{{2, 0, 0, 0, static_cast<uint8_t>(bridge), 0}}};
    }
    static RstpPortConfig port_config(size_t bridge, uint16_t port) {
        return {
            .name = fmt::format("b{}p{}", bridge, port),
            .mac = Mac{{2, 0, 0, 0, static_cast<uint8_t>(bridge), static_cast<uint8_t>(port + 1)}}};
    }
    StpNode& add(const RstpConfig& config) {
        const size_t n = nodes.size();
        nodes.push_back(std::make_unique<StpNode>(config, now));
        nodes.back()->on_send = [this, n](uint16_t port, const std::vector<std::byte>& frame) {
            carry({n, port}, frame);
        };
        alive.push_back(true);
        ports_.push_back(0);
        return *nodes.back();
    }
    StpNode& add() { return add(config_of(nodes.size())); }
    StpEnd add_port(size_t bridge, const RstpPortConfig& config) {
        const uint16_t port = ports_[bridge]++;
        nodes[bridge]->rstp.set_port(port, config);
        return {bridge, port};
    }
    StpEnd add_port(size_t bridge) { return add_port(bridge, port_config(bridge, ports_[bridge])); }
    size_t join(StpEnd a, StpEnd b, uint32_t speed_mbps = 10'000) {
        links.push_back({a, b, true, speed_mbps});
        set_link(links.size() - 1, true);
        return links.size() - 1;
    }
    size_t join(size_t a, size_t b, uint32_t speed_mbps = 10'000) {
        const StpEnd from = add_port(a), to = add_port(b);
        return join(from, to, speed_mbps);
    }
    void set_link(size_t link, bool up) {
        Link& l = links[link];
        l.up = up;
        for (const StpEnd& end : {l.a, l.b})
            if (alive[end.bridge]) nodes[end.bridge]->rstp.link(end.port, up, l.speed_mbps);
        look();
    }
    // Its links go down, and what it has sent is lost.
    void kill(size_t bridge) {
        alive[bridge] = false;
        for (size_t i = 0; i < links.size(); ++i)
            if (links[i].a.bridge == bridge || links[i].b.bridge == bridge) set_link(i, false);
    }

    void pass(milliseconds time) {
        const TimePoint end = now + time;
        while (step_until(end)) look();
        now = end;
    }

    bool carries(const Link& l) const { return l.up && forwards(l.a) && forwards(l.b); }
    bool forwards(const StpEnd& e) const {
        return alive[e.bridge] && nodes[e.bridge]->states.contains(e.port) &&
               nodes[e.bridge]->states.at(e.port) == StpState::forwarding;
    }
    // Whether the links that carry frames make a loop.
    bool is_looped() const {
        std::vector<size_t> of(nodes.size());
        std::iota(of.begin(), of.end(), size_t{0});
        const auto find = [&](size_t n) {
            while (of[n] != n) n = of[n];
            return n;
        };
        for (const Link& l : links) {
            if (!carries(l)) continue;
            const size_t a = find(l.a.bridge), b = find(l.b.bridge);
            if (a == b) return true;
            of[a] = b;
        }
        return false;
    }

    TimePoint now{};
    std::vector<std::unique_ptr<StpNode>> nodes;
    std::vector<bool> alive;
    std::vector<Link> links;
    milliseconds looped_for{0};  // in sum
    std::set<StpEnd> deaf;       // ends to which nothing comes, though the link is up

private:
    struct Flight {
        TimePoint at;
        StpEnd to;
        std::vector<std::byte> frame;
    };
    void carry(const StpEnd& from, const std::vector<std::byte>& frame) {
        for (const Link& l : links) {
            if (!l.up || !alive[from.bridge]) continue;
            if (l.a == from) flights_.push_back({now + milliseconds(1), l.b, frame});
            if (l.b == from) flights_.push_back({now + milliseconds(1), l.a, frame});
        }
    }
    // The next event up to `end`; false: none.
    bool step_until(TimePoint end) {
        TimePoint next = flights_.empty() ? TimePoint::max() : flights_.front().at;
        size_t ticks = nodes.size();
        for (size_t n = 0; n < nodes.size(); ++n)
            if (alive[n] && nodes[n]->rstp.due() < next) next = nodes[ticks = n]->rstp.due();
        if (next > end) return false;
        if (looped_) looped_for += std::chrono::duration_cast<milliseconds>(next - now);
        now = next;
        if (ticks < nodes.size()) {
            nodes[ticks]->rstp.tick(now);
            return true;
        }
        const Flight f = flights_.front();
        flights_.pop_front();
        const bool up = std::ranges::any_of(
            links, [&](const Link& l) { return l.up && (l.a == f.to || l.b == f.to); });
        if (up && alive[f.to.bridge] && !deaf.contains(f.to))
            nodes[f.to.bridge]->rstp.bpdu_received(f.to.port, f.frame);
        return true;
    }
    void look() { looped_ = is_looped(); }

    std::deque<Flight> flights_;
    std::vector<uint16_t> ports_;
    bool looped_ = false;
};

}  // namespace vethway::test
