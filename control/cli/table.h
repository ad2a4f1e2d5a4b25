// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace vethway::cli {

// Columns as wide as what is in them, two spaces apart; numbers to the right.
class Table {
public:
    explicit Table(std::vector<std::string> header) { add(std::move(header)); }
    void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
    bool empty() const { return rows_.size() == 1; }
    std::string text() const;

private:
    std::vector<std::vector<std::string>> rows_;  // the first is the header
};

// Green or red, where `on`.
std::string coloured(const std::string& text, bool good, bool on);

}  // namespace vethway::cli
