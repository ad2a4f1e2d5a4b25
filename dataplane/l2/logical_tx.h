// SPDX-License-Identifier: Apache-2.0
// What IP sends by a port without a wire: by a bridge's own it enters the domain, by a VLAN's it
// gets its tag, by a LAG it goes by one of its members.
#pragma once

#include "dataplane/tx.h"

namespace vethway {

struct Context;

class LogicalTx final : public LogicalPorts {
public:
    explicit LogicalTx(Context& context) noexcept : c_(context) {}
    void transmit(uint16_t port, rte_mbuf** frames, uint16_t n) noexcept override;

private:
    Context& c_;
};

}  // namespace vethway
