// SPDX-License-Identifier: Apache-2.0
// What to_yaml() writes of an entry of `lags`.
#pragma once

#include "config/yaml_words.h"

namespace vethway::yaml {

void lag(YAML::Emitter& out, const LagConfig& l);

}  // namespace vethway::yaml
