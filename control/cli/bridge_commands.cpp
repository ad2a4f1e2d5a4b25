// SPDX-License-Identifier: Apache-2.0
#include "control/cli/free_command.h"

namespace vethway::cli {

namespace {

// "[port NAME] [vlan N]", in any order, and nothing behind it; where `by_name`, "bridge NAME" too.
void read_place(Words& words, Json& body, bool by_name = false) {
    while (!words.empty())
        if (words.accept("port"))
            body["port"] = words.value("port");
        else if (words.accept("vlan"))
            body["vlan"] = words.number("vlan");
        else if (by_name && words.accept("bridge"))
            body["bridge"] = words.value("bridge");
        else
            words.expected(by_name ? "bridge NAME, port NAME or vlan NUMBER"
                                   : "port NAME or vlan NUMBER");
}

Json station(Words& words) {
    Json body{{"mac", words.next("a MAC")}};
    read_place(words, body);
    if (!body.contains("port")) words.expected("port NAME");
    return body;
}

Json flush_stations(Words& words) {
    Json body = Json::object();
    read_place(words, body, true);
    return body;
}

Json new_binding(Words& words) {
    Json body{{"address", words.next("an address")}};
    words.accept("lladdr");  // as `ip neigh` calls it
    body["mac"] = words.next("a MAC");
    read_place(words, body, true);
    return body;
}

Json old_binding(Words& words) {
    Json body{{"address", words.next("an address")}};
    read_place(words, body, true);
    return body;
}

Json member_of_group(Words& words) {
    Json body{{"group", words.next("a group")}};
    read_place(words, body, true);
    return body;
}

Json new_member_of_group(Words& words) {
    Json body = member_of_group(words);
    if (!body.contains("port")) words.expected("port NAME");
    return body;
}

Json member(Words& words) { return {{"port", words.next("a port")}}; }

void add_binding_commands(CLI::App& bridge, Session& session) {
    CLI::App* binding =
        bridge.add_subcommand("binding", "Say which station has an address, for guards and ARP");
    binding->require_subcommand(1);
    add_change(*binding, session,
               {"add",
                "Bind an address to a MAC, and to a member",
                "ADDRESS MAC [bridge NAME] [port NAME] [vlan NUMBER]",
                {{"bridge", "port", "vlan"}}},
               "POST", "/bindings", new_binding);
    add_change(*binding, session,
               {"del",
                "Delete a binding",
                "ADDRESS [bridge NAME] [port NAME] [vlan NUMBER]",
                {{"bridge", "port", "vlan"}}},
               "DELETE", "/bindings", old_binding);
}

void add_group_commands(CLI::App& bridge, Session& session) {
    CLI::App* group =
        bridge.add_subcommand("group", "Say which members want what is sent to a group");
    group->require_subcommand(1);
    add_change(
        *group, session,
        {"add", "Add a member to a group", "GROUP port NAME [vlan NUMBER]", {{"port", "vlan"}}},
        "POST", "/groups", new_member_of_group);
    add_change(*group, session,
               {"del",
                "Take a member out of a group, or delete it",
                "GROUP [bridge NAME] [port NAME] [vlan NUMBER]",
                {{"bridge", "port", "vlan"}}},
               "DELETE", "/groups", member_of_group);
}

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

    CLI::App* bridge =
        app.add_subcommand("bridge", "Change what bridges know of IP; open members again");
    bridge->require_subcommand(1);
    add_change(*bridge, session,
               {"recover", "Open a member that BPDU guard or a loop has shut", "PORT", {}}, "POST",
               "/bridges/recover", member);
    add_change(*bridge, session,
               {"migrate", "Ask a neighbour that spoke STP whether it knows RSTP", "PORT", {}},
               "POST", "/bridges/migrate", member);
    add_binding_commands(*bridge, session);
    add_group_commands(*bridge, session);
}

}  // namespace vethway::cli
