// SPDX-License-Identifier: Apache-2.0
// How the user looks at it, and what keys do to that. Knows no terminal.
#pragma once

#include <string>

#include "control/cli/top/model.h"

namespace vethway::cli::top {

// Keys that are no characters are numbers beyond them.
enum Key : int {
    kEnter = '\n',
    kEscape = 27,
    kBackspace = 127,
    kUp = 0x200000,
    kDown,
    kPageUp,
    kPageDown,
    kHome,
    kEnd
};

struct View {
    SortBy sort = SortBy::rx_pps;
    bool reverse = false, paused = false, help = false;
    std::string filter;
    bool typing = false;        // the filter is being typed
    std::string before_typing;  // the filter that Escape goes back to
    int scroll = 0;             // lines of the body above the screen
    int page = 1;               // lines of it that the screen shows
};

enum class Act : uint8_t { nothing, redraw, read, quit };

// What is to be done now that the key has changed the view. `redraw` means the whole screen.
Act press(View& view, int key);

}  // namespace vethway::cli::top
