// SPDX-License-Identifier: Apache-2.0
#include "control/cli/lab/lab.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>
#include <stdexcept>

#include "control/cli/lab/labs.h"

namespace vethway::cli {

namespace {

[[noreturn]] void refuse(const YAML::Node& at, const std::string& why) {
    throw std::runtime_error(
        fmt::format("lab: line {}: {}", at.IsDefined() ? at.Mark().line + 1 : 0, why));
}

void check_keys(const YAML::Node& map, const std::set<std::string>& known) {
    if (!map.IsMap()) refuse(map, "expected a map");
    for (const auto& entry : map)
        if (const auto key = entry.first.as<std::string>(); !known.contains(key))
            refuse(entry.first, "unknown key " + key);
}

std::string text_in(const YAML::Node& map, const char* key) {
    const YAML::Node value = map[key];
    return value ? value.as<std::string>() : std::string();
}

// One text, or a list of them.
std::vector<std::string> texts_in(const YAML::Node& map, const char* key) {
    const YAML::Node value = map[key];
    if (!value) return {};
    if (value.IsSequence()) return value.as<std::vector<std::string>>();
    return {value.as<std::string>()};
}

// Commands, each `NAMESPACE: TEXT`, or only the text where a namespace is usual.
std::vector<LabCommand> commands_in(const YAML::Node& map, const char* key,
                                    const std::string& usual) {
    std::vector<LabCommand> out;
    for (const YAML::Node& entry : map[key]) {
        if (entry.IsScalar() && !usual.empty()) {
            out.push_back({usual, entry.as<std::string>()});
            continue;
        }
        if (!entry.IsMap() || entry.size() != 1) refuse(entry, "expected NAMESPACE: COMMAND");
        const auto only = *entry.begin();
        out.push_back({only.first.as<std::string>(), only.second.as<std::string>()});
    }
    return out;
}

LabClaim claim_of(const YAML::Node& node) {
    check_keys(node, {"says", "side", "printed", "not_printed", "seen", "among", "apart"});
    LabClaim claim{.says = text_in(node, "says"),
                   .linux_side = text_in(node, "side") == "linux",
                   .printed = texts_in(node, "printed"),
                   .not_printed = texts_in(node, "not_printed")};
    if (const YAML::Node seen = node["seen"])
        claim.seen = seen.as<std::map<std::string, std::vector<std::string>>>();
    claim.among = text_in(node, "among");
    if (const YAML::Node apart = node["apart"]) claim.apart_s = apart.as<double>();
    if (claim.printed.empty() && claim.not_printed.empty() && claim.seen.empty())
        refuse(node, "a claim that nothing can refute");
    return claim;
}

LabStep step_of(const YAML::Node& node) {
    check_keys(node, {"title", "vethway", "linux", "claims", "why", "differs"});
    LabStep step{.title = text_in(node, "title"),
                 .vethway = commands_in(node, "vethway", "sw"),
                 .linux_side = commands_in(node, "linux", "linux"),
                 .claims = {},
                 .why = text_in(node, "why"),
                 .differs = text_in(node, "differs")};
    for (const YAML::Node& claim : node["claims"]) step.claims.push_back(claim_of(claim));
    return step;
}

void check_namespaces(const Lab& lab, const std::vector<LabCommand>& commands) {
    for (const LabCommand& c : commands)
        if (!std::ranges::count(lab.namespaces, c.where))
            throw std::runtime_error("lab: no such namespace: " + c.where);
}

}  // namespace

bool Lab::has_linux_side() const { return std::ranges::count(namespaces, "linux") != 0; }

Lab parse_lab(const std::string& text) {
    const YAML::Node root = YAML::Load(text);
    check_keys(root,
               {"name", "title", "about", "namespaces", "network", "config", "ports", "steps"});
    Lab lab{.name = text_in(root, "name"),
            .title = text_in(root, "title"),
            .about = text_in(root, "about"),
            .namespaces = texts_in(root, "namespaces"),
            .network = commands_in(root, "network", ""),
            .config = text_in(root, "config"),
            .ports = texts_in(root, "ports"),
            .steps = {}};
    for (const YAML::Node& step : root["steps"]) lab.steps.push_back(step_of(step));
    check_namespaces(lab, lab.network);
    for (const LabStep& step : lab.steps) {
        check_namespaces(lab, step.vethway);
        check_namespaces(lab, step.linux_side);
    }
    return lab;
}

std::span<const LabText> built_in_labs() { return kLabs; }

}  // namespace vethway::cli
