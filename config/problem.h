// SPDX-License-Identifier: Apache-2.0
// The rules between values, as validate() and parse_config() both apply them.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace vethway {

struct Problem {
    std::string path;  // "ports[1].mac"
    std::string why;
    // Says something only if the ports were read without a problem: it may be a consequence of one.
    bool follows_from_ports = false;
};

// The path of item `i` of the list at `path`.
inline std::string indexed(const std::string& path, size_t i) {
    return path + '[' + std::to_string(i) + ']';
}

std::vector<Problem> find_problems(const Config& config);

}  // namespace vethway
