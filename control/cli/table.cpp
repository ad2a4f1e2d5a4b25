// SPDX-License-Identifier: Apache-2.0
#include "control/cli/table.h"

#include <algorithm>

namespace vethway::cli {

namespace {

constexpr char kEscape = '\033';

// As many columns as a terminal uses: escape sequences take none, nor do the later bytes of UTF-8.
size_t width(const std::string& text) {
    size_t n = 0;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == kEscape)
            i = text.find('m', i);
        else if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80)
            ++n;
    }
    return n;
}

bool is_number(const std::string& text) {
    return !text.empty() && text.find_first_not_of("0123456789.") == std::string::npos &&
           std::ranges::count(text, '.') <= 1;  // more of them: an address
}

}  // namespace

std::string Table::text() const {
    std::vector<size_t> widths(rows_.front().size());
    std::vector<bool> numbers(widths.size(), rows_.size() > 1);
    for (size_t r = 0; r < rows_.size(); ++r)
        for (size_t c = 0; c < widths.size(); ++c) {
            widths[c] = std::max(widths[c], width(rows_[r][c]));
            if (r > 0 && !is_number(rows_[r][c])) numbers[c] = false;
        }
    std::string out;
    for (const auto& row : rows_) {
        std::string line;
        for (size_t c = 0; c < row.size(); ++c) {
            const std::string pad(widths[c] - width(row[c]), ' ');
            line += (c == 0 ? "" : "  ") + (numbers[c] ? pad + row[c] : row[c] + pad);
        }
        out += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
    }
    return out;
}

std::string coloured(const std::string& text, bool good, bool on) {
    if (!on) return text;
    return std::string(1, kEscape) + (good ? "[32m" : "[31m") + text + kEscape + "[0m";
}

}  // namespace vethway::cli
