// SPDX-License-Identifier: Apache-2.0
// What Linux 6.6 has, and Debian 12's headers end before.
#pragma once

#include <linux/bpf.h>

namespace vethway {

// enum bpf_attach_type (include/uapi/linux/bpf.h)
inline constexpr auto kTcxIngress = static_cast<bpf_attach_type>(46);
inline constexpr auto kTcxEgress = static_cast<bpf_attach_type>(47);

}  // namespace vethway
