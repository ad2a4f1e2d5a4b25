// SPDX-License-Identifier: Apache-2.0
#include "control/cli/free_command.h"

namespace vethway::cli {

namespace {

// "port NAME [vlan N]", in any order, and nothing behind it.
void read_place(Words& words, Json& body) {
    while (!words.empty())
        if (words.accept("port"))
            body["port"] = words.value("port");
        else if (words.accept("vlan"))
            body["vlan"] = words.number("vlan");
        else
            words.expected("port NAME or vlan NUMBER");
}

Json station(Words& words) {
    Json body{{"mac", words.next("a MAC")}};
    read_place(words, body);
    if (!body.contains("port")) words.expected("port NAME");
    return body;
}

Json flush_stations(Words& words) {
    Json body = Json::object();
    if (words.accept("bridge")) body["bridge"] = words.value("bridge");
    read_place(words, body);
    return body;
}

Json member(Words& words) { return {{"port", words.next("a port")}}; }

}  // namespace

void add_bridge_commands(CLI::App& app, Session& session) {
    CLI::App* fdb = app.add_subcommand("fdb", "Add, delete, flush stations of bridges");
    fdb->require_subcommand(1);
    add_change(*fdb, session,
               {"add",
                "Say which member a station is behind",
                "MAC port NAME [vlan NUMBER]",
                {{"port", "vlan"}}},
               "POST", "/fdb", station);
    add_change(*fdb, session,
               {"del", "Forget a station", "MAC port NAME [vlan NUMBER]", {{"port", "vlan"}}},
               "DELETE", "/fdb", station);
    add_change(*fdb, session,
               {"flush",
                "Forget all that were learned",
                "[bridge NAME] [port NAME] [vlan NUMBER]",
                {{"bridge", "port", "vlan"}}},
               "POST", "/fdb/flush", flush_stations);

    CLI::App* bridge = app.add_subcommand("bridge", "Open members of bridges again");
    bridge->require_subcommand(1);
    add_change(*bridge, session,
               {"recover", "Open a member that BPDU guard or a loop has shut", "PORT", {}}, "POST",
               "/bridges/recover", member);
    add_change(*bridge, session,
               {"migrate", "Ask a neighbour that spoke STP whether it knows RSTP", "PORT", {}},
               "POST", "/bridges/migrate", member);
}

}  // namespace vethway::cli
