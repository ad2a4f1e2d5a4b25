// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "config/config.h"
#include "config/field.h"

namespace vethway {

// One entry of `lags`; what could not be read keeps its default, with a problem in the document.
LagConfig parse_lag(const Field& f);

}  // namespace vethway
