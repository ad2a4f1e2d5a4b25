// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "control/cli/commands.h"
#include "control/cli/show.h"

namespace vethway::cli {

void add_lag_commands(CLI::App& show, Session& session) {
    CLI::App* command = show.add_subcommand(
        "lag", "Link aggregation: members, LACP's states and partners, like ovs-appctl lacp/show");
    auto name = std::make_shared<std::string>();
    command->add_option("NAME", *name, "Of this LAG only");
    session.free_words[command] = {.keywords = {}, .port_first = true};
    command->callback([&session, name] {
        session.action = [&session, name] {
            const std::string path = name->empty() ? "/lags" : "/lags?name=" + escaped(*name);
            return session.print(session.client().get(path),
                                 [&](const Json& a) { return show_lags(a, session.colour); });
        };
    });
}

}  // namespace vethway::cli
