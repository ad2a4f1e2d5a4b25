// SPDX-License-Identifier: Apache-2.0
#include "control/cli/lab/seen.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <sstream>

namespace vethway::cli {

namespace {

std::optional<SeenPacket> packet_of(const std::string& line) {
    unsigned hours = 0, minutes = 0;
    double seconds = 0;
    std::istringstream words(line);
    SeenPacket p{.line = line, .at_s = 0, .port = {}, .what = {}};
    std::string time;
    if (!(words >> time >> p.port) ||
        std::sscanf(time.c_str(), "%u:%u:%lf", &hours, &minutes, &seconds) != 3)
        return std::nullopt;
    p.at_s = hours * 3600 + minutes * 60 + seconds;
    for (std::string word; words >> word;) p.what += (p.what.empty() ? "" : " ") + word;
    return p;
}

// Without its direction, and the outcome that capture adds.
std::string_view packet_only(std::string_view what) {
    what.remove_prefix(std::min(what.find(' '), what.size()));
    return what.substr(0, what.find(" -- "));
}

bool told_before(const std::vector<SeenPacket>& all, const SeenPacket& drop) {
    return drop.what.starts_with("X ") && std::ranges::any_of(all, [&](const SeenPacket& p) {
               return p.port == drop.port && p.what.starts_with("In ") &&
                      packet_only(p.what) == packet_only(drop.what);
           });
}

bool matches(const std::string& pattern, const std::string& text) {
    return fnmatch((pattern + '*').c_str(), text.c_str(), 0) == 0;
}

std::string of_port(const std::string& port, const std::vector<std::string>& expected,
                    const LabClaim& claim, const std::vector<SeenPacket>& seen) {
    std::vector<const SeenPacket*> own;
    for (const SeenPacket& p : seen)
        if (p.port == port && matches(claim.among, p.what)) own.push_back(&p);
    for (size_t i = 0; i < std::max(expected.size(), own.size()); ++i) {
        if (i >= own.size()) return fmt::format("{} did not see: {}", port, expected[i]);
        if (i >= expected.size()) return fmt::format("{} also saw: {}", port, own[i]->what);
        if (!matches(expected[i], own[i]->what))
            return fmt::format("{} saw: {}; not: {}", port, own[i]->what, expected[i]);
        if (i > 0 && own[i]->at_s - own[i - 1]->at_s < claim.apart_s &&
            own[i]->at_s >= own[i - 1]->at_s)
            return fmt::format("{} saw these {:.3f} s apart: {}", port,
                               own[i]->at_s - own[i - 1]->at_s, own[i]->what);
    }
    return "";
}

}  // namespace

std::vector<SeenPacket> seen_packets(const std::vector<std::string>& lines) {
    std::vector<SeenPacket> out;
    for (const std::string& line : lines)
        if (auto packet = packet_of(line); packet && !told_before(out, *packet))
            out.push_back(std::move(*packet));
    return out;
}

std::string refuted(const LabClaim& claim, const LabEvidence& evidence) {
    const auto printed = [&](const std::string& pattern) {
        return std::ranges::any_of(evidence.printed,
                                   [&](const std::string& line) { return matches(pattern, line); });
    };
    for (const std::string& pattern : claim.printed)
        if (!printed(pattern)) return "nothing printed reads: " + pattern;
    for (const std::string& pattern : claim.not_printed)
        if (printed(pattern)) return "something printed reads: " + pattern;
    for (const auto& [port, expected] : claim.seen)
        if (std::string why = of_port(port, expected, claim, evidence.seen); !why.empty())
            return why;
    return "";
}

}  // namespace vethway::cli
