// SPDX-License-Identifier: Apache-2.0
#include "config/names.h"

#include "config/config.h"

namespace vethway {

static_assert(std::variant_size_v<PortDriver> == kDriverNames.size());

const char* driver_name(const PortDriver& driver) noexcept { return kDriverNames[driver.index()]; }

}  // namespace vethway
