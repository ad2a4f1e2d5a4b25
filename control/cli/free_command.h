// SPDX-License-Identifier: Apache-2.0
// Commands whose words are read by hand, as `ip` reads its own, and not by the parser.
#pragma once

#include "control/cli/commands.h"
#include "control/cli/words.h"

namespace vethway::cli {

// What it is for, and the grammar of its words.
struct FreeCommand {
    const char *name, *help;
    std::string usage;
    Session::FreeWords words{};
};

void add_words(CLI::App& parent, Session& session, const FreeCommand& free,
               std::function<int(const Session&, Words)> run);

// A change that is asked for with an object made of the words.
using MakeBody = Json (*)(Words&);
void add_change(CLI::App& parent, Session& session, const FreeCommand& free,
                const std::string& method, const std::string& path, MakeBody make);

// Prints what a change came to; the exit status.
int print_changes(const Session& session, const Json& answer);

void add_route_commands(CLI::App& app, Session& session);
void add_port_commands(CLI::App& app, Session& session);

}  // namespace vethway::cli
