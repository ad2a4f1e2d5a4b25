// SPDX-License-Identifier: Apache-2.0
#include "control/cli/top/screen.h"

// Its macros have names like erase and filter.
#define NCURSES_NOMACROS 1
#include <curses.h>
#include <langinfo.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <clocale>
#include <csignal>
#include <cstdlib>

namespace vethway::cli::top {

namespace {

int attributes(Style style, bool colour) {
    switch (style) {
        case Style::strong:
            return static_cast<int>(A_BOLD);
        case Style::dim:
            return static_cast<int>(A_DIM);
        case Style::good:
            return colour ? COLOR_PAIR(1) : 0;
        case Style::bad:
            return colour ? COLOR_PAIR(2) : static_cast<int>(A_BOLD);
        default:
            return 0;
    }
}

int key_of(int code) {
    switch (code) {
        case KEY_UP:
            return kUp;
        case KEY_DOWN:
            return kDown;
        case KEY_PPAGE:
            return kPageUp;
        case KEY_NPAGE:
            return kPageDown;
        case KEY_HOME:
            return kHome;
        case KEY_END:
            return kEnd;
        case KEY_BACKSPACE:
        case '\b':
            return kBackspace;
        case KEY_ENTER:
        case '\r':
            return kEnter;
        default:
            return code >= 0 && code < 256 ? code : 0;
    }
}

}  // namespace

bool locale_is_utf8() {
    std::setlocale(LC_ALL, "");
    return std::string(nl_langinfo(CODESET)) == "UTF-8";
}

double monotonic_s() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

Screen::Screen(bool colour) : utf8_(locale_is_utf8()), colour_(colour) {
    if (isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1)
        throw ClientError({"top needs a terminal; --once prints what it would show"});
    const char* term = std::getenv("TERM");
    // newterm, as initscr would end the process where it fails.
    if (newterm(nullptr, stdout, stdin) == nullptr)
        throw ClientError({std::string("top: nothing is known of the terminal \"") +
                           (term == nullptr ? "" : term) + "\" (TERM); --once needs none"});
    if (tigetstr("cup") == nullptr) {
        endwin();
        throw ClientError({std::string("top: the terminal \"") + term +
                           "\" can't move its cursor (TERM); --once needs none"});
    }
    // Those that end it are read, so that no handler has to restore a terminal.
    sigset_t ending;
    sigemptyset(&ending);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) sigaddset(&ending, signal);
    sigprocmask(SIG_BLOCK, &ending, nullptr);
    signals_ = signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK);
    cbreak();
    noecho();
    curs_set(0);
    keypad(stdscr, true);
    nodelay(stdscr, true);
    set_escdelay(25);
    colour_ = colour && has_colors();
    if (colour_) {
        start_color();
        use_default_colors();
        init_pair(1, COLOR_GREEN, -1);
        init_pair(2, COLOR_RED, -1);
    }
}

Screen::~Screen() {
    endwin();
    close(signals_);
}

void Screen::put(int row, const Line& line, size_t width) const {
    if (wmove(stdscr, row, 0) == ERR) return;
    for (const Span& span : clipped(line, width)) {
        const int with = attributes(span.style, colour_);
        wattron(stdscr, with);
        // The last column of the last row can't be written without an error: the cursor has no
        // place behind it.
        waddnstr(stdscr, span.text.c_str(), static_cast<int>(span.text.size()));
        wattroff(stdscr, with);
    }
}

void Screen::show(const Model& model, View& view, bool anew) {
    const int rows = getmaxy(stdscr), columns = getmaxx(stdscr);
    const auto width = static_cast<size_t>(columns);
    const Frame frame = draw(model, view, {.width = width, .utf8 = utf8_});
    // The smallest terminals show the head's first lines; the foot needs room for something above.
    const int head = std::min(static_cast<int>(frame.head.size()), rows);
    const int foot = rows > head + 1 ? 1 : 0;
    const int body = static_cast<int>(frame.body.size());
    view.page = std::max(rows - head - foot, 0);
    view.scroll = std::clamp(view.scroll, 0, std::max(body - view.page, 0));
    if (anew) wclear(stdscr);
    werase(stdscr);
    for (int i = 0; i < head; ++i) put(i, frame.head[static_cast<size_t>(i)], width);
    for (int i = 0; i < view.page && view.scroll + i < body; ++i)
        put(head + i, *(frame.body.begin() + view.scroll + i), width);
    if (foot != 0) put(rows - 1, frame.foot, width);
    wrefresh(stdscr);
}

int Screen::key(double deadline_s) {
    const int got = wgetch(stdscr);
    if (got == KEY_RESIZE) return kResized;
    if (got != ERR) return key_of(got);
    const double left_ms = std::clamp((deadline_s - monotonic_s()) * 1000, 0.0, 1e6);
    pollfd fds[] = {{STDIN_FILENO, POLLIN, 0}, {signals_, POLLIN, 0}};
    poll(fds, 2, static_cast<int>(left_ms) + 1);  // a changed size interrupts it
    signalfd_siginfo info{};
    if (read(signals_, &info, sizeof info) == sizeof info) {
        signal_ = static_cast<int>(info.ssi_signo);
        return kEnded;
    }
    if ((fds[0].revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) return kEnded;
    const int next = wgetch(stdscr);
    if (next == KEY_RESIZE) return kResized;
    return next == ERR ? 0 : key_of(next);
}

}  // namespace vethway::cli::top
