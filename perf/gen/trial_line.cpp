// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "perf/gen/options.h"

namespace vethway::gen {

namespace {

double rate_of(const nlohmann::json& value, double frame_bytes) {
    if (value.is_string()) return parse_rate(value.get<std::string>(), frame_bytes);
    if (!value.is_number()) throw OptionError("expected a rate");
    return parse_rate(fmt::format("{}", value.get<double>()), frame_bytes);
}

double seconds_of(const nlohmann::json& value) {
    if (!value.is_number() || value.get<double>() < 0 || value.get<double>() > kMostSeconds)
        throw OptionError("expected seconds");
    return value.get<double>();
}

uint64_t count_of(const nlohmann::json& value, uint64_t least, uint64_t most) {
    if (!value.is_number_unsigned() || value.get<uint64_t>() < least ||
        value.get<uint64_t>() > most)
        throw OptionError(fmt::format("expected a whole number from {} to {}", least, most));
    return value.get<uint64_t>();
}

void assign(const std::string& key, const nlohmann::json& value, double frame_bytes, Load& load) {
    if (key == "rate")
        load.pace.pps = rate_of(value, frame_bytes);
    else if (key == "then_rate")
        load.then_pps = rate_of(value, frame_bytes);
    else if (key == "burst")
        load.pace.burst = static_cast<uint32_t>(count_of(value, 1, 65536));
    else if (key == "catch_up")
        load.pace.catch_up = static_cast<uint32_t>(count_of(value, 0, UINT32_MAX));
    else if (key == "frames")
        load.frames = count_of(value, 0, UINT64_MAX);
    else if (key == "seconds")
        load.seconds = seconds_of(value);
    else if (key == "warm_up")
        load.warm_up_s = seconds_of(value);
    else if (key == "drain")
        load.drain_s = seconds_of(value);
    else if (key == "then_after")
        load.then_after_s = seconds_of(value);
    else
        throw OptionError("unknown key");
}

}  // namespace

Load parse_trial(const std::string& line, const Load& given, double frame_bytes) {
    const auto object = nlohmann::json::parse(line, nullptr, false);
    if (!object.is_object()) throw OptionError("a trial: expected a JSON object, got: " + line);
    Load load = given;
    if (object.contains("frames") && !object.contains("seconds")) load.seconds = 0;
    for (const auto& [key, value] : object.items()) {
        try {
            assign(key, value, frame_bytes, load);
        } catch (const OptionError& e) {
            throw OptionError(fmt::format("a trial's {}: {}", key, e.what()));
        }
    }
    check_load(load);
    return load;
}

}  // namespace vethway::gen
