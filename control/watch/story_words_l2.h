// SPDX-License-Identifier: Apache-2.0
// The words for what bridges, VLANs and LAGs did with a packet. Control thread.
#pragma once

#include <string>

#include "control/controller.h"
#include "dataplane/watch/record.h"

namespace vethway {

// Of a step of the stages in dataplane/l2.
std::string l2_words(const Record& step, Controller& controller);

}  // namespace vethway
