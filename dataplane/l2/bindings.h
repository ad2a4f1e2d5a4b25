// SPDX-License-Identifier: Apache-2.0
// Which station of a bridge domain has which IPv4 address, and behind which member it is: what the
// configuration says, as workers read it.
#pragma once

#include "dataplane/counters.h"
#include "dataplane/l2/static_table.h"
#include "dataplane/net/ip4.h"
#include "dataplane/net/mac.h"

namespace vethway {

struct Binding {
    Mac mac;
    uint16_t port = kNoPort;  // kNoPort: behind any member
    bool is_at(uint16_t at) const noexcept { return port == kNoPort || port == at; }
};

class Bindings {
public:
    explicit Bindings(size_t most = 0) : by_ip_(most), by_mac_(most) {}

    // Control thread. VLAN 0 where the domain knows none.
    void add(uint16_t vlan, Ip4 ip, const Binding& binding) {
        by_ip_.add(key_of(vlan, ip), binding);
        by_mac_.add(key_of(vlan, binding.mac), binding.port);
    }
    // Worker. Null where nobody is said to have the address.
    const Binding* find(uint16_t vlan, Ip4 ip) const noexcept {
        return by_ip_.find(key_of(vlan, ip));
    }
    // Where the station is, which has some address: a port, or kNoPort for behind any member; null
    // where it has none.
    const uint16_t* port_of(uint16_t vlan, const Mac& mac) const noexcept {
        return by_mac_.find(key_of(vlan, mac));
    }

private:
    static uint64_t key_of(uint16_t vlan, Ip4 ip) noexcept {
        return uint64_t{vlan} << 32 | ip.value;
    }
    static uint64_t key_of(uint16_t vlan, const Mac& mac) noexcept {
        return uint64_t{vlan} << 48 | mac.to_u48();
    }

    StaticTable<Binding> by_ip_;
    StaticTable<uint16_t> by_mac_;
};

}  // namespace vethway
