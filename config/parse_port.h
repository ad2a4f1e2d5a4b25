// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.h"
#include "config/field.h"

namespace vethway {

inline constexpr const char* kMacForm = "a MAC like 02:00:00:00:00:01";

// One entry of `ports`; what could not be read keeps its default, with a problem in the document.
PortConfig parse_port(const Field& f);

}  // namespace vethway
