// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "control/cli/show.h"
#include "control/cli/table.h"

namespace vethway::cli {

namespace {

std::string dash_if_empty(const std::string& text) { return text.empty() ? "-" : text; }

std::string lacp_lines(const Json& lacp) {
    std::string out =
        fmt::format("LACP {}, {}; system {}, priority {}, key {}\n", text_of(lacp["activity"]),
                    text_of(lacp["rate"]), text_of(lacp["system"]),
                    text_of(lacp["system_priority"]), text_of(lacp["key"]));
    const Json& partner = lacp["partner"];
    if (partner.is_null()) return out + "no partner\n";
    return out + fmt::format("partner {}, priority {}, key {}\n", text_of(partner["system"]),
                             text_of(partner["system_priority"]), text_of(partner["key"]));
}

std::string static_members(const Json& lag, bool colour) {
    Table table({"MEMBER", "CARRIES", "WHY NOT"});
    for (const Json& m : lag["members"]) {
        const bool carries = m["carries"].get<bool>();
        table.add({text_of(m["port"]), coloured(carries ? "yes" : "no", carries, colour),
                   dash_if_empty(text_of(m["why_not"]))});
    }
    return table.text();
}

std::string lacp_members(const Json& lag, bool colour) {
    Table table({"MEMBER", "CARRIES", "STATE", "PORT", "FLAGS", "PARTNER", "ITS KEY", "ITS PORT",
                 "ITS FLAGS", "IN", "OUT", "WHY NOT"});
    for (const Json& m : lag["members"]) {
        const bool carries = m["carries"].get<bool>();
        std::vector<std::string> cells{text_of(m["port"]),
                                       coloured(carries ? "yes" : "no", carries, colour)};
        const Json& lacp = m["lacp"];
        if (lacp.is_null()) {
            cells.resize(11, "-");
        } else {
            cells.push_back(text_of(lacp["receive"]) + ", " + text_of(lacp["mux"]));
            cells.push_back(text_of(lacp["actor"]["port"]));
            cells.push_back(text_of(lacp["actor"]["flags"]));
            for (const char* key : {"system", "key", "port", "flags"})
                cells.push_back(lacp["partner"].is_null() ? "-" : text_of(lacp["partner"][key]));
            cells.push_back(text_of(lacp["rx_lacpdus"]));
            cells.push_back(text_of(lacp["tx_lacpdus"]));
        }
        cells.push_back(dash_if_empty(text_of(m["why_not"])));
        table.add(cells);
    }
    return table.text();
}

}  // namespace

std::string show_lags(const Json& answer, bool colour) {
    std::string out;
    bool any_lacp = false;
    for (const Json& lag : answer["lags"]) {
        const bool up = lag["state"] == "up", lacp = !lag["lacp"].is_null();
        any_lacp |= lacp;
        out += fmt::format("{}{}: {}{}, {}, hash {}; {} of {} members carry{}\n",
                           out.empty() ? "" : "\n", text_of(lag["name"]),
                           coloured(text_of(lag["state"]), up, colour),
                           up ? "" : " (" + text_of(lag["reason"]) + ')', text_of(lag["mode"]),
                           text_of(lag["hash"]), text_of(lag["carrying"]), lag["members"].size(),
                           lag["min_links"] == 0 ? "" : ", min_links " + text_of(lag["min_links"]));
        out += lacp ? lacp_lines(lag["lacp"]) + lacp_members(lag, colour)
                    : static_members(lag, colour);
    }
    if (any_lacp)
        out +=
            "\nFlags, from the right: Active, Short timeout, agGregatable, Synchronized, "
            "Collecting, Distributing, deFaulted, Expired\n";
    return out.empty() ? "no LAGs\n" : out;
}

}  // namespace vethway::cli
