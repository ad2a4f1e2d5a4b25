// SPDX-License-Identifier: Apache-2.0
// A story told to a person, and the same as JSON. Control thread: names and prefixes are those of
// the moment.
#pragma once

#include <string>

#include "control/json_views.h"
#include "control/watch/story.h"
#include "control/watch/wall_clock.h"

namespace vethway {

// "#7" where the port has gone.
std::string port_name(Controller& controller, uint32_t index);

// What a step decided and by what, in a few words.
std::string words_of(const NotedStep& step, Controller& controller);

// {"time", "port", "summary", "outcome", "reason", "packets": [{"id", "caused_by", "summary",
// "outcome", "steps": [{"ns", "worker", "stage", "step", "words", …}]}]}
Json json_of(const Story& story, const WallClock& clock, Controller& controller);

// The same, some aligned lines, of what json_of() made.
std::string text_of_story(const Json& story, bool colour);

}  // namespace vethway
