// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pcap/pcap.h>

#include <span>

#include "dataplane/watch/filter.h"

namespace vethway {

// Which protocols of IPv4 a program of libpcap's may pass in an Ethernet frame without a VLAN tag,
// whatever else is in it. Never one too few. Pure.
Ip4Protocols protocols_of(std::span<const bpf_insn> program);

}  // namespace vethway
