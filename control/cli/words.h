// SPDX-License-Identifier: Apache-2.0
// The words after a command, read the way `ip` reads its own: keywords in any order, each followed
// by its value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vethway::cli {

class Words {
public:
    Words(std::string command, std::vector<std::string> words)
        : command_(std::move(command)), words_(std::move(words)) {}

    bool empty() const { return at_ == words_.size(); }
    // The next one; `what` it is said to be when it is missing. All that throw: ClientError.
    std::string next(const std::string& what);
    // Takes the next word if it is `keyword`.
    bool accept(std::string_view keyword);
    // The value of a keyword that was just accepted.
    std::string value(std::string_view of) {
        return next("a value behind \"" + std::string(of) + '"');
    }
    uint32_t number(std::string_view of);
    [[noreturn]] void refuse(const std::string& why) const;
    // Refuses the next word, or its absence, telling what could stand there.
    [[noreturn]] void expected(const std::string& what) const;

private:
    std::string command_;  // for errors
    std::vector<std::string> words_;
    size_t at_ = 0;
};

}  // namespace vethway::cli
