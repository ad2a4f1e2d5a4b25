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

// What is in `ports`, or a LAG: what frames come and go by. Null: there is none of that name.
const PortConfig* wire_named(const Config& config, const std::string& name);
// The LAG that the port is a member of; null: none.
const LagConfig* lag_of_member(const Config& config, const std::string& port);

}  // namespace vethway
