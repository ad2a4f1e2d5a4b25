// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "control/cli/show.h"
#include "control/cli/table.h"

namespace vethway::cli {

namespace {

std::string notes_of(const Json& p) {
    std::string text;
    const auto say = [&](const std::string& what) { text += (text.empty() ? "" : ", ") + what; };
    if (p["link"] != "up") say("no link");
    if (p["edge"].get<bool>()) say("edge");
    if (!p["point_to_point"].get<bool>()) say("shared");
    if (p["protocol"] == "stp") say("speaks STP");
    if (p["held_by"] != "") say("held by " + text_of(p["held_by"]));
    if (p["bpdus"]["refused"] != 0) say(text_of(p["bpdus"]["refused"]) + " BPDUs refused");
    return text.empty() ? "-" : text;
}

}  // namespace

std::string show_stp(const Json& answer, bool colour) {
    std::string out;
    for (const Json& tree : answer["spanning_trees"]) {
        const std::string way =
            tree["is_root"].get<bool>()
                ? "this is the root"
                : fmt::format("root {}, cost {} by {}", text_of(tree["root"]),
                              text_of(tree["root_cost"]),
                              tree["root_port"].is_null() ? "-" : text_of(tree["root_port"]));
        out += fmt::format(
            "{}{}: {}, bridge {}, {}\nhello {} s, max age {} s, forward delay {} s; {} topology "
            "changes\n",
            out.empty() ? "" : "\n", text_of(tree["bridge"]), text_of(tree["mode"]),
            text_of(tree["id"]), way, text_of(tree["hello_time"]), text_of(tree["max_age"]),
            text_of(tree["forward_delay"]), text_of(tree["topology_changes"]));
        Table table({"MEMBER", "ROLE", "STATE", "COST", "ID", "DESIGNATED BRIDGE", "PORT",
                     "BPDUS IN", "OUT", "NOTES"});
        for (const Json& p : tree["members"])
            table.add({text_of(p["port"]), text_of(p["role"]),
                       coloured(text_of(p["state"]), p["state"] == "forwarding", colour),
                       text_of(p["cost"]), text_of(p["id"]), text_of(p["designated"]["bridge"]),
                       text_of(p["designated"]["port"]), text_of(p["bpdus"]["received"]),
                       text_of(p["bpdus"]["sent"]), notes_of(p)});
        out += table.text();
    }
    return out.empty() ? "no bridge has a spanning tree: say stp: rstp there\n" : out;
}

}  // namespace vethway::cli
