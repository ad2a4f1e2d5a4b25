// SPDX-License-Identifier: Apache-2.0
#include <iostream>
#include <memory>

#include "control/cli/commands.h"
#include "control/cli/show.h"

namespace vethway::cli {

namespace {

using Text = std::string (*)(const Json&, bool);

struct ViewOptions {
    std::string all_help;  // empty: there is no --all
    Text classic = nullptr;
    std::string classic_help;
};

// A command that prints what is at `path`.
void add_view(CLI::App& parent, Session& session, const std::string& name, const std::string& help,
              const std::string& path, Text text, const ViewOptions& options = {}) {
    CLI::App* command = parent.add_subcommand(name, help);
    auto all = std::make_shared<bool>(false), classic = std::make_shared<bool>(false);
    if (!options.all_help.empty()) command->add_flag("-a,--all", *all, options.all_help);
    if (options.classic != nullptr) command->add_flag("--classic", *classic, options.classic_help);
    command->callback([&session, path, text, all, classic, other = options.classic] {
        session.action = [&session, path, shown = *classic ? other : text, all] {
            return session.print(session.client().get(path + (*all ? "?all" : "")),
                                 [&](const Json& a) { return shown(a, session.colour); });
        };
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
    CLI::App* show = app.add_subcommand("show",
                                        "Ports, knobs, routes, neighbours, LAGs, bridges, "
                                        "stations, groups, drops, counters, lcores, config");
    show->require_subcommand(1);
    add_view(*show, session, "ports", "Ports, like ip -s link", "/ports", show_ports);
    add_view(*show, session, "knobs", "What can be set of IPv4, like sysctl net.ipv4", "/knobs",
             show_knobs);
    add_view(*show, session, "routes", "Routes, like ip route", "/routes", show_routes,
             {.all_help = "Also those to our own addresses",
              .classic = show_classic_routes,
              .classic_help = "As route -n shows them"});
    add_view(*show, session, "neighbours", "Who is on the links, like ip neigh", "/neighbours",
             show_neighbours,
             {.classic = show_classic_neighbours, .classic_help = "As arp -n shows them"});
    add_view(*show, session, "paths",
             "What routers told of ways to single hosts, like ip route show cache", "/paths",
             show_paths);
    add_lag_commands(*show, session);
    add_view(*show, session, "bridge", "Bridges and their members, like bridge -d link", "/bridges",
             show_bridges);
    add_view(*show, session, "stp", "Spanning trees, like bridge -d link and ovs-appctl rstp/show",
             "/stp", show_stp);
    add_view(*show, session, "vlan", "Who carries which VLAN, like bridge vlan", "/vlans",
             show_vlans);
    add_view(*show, session, "fdb", "Which stations are behind which member, like bridge fdb",
             "/fdb", show_fdb);
    add_view(*show, session, "bindings",
             "Which station has which address, behind which member, like show ip source binding",
             "/bindings", show_bindings);
    add_view(*show, session, "groups", "Which members want which group, like bridge mdb", "/groups",
             show_groups);
    add_counters_commands(*show, session);
    add_view(*show, session, "lcores", "Workers: CPUs, queues, how busy", "/lcores", show_lcores);
    add_view(*show, session, "config", "The running configuration, as a file",
             "/config?format=json",
             [](const Json& answer, bool) { return text_of(answer["yaml"]); });
    show->get_subcommand("neighbours")->alias("neighbors");
    add_explain_command(app, session);
}

}  // namespace vethway::cli
