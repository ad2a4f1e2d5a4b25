// SPDX-License-Identifier: Apache-2.0
// The commands there are, each added to the parser with what it does.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "control/cli/client.h"

namespace vethway::cli {

// What the command line says, once it is parsed.
struct Session {
    std::string socket = "/run/vethway/vethway.sock";
    bool json = false;
    bool colour = false;
    std::function<int()> action;  // of the command that was given; returns the exit status
    // What a command of free words knows, by its parser: for completion.
    struct FreeWords {
        std::vector<std::string> keywords;
        bool port_first = false;  // the first word is a port's name
    };
    std::map<const CLI::App*, FreeWords> free_words;

    Client client() const { return Client(socket); }
    // Prints the answer, or `text` made of it, and returns the status 0.
    int print(const Json& answer, const std::function<std::string(const Json&)>& text) const;
};

void add_show_commands(CLI::App& app, Session& session);       // status, show, explain
void add_counters_commands(CLI::App& show, Session& session);  // counters and drops of show
void add_lag_commands(CLI::App& show, Session& session);       // lag of show
void add_explain_command(CLI::App& app, Session& session);
void add_change_commands(CLI::App& app,
                         Session& session);  // route, neighbour, address, port, apply, reload
void add_bridge_commands(CLI::App& app, Session& session);  // fdb, bridge
void add_doctor_command(CLI::App& app, Session& session);
void add_trace_command(CLI::App& app, Session& session);
void add_what_if(CLI::App& explain, Session& session);  // the options of explain
void add_ping_command(CLI::App& app, Session& session);
void add_arping_command(CLI::App& app, Session& session);
void add_traceroute_commands(CLI::App& app, Session& session);  // traceroute, mtr
void add_top_command(CLI::App& app, Session& session);
void add_capture_command(CLI::App& app, Session& session);
void add_lab_command(CLI::App& app, Session& session);
void add_completion_commands(CLI::App& app, Session& session);

// Those of `all` that `word` may have been meant to be.
std::vector<std::string> near_words(const std::string& word, const std::vector<std::string>& all);

// A line that says what was wrong with the command line.
std::string told(const CLI::App& app, const CLI::ParseError& error);

// What could stand in place of the last of `words`, a command line without its program.
std::vector<std::string> completions(const CLI::App& app, const Session& session,
                                     const std::vector<std::string>& words);

}  // namespace vethway::cli
