// SPDX-License-Identifier: Apache-2.0
// YAML text to Config and back. No DPDK, no threads, no files but the one named.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"

namespace vethway {

// Everything that is wrong with a configuration, found in one pass. Each line stands alone:
// "FILE:LINE:COLUMN: PATH: why" from a file, "PATH: why" from validate().
class ConfigError : public std::runtime_error {
public:
    explicit ConfigError(std::vector<std::string> lines);
    const std::vector<std::string>& lines() const noexcept { return lines_; }

private:
    std::vector<std::string> lines_;
};

// With ports to come it is no error that something needs a port that is not there.
enum class PortsToCome : uint8_t { no, yes };

// `file` only names the text in errors. Throws ConfigError; the result has passed validate().
Config parse_config(std::string_view yaml, const std::string& file,
                    PortsToCome to_come = PortsToCome::no);
// Throws ConfigError, also when the file can't be read.
Config load_config(const std::string& file);

// The rules between values: what a Config must hold however it came about (file or API): unique
// names, known ports, no address twice, reachable next hops, limits. Throws ConfigError.
void validate(const Config& config);
// The same, as the first of its lines; empty: nothing is.
std::string what_is_wrong(const Config& config, PortsToCome to_come);
// Whether some ports are patterns, so that there are ports to come.
bool has_patterns(const Config& config);

// A file that parse_config reads back to an equal Config; keys at their default are left out.
std::string to_yaml(const Config& config);

// One value as the file writes it, for API and CLI. Throw std::invalid_argument with the reason.
Prefix4 parse_route_prefix(std::string_view text);  // "default" or a prefix without host bits
Prefix4 parse_interface_address(
    std::string_view text);  // an address a port can have, with its length

}  // namespace vethway
