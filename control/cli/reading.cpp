// SPDX-License-Identifier: Apache-2.0
#include "control/cli/reading.h"

#include <algorithm>
#include <string>

namespace vethway::cli {

namespace {

std::string name_of(const Json& row) {
    std::string name;
    if (!row.is_object()) return name;
    for (const char* key : {"port", "worker", "reason"}) name += row.value(key, "") + ' ';
    return name;
}

const Json& same_row(const Json& rows, const Json& wanted) {
    static const Json kNone;
    if (!rows.is_array()) return kNone;
    const std::string name = name_of(wanted);
    const auto row = std::ranges::find_if(rows, [&](const Json& r) { return name_of(r) == name; });
    return row == rows.end() ? kNone : *row;
}

Json number_change(const std::string& key, const Json& now, const Json& before) {
    // What is held comes and goes; the others only grow.
    if (key == "held") return now.get<int64_t>() - before.get<int64_t>();
    if (key == "at_s" || key == "imbalance") return now;
    if (now.is_number_float() || now.get<int64_t>() < before.get<int64_t>()) return now;
    return now.get<uint64_t>() - before.get<uint64_t>();
}

Json scaled(const Json& change, double factor) {
    Json out = change;
    if (change.is_structured())
        for (auto& item : out.items()) item.value() = scaled(item.value(), factor);
    else if (change.is_number())
        out = change.get<double>() * factor;
    return out;
}

}  // namespace

Json change_between(const Json& now, const Json& before) {
    Json out = now;
    if (now.is_array())
        for (Json& row : out) row = change_between(row, same_row(before, row));
    if (!now.is_object() || !before.is_object()) return out;
    for (auto& [key, value] : out.items()) {
        const auto earlier = before.find(key);
        if (earlier == before.end()) continue;
        if (value.is_structured())
            value = change_between(value, *earlier);
        else if (value.is_number() && earlier->is_number())
            value = number_change(key, value, *earlier);
    }
    return out;
}

Json rates_between(const Json& now, const Json& before) {
    const double seconds = now["at_s"].get<double>() - before["at_s"].get<double>();
    if (seconds <= 0) return nullptr;
    Json rates = scaled(change_between(now, before), 1 / seconds);
    rates.erase("at_s");
    return rates;
}

}  // namespace vethway::cli
