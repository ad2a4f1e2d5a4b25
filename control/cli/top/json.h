// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "control/cli/top/view.h"

namespace vethway::cli::top {

// What a frame shows, as JSON: rates are numbers, null where they are not known.
Json json_of(const Model& model, const View& view);

}  // namespace vethway::cli::top
