// SPDX-License-Identifier: Apache-2.0
#include "dataplane/port/veth_port.h"

#include <algorithm>
#include <utility>

namespace vethway {

NetdevPort::NetdevPort(const PortSpec& spec, unsigned largest_mtu)
    : NetdevPort(spec, find_kernel_link(spec.name, spec.netdev), largest_mtu) {}

NetdevPort::NetdevPort(const PortSpec& spec, const KernelLink& link, unsigned largest_mtu)
    : EthdevPort(spec.name),
      claim_(spec.name, link),
      ifindex_(link.ifindex),
      shield_(spec.name, link.ifindex),
      largest_mtu_(largest_mtu) {
    info_.netdev = link.name;
    info_.ifindex = link.ifindex;
    check_mtu(spec.mtu.value_or(link.mtu));
    kernel_.emplace(name_, ifindex_);
    own_mtu_ = link.mtu;
    if (spec.mtu) kernel_->set_mtu(*spec.mtu);
    kernel_->bring_up();
    kernel_->hear_everything();
}

void NetdevPort::check_mtu(unsigned mtu) const {
    if (mtu > largest_mtu_)
        fail("MTU " + std::to_string(mtu) + " of " + info_.netdev +
             " doesn't fit the buffers, which carry up to " + std::to_string(largest_mtu_) +
             ": put \"mtu: " + std::to_string(mtu) +
             "\" into the file and restart vethwayd, which then sizes them");
}

// ethdev takes both drivers for 1500-byte ones, so it is never told the MTU: the kernel is.
void NetdevPort::settle() {
    const auto link = kernel_->now();
    if (!link) fail("its interface is gone");
    refresh();
    info_.mac = link->mac;
    info_.partial_checksums = true;
    if (shield_.description() != "tcx") add_note("shield by " + shield_.description());
}

// Frames beyond what the buffers were sized for can't be sent, whatever the interface allows by
// now.
bool NetdevPort::refresh() noexcept {
    const auto link = kernel_->now();
    if (!link) return false;
    const auto mtu = static_cast<uint16_t>(std::min<unsigned>(link->mtu, largest_mtu_));
    info_.own_mtu = own_mtu_;
    return std::exchange(info_.mtu, mtu) != mtu;
}

void NetdevPort::add_note(const std::string& note) {
    info_.note += (info_.note.empty() ? "" : "; ") + note;
}

void NetdevPort::set_mtu(uint16_t mtu) {
    check_mtu(mtu);
    kernel_->set_mtu(mtu);
    info_.mtu = mtu;
}

}  // namespace vethway
