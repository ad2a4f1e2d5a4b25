// SPDX-License-Identifier: Apache-2.0
#include "control/spanning_trees.h"

#include <spdlog/spdlog.h>

#include <utility>
#include <vector>

#include "dataplane/meta.h"

namespace vethway {

namespace {

RstpConfig config_of(const BridgeConfig& b, const Mac& mac) {
    return {.name = b.port.name,
            .mac = mac,
            .priority = static_cast<uint16_t>(b.stp.priority),
            .force_stp = b.stp.mode == StpMode::stp,
            .hello_s = static_cast<uint16_t>(b.stp.hello_time),
            .max_age_s = static_cast<uint16_t>(b.stp.max_age),
            .forward_delay_s = static_cast<uint16_t>(b.stp.forward_delay),
            .tx_hold_count = static_cast<uint8_t>(b.stp.tx_hold_count)};
}

RstpPortConfig config_of(const MemberConfig& m, const Mac& mac) {
    return {.name = m.port,
            .mac = mac,
            .priority = static_cast<uint8_t>(m.stp.priority),
            .path_cost = m.stp.cost,
            .admin_edge = m.stp.edge == EdgeConfig::always,
            .auto_edge = m.stp.edge == EdgeConfig::automatic,
            .point_to_point = m.stp.point_to_point,
            .bpdu_guard = m.stp.bpdu_guard,
            .guard_recovery_s = static_cast<uint16_t>(m.stp.guard_recovery),
            .root_guard = m.stp.root_guard};
}

MemberState member_state(StpState state) {
    constexpr MemberState kStates[] = {MemberState::blocking, MemberState::learning,
                                       MemberState::forwarding};
    return kStates[static_cast<size_t>(state)];
}

}  // namespace

class SpanningTrees::Tree final : public RstpHands {
public:
    Tree(Dataplane& dataplane, Bridges& bridges, const RstpConfig& config)
        : dataplane_(dataplane),
          bridges_(bridges),
          config_(config),
          rstp_(config, *this, Rstp::Clock::now()) {}

    void configure(const RstpConfig& config) {
        if (std::exchange(config_, config) != config) rstp_.configure(config);
    }

    // Members are known by their index: whoever is opened anew has another.
    struct Member {
        RstpPortConfig config;
        bool up = false;
        friend bool operator==(const Member&, const Member&) = default;
    };
    void set_members(const std::map<uint16_t, Member>& next) {
        const auto before = std::exchange(members_, next);
        for (const auto& [port, member] : before)
            if (!next.contains(port)) rstp_.remove_port(port);
        for (const auto& [port, member] : next) {
            const auto was = before.find(port);
            const bool is_new = was == before.end();
            if (is_new || was->second.config != member.config) rstp_.set_port(port, member.config);
            if (is_new ? member.up : was->second.up != member.up)
                rstp_.link(port, member.up, kSpeedUnknown);
        }
    }
    bool has(uint16_t port) const { return members_.contains(port); }
    Rstp& rstp() { return rstp_; }

    void apply(std::span<const StpChange> changes) override {
        std::vector<uint16_t> flushed;
        for (const StpChange& c : changes) {
            dataplane_.l2().set_state(c.port, member_state(c.state));
            if (c.flush) flushed.push_back(c.port);
        }
        // Bursts that began before it are done: none of them teaches what is forgotten now.
        dataplane_.rcu().synchronize();
        if (!flushed.empty()) bridges_.forget(flushed);
    }
    // One that gets lost is said again with the next hello.
    void send(uint16_t port, std::span<const std::byte> frame) override {
        dataplane_.send_l2(port, frame);
    }
    void tell(const std::string& event) override { spdlog::info("{}", event); }

private:
    static constexpr uint32_t kSpeedUnknown = 0;  // of a veth there is none to know

    Dataplane& dataplane_;
    Bridges& bridges_;
    RstpConfig config_;
    std::map<uint16_t, Member> members_;
    Rstp rstp_;
};

SpanningTrees::SpanningTrees(Dataplane& dataplane, Ports& ports)
    : dataplane_(dataplane), ports_(ports) {}
SpanningTrees::~SpanningTrees() = default;

void SpanningTrees::follow() {
    std::erase_if(trees_, [&](const auto& tree) {
        return std::ranges::none_of(ports_.bridges().all(), [&](const BridgeConfig& b) {
            return b.port.name == tree.first && b.stp.mode != StpMode::off;
        });
    });
    for (const BridgeConfig& b : ports_.bridges().all()) {
        const ManagedPort* own = ports_.find(b.port.name);
        if (b.stp.mode == StpMode::off || own == nullptr) continue;
        std::map<uint16_t, Tree::Member> members;
        for (const MemberConfig& m : b.members)
            if (const ManagedPort* port = ports_.find(m.port))
                members[port->index] = {config_of(m, port->mac()), port->up()};
        const RstpConfig config = config_of(b, own->mac());
        std::unique_ptr<Tree>& tree = trees_[b.port.name];
        if (tree == nullptr) tree = std::make_unique<Tree>(dataplane_, ports_.bridges(), config);
        tree->configure(config);
        tree->set_members(members);
    }
}

void SpanningTrees::tick() {
    const auto now = Rstp::Clock::now();
    for (const auto& [name, tree] : trees_)
        if (tree->rstp().due() <= now) tree->rstp().tick(now);
}

void SpanningTrees::take(rte_mbuf& m) {
    const uint16_t port = meta(m).port;
    if (Tree* tree = of_member(port)) tree->rstp().bpdu_received(port, frame_bytes(m));
}

std::optional<RstpStatus> SpanningTrees::status(const std::string& bridge) const {
    const auto found = trees_.find(bridge);
    if (found == trees_.end()) return std::nullopt;
    return found->second->rstp().status();
}

SpanningTrees::Tree* SpanningTrees::of_member(uint16_t port) const {
    for (const auto& [name, tree] : trees_)
        if (tree->has(port)) return tree.get();
    return nullptr;
}

bool SpanningTrees::recover(const std::string& port) { return ask_tree_of(port, &Rstp::recover); }
bool SpanningTrees::migrate(const std::string& port) { return ask_tree_of(port, &Rstp::migrate); }
bool SpanningTrees::ask_tree_of(const std::string& port, bool (Rstp::*work)(uint16_t)) {
    const ManagedPort* found = ports_.find(port);
    Tree* tree = found != nullptr ? of_member(found->index) : nullptr;
    return tree != nullptr && (tree->rstp().*work)(found->index);
}

}  // namespace vethway
