// SPDX-License-Identifier: Apache-2.0
// A series of probes that vethwayd sends, heard of as it goes.
#pragma once

#include <functional>

#include "control/cli/commands.h"

namespace vethway::cli {

// Posts `body` to /probe and gives each event to `on_event`, the first of which is "begin", until
// the end or Ctrl-C (false). Throws Unreachable or ClientError.
bool stream_probes(const Session& session, const Json& body,
                   const std::function<void(const Json&)>& on_event);

// For `body`: where probes are to leave by. An address looks like one; all else is a port.
void add_origin(Json& body, const std::string& port_or_address);

// Seconds as people write them, for the API.
unsigned in_ms(double seconds);

}  // namespace vethway::cli
