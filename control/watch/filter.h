// SPDX-License-Identifier: Apache-2.0
// A tcpdump expression as a program that workers run: libpcap compiles it, DPDK's BPF runs it.
#pragma once

#include <string>

#include "dataplane/watch/watch.h"

namespace vethway {

// Of Ethernet frames; without a program for an empty expression. Any thread. Throws
// std::invalid_argument with what is wrong with it.
Filter compile_filter(const std::string& expression);

}  // namespace vethway
