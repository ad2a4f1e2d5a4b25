// SPDX-License-Identifier: Apache-2.0
// Two readings of the same counters, compared. Pure functions of the API's JSON.
#pragma once

#include "control/cli/client.h"

namespace vethway::cli {

// `now` with each count less what it was `before`. Rows of a list are the same if they name the
// same port, worker and reason; one that was not there before had counted nothing, and so had one
// whose count is lower now: its port was made anew.
Json change_between(const Json& now, const Json& before);

// The same a second: null if no time has passed.
Json rates_between(const Json& now, const Json& before);

}  // namespace vethway::cli
