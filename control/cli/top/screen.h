// SPDX-License-Identifier: Apache-2.0
// The terminal, by ncurses. The one file that knows it.
#pragma once

#include "control/cli/top/frame.h"

namespace vethway::cli::top {

// One at a time. While it lives the terminal is its own; its end gives it back as it was.
class Screen {
public:
    explicit Screen(bool colour);  // throws ClientError: no terminal, or none that can do it
    ~Screen();
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;

    // Of `anew`, every character is sent again. Sets view.page, and view.scroll to what there is.
    void show(const Model& model, View& view, bool anew);
    // A key as view.h has them, waiting for it no longer than until `deadline_s` (of
    // monotonic_s()); 0: none came. kResized: draw again. kEnded: a signal to end, or the terminal
    // has gone.
    int key(double deadline_s);
    // Of kEnded: which signal, or 0.
    int signal() const { return signal_; }

    static constexpr int kResized = -1, kEnded = -2;

private:
    void put(int row, const Line& line, size_t width) const;

    int signals_;  // a descriptor
    int signal_ = 0;
    bool utf8_, colour_;
};

bool locale_is_utf8();  // sets the locale, from the environment
double monotonic_s();

}  // namespace vethway::cli::top
