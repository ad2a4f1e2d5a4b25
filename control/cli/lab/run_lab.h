// SPDX-License-Identifier: Apache-2.0
// Goes through a lab's steps, prints what happens, and checks what is claimed.
#pragma once

#include <functional>

#include "control/cli/client.h"
#include "control/cli/lab/lab.h"

namespace vethway::cli {

struct LabOptions {
    bool print = true;  // as it happens, for people
    bool colour = false;
    std::function<bool()> interrupted = [] { return false; };  // asked often: enough seen
};

// {lab, title, steps: [{title, claims: [{says, side, holds, why_not}]}], holds}. Throws
// ClientError: the lab could not be set up, or was interrupted; nothing of it is left then, either.
Json run_lab(const Lab& lab, const LabOptions& options);

}  // namespace vethway::cli
