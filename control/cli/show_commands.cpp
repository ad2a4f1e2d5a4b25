// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <iostream>
#include <memory>

#include "control/cli/commands.h"
#include "control/cli/show.h"

namespace vethway::cli {

namespace {

using Text = std::string (*)(const Json&, bool);

// A command that prints what is at `path`; `all_help` empty: there is no --all.
void add_view(CLI::App& parent, Session& session, const std::string& name, const std::string& help,
              const std::string& path, Text text, const std::string& all_help = "") {
    CLI::App* command = parent.add_subcommand(name, help);
    auto all = std::make_shared<bool>(false);
    if (!all_help.empty()) command->add_flag("-a,--all", *all, all_help);
    command->callback([&session, path, text, all] {
        session.action = [&session, path, text, all] {
            return session.print(session.client().get(path + (*all ? "?all" : "")),
                                 [&](const Json& a) { return text(a, session.colour); });
        };
    });
}

int explain_drop(const Session& session, const std::string& reason) {
    const Json drops = session.client().get("/drops?all");
    for (const Json& row : drops["drops"])
        if (row["reason"] == reason)
            return session.print(row, [](const Json& r) {
                return fmt::format("{}: {}\n    stage    {}\n    packets  {}\n",
                                   text_of(r["reason"]), text_of(r["help"]), text_of(r["stage"]),
                                   text_of(r["packets"]));
            });
    throw ClientError(
        {"there is no drop reason \"" + reason + "\"; vethway show drops --all lists them"});
}

void add_explain(CLI::App& app, Session& session) {
    CLI::App* explain = app.add_subcommand(
        "explain", "What would become of a packet; and what a word of vethway means");
    explain->require_subcommand(0, 1);
    add_what_if(*explain, session);
    CLI::App* drop = explain->add_subcommand("drop", "A drop reason");
    auto reason = std::make_shared<std::string>();
    drop->add_option("REASON", *reason, "As show drops names it")->required();
    drop->callback([&session, reason] {
        session.action = [&session, reason] { return explain_drop(session, *reason); };
    });
}

}  // namespace

int Session::print(const Json& answer, const std::function<std::string(const Json&)>& text) const {
    std::cout << (json ? answer.dump(2) + '\n' : text(answer)) << std::flush;
    return std::cout ? 0 : 1;
}

void add_show_commands(CLI::App& app, Session& session) {
    add_view(app, session, "status", "What runs, its memory, and whether its books balance",
             "/status", show_status);
    CLI::App* show =
        app.add_subcommand("show", "Ports, routes, neighbours, drops, counters, lcores, config");
    show->require_subcommand(1);
    add_view(*show, session, "ports", "Ports, like ip -s link", "/ports", show_ports);
    add_view(*show, session, "routes", "Routes, like ip route", "/routes", show_routes,
             "Also those to our own addresses");
    add_view(*show, session, "neighbours", "Who is on the links, like ip neigh", "/neighbours",
             show_neighbours);
    add_view(*show, session, "drops", "Packets dropped, by port and reason", "/drops", show_drops,
             "Every reason there is");
    add_view(*show, session, "counters", "All counters of all ports", "/counters", show_counters);
    add_view(*show, session, "lcores", "Workers: CPUs, queues, how busy", "/lcores", show_lcores);
    add_view(*show, session, "config", "The running configuration, as a file",
             "/config?format=json",
             [](const Json& answer, bool) { return text_of(answer["yaml"]); });
    show->get_subcommand("neighbours")->alias("neighbors");
    add_explain(app, session);
}

}  // namespace vethway::cli
