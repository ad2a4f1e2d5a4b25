// SPDX-License-Identifier: Apache-2.0
// vethway lab: its status is 1 if something that a lab claims does not hold.
#include <fmt/format.h>
#include <csignal>

#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>

#include "control/cli/commands.h"
#include "control/cli/lab/lab.h"
#include "control/cli/lab/run_lab.h"
#include "control/cli/table.h"

namespace vethway::cli {

namespace {

// A lab that comes with vethway, or a file.
std::string lab_text(const std::string& name) {
    std::vector<std::string> names;
    for (const LabText& lab : built_in_labs()) {
        if (lab.name == name) return std::string(lab.text);
        names.emplace_back(lab.name);
    }
    if (name.find('/') == std::string::npos) {
        const std::vector<std::string> near = near_words(name, names);
        throw ClientError({fmt::format(
            "lab: there is no lab {}{}; `vethway lab` lists them, ./FILE.yaml reads one of yours",
            name, near.empty() ? "" : " (did you mean " + near.front() + "?)")});
    }
    std::ifstream file(name);
    if (!file) throw ClientError({"lab: cannot read " + name});
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

int list_labs(const Session& session) {
    Json labs = Json::array();
    Table table({"LAB", "WHAT IT SHOWS"});
    for (const LabText& built_in : built_in_labs()) {
        const Lab lab = parse_lab(std::string(built_in.text));
        labs.push_back({{"name", lab.name}, {"title", lab.title}});
        table.add({lab.name, lab.title});
    }
    return session.print({{"labs", labs}}, [&](const Json&) { return table.text(); });
}

volatile std::sig_atomic_t enough = 0;

// What is made must be unmade, also when somebody has seen enough.
void end_on_signals() {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) std::signal(signal, [](int) { enough = 1; });
}

int lab(const Session& session, const std::string& name) {
    if (name.empty()) return list_labs(session);
    const Lab lab = parse_lab(lab_text(name));
    end_on_signals();
    const Json result =
        run_lab(lab, {.print = !session.json, .colour = session.colour, .interrupted = [] {
                          return enough != 0;
                      }});
    if (session.json) std::cout << result.dump(2) << std::endl;
    return result["holds"].get<bool>() && std::cout ? 0 : 1;
}

}  // namespace

void add_lab_command(CLI::App& app, Session& session) {
    CLI::App* command = app.add_subcommand(
        "lab",
        "Small networks that show what becomes of packets, step by step; without a name: a list");
    auto name = std::make_shared<std::string>();
    command->add_option("NAME", *name, "Which one; or a file of your own, by its path");
    command->callback(
        [&session, name] { session.action = [&session, name] { return lab(session, *name); }; });
}

}  // namespace vethway::cli
