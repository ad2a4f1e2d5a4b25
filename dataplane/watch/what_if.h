// SPDX-License-Identifier: Apache-2.0
// What would become of a frame: the workers' own pipeline on the state that they use, of which
// nothing changes. Control thread.
#pragma once

#include <span>
#include <vector>

#include "dataplane/dataplane.h"
#include "dataplane/watch/record.h"

namespace vethway {

// As received by `port`. Throws std::runtime_error where there is no buffer for it.
std::vector<NotedStep> what_if(Dataplane& dataplane, uint16_t port,
                               std::span<const std::byte> frame);

}  // namespace vethway
