// SPDX-License-Identifier: Apache-2.0
// The state for dpdk-telemetry.py: what the API's JSON has, under /vethway/. DPDK's threads ask,
// and the control thread answers.
#pragma once

#include <rte_telemetry.h>

#include "control/controller.h"
#include "control/event_loop.h"
#include "control/json_views.h"

namespace vethway {

// While one lives the commands are answered; before and after it they answer null. One at a time.
class Telemetry {
public:
    Telemetry(EventLoop& loop, Controller& controller);
    // Waits for those that ask just now: destroy it when the loop has ended, or while it runs.
    ~Telemetry();
    Telemetry(const Telemetry&) = delete;
    Telemetry& operator=(const Telemetry&) = delete;
};

// As many of `rows`, from the one numbered `from` on, as fit an answer of DPDK's: an object whose
// keys are their numbers. If any are left off it says how many, and which is next.
Json telemetry_page(const Json& rows, size_t from);
// An object, as far as DPDK's telemetry can say it. It knows no null, no fractions, no true or
// false, and no list of objects: null is an empty text, fractions are texts, true is 1, and such a
// list is an object whose keys count from 0.
void to_telemetry(const Json& json, rte_tel_data& out);

}  // namespace vethway
