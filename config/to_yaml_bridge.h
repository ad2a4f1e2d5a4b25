// SPDX-License-Identifier: Apache-2.0
// What to_yaml() writes of an entry of `bridges`.
#pragma once

#include "config/yaml_words.h"

namespace vethway::yaml {

void bridge(YAML::Emitter& out, const BridgeConfig& b);

}  // namespace vethway::yaml
