// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <numeric>

#include "control/cli/commands.h"
#include "control/cli/show.h"

namespace vethway::cli {

namespace {

// Levenshtein: letters to put in, leave out or change.
size_t distance(const std::string& a, const std::string& b) {
    std::vector<size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), size_t{0});
    for (size_t i = 1; i <= a.size(); ++i) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.size(); ++j) {
            const size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
        }
    }
    return row[b.size()];
}

// The reason with its counts by port.
Json reason_of(const Session& session, Json row) {
    Json ports = Json::object();
    const Json drops = session.client().get("/drops");
    for (const Json& drop : drops["drops"])
        if (drop["reason"] == row["reason"])
            ports[drop["port"].get<std::string>()] = drop["packets"];
    row.erase("port");
    row["ports"] = ports;
    return row;
}

int explain_drop(const Session& session, const std::string& reason) {
    const Json all = session.client().get("/drops?all");
    std::vector<std::string> names;
    for (const Json& row : all["drops"]) {
        names.push_back(row["reason"].get<std::string>());
        if (names.back() == reason) return session.print(reason_of(session, row), show_reason);
    }
    const std::vector<std::string> near = near_words(reason, names);
    const std::string hint = near.empty() ? "vethway show drops --all lists them"
                                          : fmt::format("did you mean {}?", fmt::join(near, ", "));
    throw ClientError({fmt::format("there is no drop reason \"{}\"; {}", reason, hint)});
}

}  // namespace

std::vector<std::string> near_words(const std::string& word, const std::vector<std::string>& all) {
    std::vector<std::string> near;
    for (const std::string& candidate : all) {
        const bool is_part = word.size() >= 3 && candidate.find(word) != std::string::npos;
        if (is_part || distance(word, candidate) <= std::max<size_t>(1, word.size() / 4))
            near.push_back(candidate);
    }
    return near;
}

void add_explain_command(CLI::App& app, Session& session) {
    CLI::App* explain = app.add_subcommand(
        "explain", "What would become of a packet; and what a word of vethway means");
    explain->require_subcommand(0, 1);
    add_what_if(*explain, session);
    CLI::App* drop = explain->add_subcommand("drop", "A drop reason, and what to do about it");
    auto reason = std::make_shared<std::string>();
    drop->add_option("REASON", *reason, "As show drops names it")->required();
    drop->callback([&session, reason] {
        session.action = [&session, reason] { return explain_drop(session, *reason); };
    });
}

}  // namespace vethway::cli
