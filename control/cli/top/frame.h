// SPDX-License-Identifier: Apache-2.0
// What the model looks like: lines of text with a style. Pure; the terminal only copies it.
#pragma once

#include "control/cli/top/view.h"

namespace vethway::cli::top {

enum class Style : uint8_t { plain, strong, dim, good, bad };
struct Span {
    std::string text;
    Style style = Style::plain;
};
using Line = std::vector<Span>;

struct Frame {
    std::vector<Line> head;  // stays
    std::vector<Line> body;  // scrolls
    Line foot;
};

struct Canvas {
    size_t width = 100;
    bool utf8 = true;  // else block characters are replaced
};

Frame draw(const Model& model, const View& view, Canvas canvas);

// "0", "7.5", "950", "1.23k", "45.6M"
std::string short_number(double value);
// As many characters as there are values; the highest of them is full.
std::string sparkline(const std::vector<double>& values, bool utf8);
// What of the line fits in `width` columns.
Line clipped(const Line& line, size_t width);
std::string plain_text(const Line& line);

}  // namespace vethway::cli::top
