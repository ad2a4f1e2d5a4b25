// SPDX-License-Identifier: Apache-2.0
#include "control/cli/top/view.h"

#include <algorithm>

namespace vethway::cli::top {

namespace {

constexpr size_t kLongestFilter = 64;

void drop_last_character(std::string& text) {
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0) == 0x80)
        text.pop_back();  // the later bytes of UTF-8
    if (!text.empty()) text.pop_back();
}

void type(View& view, int key) {
    if (key == kEnter) {
        view.typing = false;
    } else if (key == kEscape) {
        view.typing = false;
        view.filter = view.before_typing;
    } else if (key == kBackspace) {
        drop_last_character(view.filter);
    } else if (key >= ' ' && key < 256 && key != kBackspace &&
               view.filter.size() < kLongestFilter) {
        view.filter += static_cast<char>(key);
    }
    view.scroll = 0;
}

void scroll(View& view, int key) {
    const int page = std::max(view.page, 1);
    switch (key) {
        case kUp:
            --view.scroll;
            break;
        case kDown:
            ++view.scroll;
            break;
        case kPageUp:
            view.scroll -= page;
            break;
        case kPageDown:
            view.scroll += page;
            break;
        case kHome:
            view.scroll = 0;
            break;
        case kEnd:
            view.scroll = 1 << 20;  // whoever draws it knows where the end is
            break;
        default:
            break;
    }
    view.scroll = std::max(view.scroll, 0);
}

}  // namespace

Act press(View& view, int key) {
    if (view.typing) {
        type(view, key);
        return Act::nothing;
    }
    if (view.help && key != 'q') {  // any key leaves it
        view.help = false;
        view.scroll = 0;
        return Act::redraw;
    }
    switch (key) {
        case 'q':
            return Act::quit;
        case 's':
            view.sort = static_cast<SortBy>((static_cast<int>(view.sort) + 1) %
                                            static_cast<int>(SortBy::kCount));
            break;
        case 'r':
            view.reverse = !view.reverse;
            break;
        case '/':
            view.typing = true;
            view.before_typing = view.filter;
            break;
        case kEscape:
            view.filter.clear();
            break;
        case 'p':
            view.paused = !view.paused;
            return view.paused ? Act::nothing : Act::read;
        case 'h':
        case '?':
            view.help = true;
            view.scroll = 0;
            break;
        case ' ':
            return Act::read;
        default:
            scroll(view, key);
            break;
    }
    return Act::nothing;
}

}  // namespace vethway::cli::top
