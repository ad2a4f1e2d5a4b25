// SPDX-License-Identifier: Apache-2.0
// Counters as they were when the user called them zero. The daemon knows nothing of it: each user
// has a file, for each daemon's socket.
#pragma once

#include <string>

#include "control/cli/client.h"

namespace vethway::cli {

// Where it is kept: $XDG_RUNTIME_DIR, /run/user/UID or /tmp/vethway-UID. Throws ClientError.
std::string baseline_file(const std::string& socket);

// `readings` is an object of the API's answers, by the path that they are of. Throws ClientError.
void save_baseline(const std::string& file, const Json& readings);

// What was saved of `path`. Throws ClientError where there is nothing, or something that another
// instance of the daemon has counted than `now`.
Json load_baseline(const std::string& file, const std::string& path, const Json& now);

}  // namespace vethway::cli
