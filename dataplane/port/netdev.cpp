// SPDX-License-Identifier: Apache-2.0
#include "dataplane/port/netdev.h"

#include <algorithm>
#include <utility>

namespace vethway {

namespace {

KernelLink find_in(const std::string& port, const Fd& netns, const std::string& netdev) {
    const NetnsScope scope(port, netns);
    return find_kernel_link(port, netdev);
}

InterfaceClaim claim_in(const std::string& port, const Fd& netns, const KernelLink& link) {
    const NetnsScope scope(port, netns);
    return {port, link};
}

}  // namespace

Netdev::Netdev(const PortSpec& spec, unsigned largest_mtu)
    : name_(spec.name),
      netns_(open_netns(spec.name, spec.netns)),
      link_(find_in(name_, netns_, spec.netdev)),
      claim_(claim_in(name_, netns_, link_)),
      largest_mtu_(largest_mtu) {
    const NetnsScope scope(name_, netns_);
    if (spec.shield) shield_.emplace(name_, link_.ifindex);
    check_mtu(spec.mtu.value_or(link_.mtu));
    settings_.emplace(name_, link_.ifindex);
    if (spec.mtu) settings_->set_mtu(*spec.mtu);
    settings_->bring_up();
    settings_->hear_everything();
}

// The sysctls that a shield may have changed are those of a namespace.
Netdev::~Netdev() {
    if (shield_ && !settings_->stayed()) shield_->forget();
    settings_.reset();
    const NetnsScope scope(name_, netns_);
    shield_.reset();
}

void Netdev::check_mtu(unsigned mtu) const {
    if (mtu > largest_mtu_)
        throw PortError("port " + name_ + ": MTU " + std::to_string(mtu) + " of " + link_.name +
                        " doesn't fit the buffers, which carry up to " +
                        std::to_string(largest_mtu_) + ": put \"mtu: " + std::to_string(mtu) +
                        "\" into the file and restart vethwayd, which then sizes them");
}

uint16_t Netdev::mtu() const noexcept {
    const auto link = settings_->now();
    return link ? link->mtu : link_.mtu;
}

void Netdev::limit_mtu(unsigned largest) noexcept {
    largest_mtu_ = std::min(largest_mtu_, largest);
}

void Netdev::describe(PortInfo& info) const {
    const auto link = settings_->now();
    if (!link) throw PortError("port " + name_ + ": its interface is gone");
    info.netdev = link_.name;
    info.ifindex = link_.ifindex;
    info.mac = link->mac;
    info.own_mtu = link_.mtu;
    refresh(info);
    if (!shield_)
        info.add_note("no shield: the kernel's own stack is on " + link_.name + ", too");
    else if (shield_->description() != "tcx")
        info.add_note("shield by " + shield_->description());
}

// Frames beyond what the buffers were sized for can't be sent, whatever the interface allows by
// now.
bool Netdev::refresh(PortInfo& info) const noexcept {
    const auto link = settings_->now();
    if (!link) return false;
    const auto mtu = static_cast<uint16_t>(std::min<unsigned>(link->mtu, largest_mtu_));
    const bool same_mtu = std::exchange(info.mtu, mtu) == mtu;
    const bool super_frames = info.offloads && link->tso;
    return std::exchange(info.super_frames, super_frames) != super_frames || !same_mtu;
}

void Netdev::set_mtu(uint16_t mtu, PortInfo& info) {
    check_mtu(mtu);
    settings_->set_mtu(mtu);
    info.mtu = mtu;
}

std::string Netdev::down_reason() const {
    const auto link = settings_->now();
    if (!link) return "no interface " + link_.name;
    if (link->name != link_.name) return link_.name + " was renamed to " + link->name;
    if (!link->up()) return "interface down";
    return link->running() ? "" : "no carrier";
}

bool Netdev::is_replaced() const noexcept {
    const unsigned now = settings_->index_of(link_.name);
    return now != 0 && (now != link_.ifindex || !settings_->stayed());
}

}  // namespace vethway
