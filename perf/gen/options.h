// SPDX-License-Identifier: Apache-2.0
// What a user wrote on the command line, checked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "control/machine.h"
#include "control/port_spec.h"
#include "perf/gen/flows.h"
#include "perf/gen/sender.h"
#include "perf/gen/sizes.h"

namespace vethway::gen {

inline constexpr uint32_t kTxMbufs = 8191;  // of each size; drivers hold at most 4096

inline constexpr double kMostSeconds = 1e6;

struct Options {
    Config config;        // its ports: "tx", and "rx" unless that is the same
    StartPlan plan;       // CPUs and memory, as vethwayd would
    unsigned queues = 1;  // of each port; it sends by the first
    std::optional<Ip4> gateway;
    std::optional<Mac> dst_mac, src_mac;
    std::optional<uint16_t> vlan;
    uint8_t protocol = kProtocolUdp, ttl = 64;
    std::vector<SizeShare> sizes;
    FlowSets sets;
    uint32_t flows = 1;
    FlowOrder::Kind order = FlowOrder::Kind::round_robin;
    double zipf = 1;
    uint64_t seed = 1;
    Load load;
    bool trials = false;  // loads come as lines of JSON on the standard input
    bool quiet = false;   // no progress
    std::string json;     // a file; "-": the standard output, and nothing else on it
    uint32_t flows_shown = 0;
};

// The words of `vethway port add` behind the port's name ("veth eth0 address 10.0.0.2/24"), or a
// mapping as in the configuration file ("{veth: {interface: eth0, netns: h1}}"). `name` is the
// port's. Throws OptionError or ConfigError, which name the option.
PortConfig parse_port_option(const std::string& name, const std::string& text);

// "250000", "250k", "1.5M" (frames a second), "2Gbit" (of a wire, with preamble and gap), or "max",
// which is 0. `frame_bytes`: the mean. Throws OptionError.
double parse_rate(std::string_view text, double frame_bytes);

// Throws OptionError where the load would never end or contradicts itself.
void check_load(const Load& load);

// A trial's line: an object with any of rate, burst, catch_up, seconds, frames, warm_up, drain,
// then_rate, then_after, as the options; the rest is as in `given`. Throws OptionError.
Load parse_trial(const std::string& line, const Load& given, double frame_bytes);

// Throws OptionError, ConfigError, MachineError. Nothing where help or version was asked for, and
// printed.
std::optional<Options> parse_options(int argc, char** argv);

}  // namespace vethway::gen
