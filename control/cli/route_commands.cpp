// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "control/cli/free_command.h"
#include "control/cli/show.h"

namespace vethway::cli {

namespace {

constexpr std::array kActions{"blackhole", "unreachable", "prohibit", "throw"};

// Takes the next word if it is `key`; refuses it where its value would replace another.
bool accept_once(Words& words, const Json& object, const char* key) {
    if (!words.accept(key)) return false;
    if (object.contains(key)) words.refuse(std::string(key) + " is given twice");
    return true;
}

void read_next_hop(Words& words, Json& hop, bool weighted) {
    while (true) {
        if (accept_once(words, hop, "via"))
            hop["via"] = words.value("via");
        else if (accept_once(words, hop, "port"))
            hop["port"] = words.value("port");
        else if (weighted && accept_once(words, hop, "weight"))
            hop["weight"] = words.number("weight");
        else if (accept_once(words, hop, "onlink"))
            hop["onlink"] = true;
        else
            return;
    }
}

bool read_action(Words& words, Json& route) {
    for (const char* action : kActions)
        if (words.accept(action)) {
            route["action"] = action;
            return true;
        }
    return false;
}

Json new_route(Words& words) {
    Json route;
    read_action(words, route);
    route["to"] = words.next("a prefix like 10.8.0.0/16, or default");
    read_next_hop(words, route, false);
    while (!words.empty()) {
        if (words.accept("nexthop")) {
            read_next_hop(words, route["next_hops"].emplace_back(Json::object()), true);
        } else if (accept_once(words, route, "metric")) {
            route["metric"] = words.number("metric");
        } else if (accept_once(words, route, "nhid")) {
            route["nhid"] = words.number("nhid");
        } else if (accept_once(words, route, "src")) {
            route["src"] = words.value("src");
        } else if (accept_once(words, route, "scope")) {
            route["scope"] = words.value("scope");
        } else if (!read_action(words, route)) {
            const size_t before = route.size();
            read_next_hop(words, route, false);
            if (route.size() == before)
                words.expected(
                    "via, port, onlink, metric, src, scope, nexthop, nhid, blackhole, unreachable, "
                    "prohibit or throw");
        }
    }
    const bool leads_somewhere = route.contains("via") || route.contains("port") ||
                                 route.contains("next_hops") || route.contains("nhid") ||
                                 route.contains("action");
    if (!leads_somewhere)
        words.expected(
            "where to: via ADDRESS, port NAME, nexthop …, nhid ID, blackhole, unreachable, "
            "prohibit "
            "or throw");
    return route;
}

Json old_route(Words& words) {
    Json route{{"to", words.next("a prefix like 10.8.0.0/16, or default")}};
    if (words.accept("metric")) route["metric"] = words.number("metric");
    if (!words.empty()) words.expected("metric NUMBER or nothing");
    return route;
}

int find_route(const Session& session, Words words) {
    const std::string to = words.next("an address");
    if (!words.empty()) words.expected("one address");
    return session.print(session.client().get("/routes/lookup?to=" + to), show_route_lookup);
}

}  // namespace

void add_route_commands(CLI::App& app, Session& session) {
    CLI::App* route =
        app.add_subcommand("route", "Add, delete, look up routes")->require_subcommand(1);
    add_change(
        *route, session,
        {"add",
         "Add a route",
         "PREFIX {via ADDRESS [port NAME [onlink]] | port NAME | nexthop via ADDRESS [port "
         "NAME] [weight N] … | nhid ID | blackhole | unreachable | prohibit | throw} [metric "
         "N] [src ADDRESS] [scope global|link|host]",
         {{"default", "via", "port", "onlink", "metric", "nexthop", "weight", "nhid", "src",
           "scope", "blackhole", "unreachable", "prohibit", "throw"}}},
        "POST", "/routes", new_route);
    add_change(*route, session,
               {"del", "Delete a configured route", "PREFIX [metric N]", {{"default", "metric"}}},
               "DELETE", "/routes", old_route);
    add_words(*route, session, {"get", "The way that a packet takes", "ADDRESS"}, find_route);
}

}  // namespace vethway::cli
