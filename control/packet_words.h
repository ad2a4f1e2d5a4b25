// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace vethway {

// One line about an Ethernet frame, as `tcpdump -n` words it. `frame` is as much of it as was kept,
// `length` what it had on the wire. Any bytes will do: a header that is not all there is "[|tcp]".
std::string describe_frame(std::span<const std::byte> frame, size_t length);

}  // namespace vethway
