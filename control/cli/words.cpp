// SPDX-License-Identifier: Apache-2.0
#include "control/cli/words.h"

#include <charconv>

#include "control/cli/client.h"

namespace vethway::cli {

std::string Words::next(const std::string& what) {
    if (empty()) expected(what);
    return words_[at_++];
}

bool Words::accept(std::string_view keyword) {
    if (empty() || words_[at_] != keyword) return false;
    ++at_;
    return true;
}

uint32_t Words::number(std::string_view of) {
    const std::string text = value(of);
    uint32_t n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error != std::errc() || end != text.data() + text.size())
        refuse(std::string(of) + ": expected a number, got \"" + text + '"');
    return n;
}

void Words::refuse(const std::string& why) const { throw ClientError({command_ + ": " + why}); }

void Words::expected(const std::string& what) const {
    refuse("expected " + what + (empty() ? "" : ", got \"" + words_[at_] + '"'));
}

}  // namespace vethway::cli
