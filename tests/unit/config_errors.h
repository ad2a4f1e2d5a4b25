// SPDX-License-Identifier: Apache-2.0
// A configuration file and the errors it is refused with.
#pragma once

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "config/parse.h"

namespace vethway {

using Lines = std::vector<std::string>;

inline Lines errors(const std::string& yaml) {
    try {
        parse_config(yaml, "f");
        return {};
    } catch (const ConfigError& e) {
        return e.lines();
    }
}

struct Bad {
    const char* name;
    std::string yaml;
    Lines want;  // empty: the file is good
};
inline std::ostream& operator<<(std::ostream& out, const Bad& bad) { return out << bad.name; }
inline std::string bad_name(const testing::TestParamInfo<Bad>& c) { return c.param.name; }

class Refused : public testing::TestWithParam<Bad> {};

}  // namespace vethway
