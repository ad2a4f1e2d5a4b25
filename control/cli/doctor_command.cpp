// SPDX-License-Identifier: Apache-2.0
// vethway doctor: the daemon looks, from where it runs and with what it may do, and words what it
// finds; its status is 1 if something is bad.
#include <fmt/format.h>

#include <iostream>

#include "control/cli/commands.h"
#include "control/cli/show.h"

namespace vethway::cli {

namespace {

int run_doctor(const Session& session) {
    if (session.json) {
        const Json report = session.client().get("/doctor");
        std::cout << report.dump(2) << std::endl;
        return report["status"] == "bad" || !std::cout ? 1 : 0;
    }
    const Json answer =
        session.client().get(session.colour ? "/doctor?format=text&colour" : "/doctor?format=text");
    std::cout << text_of(answer["text"]) << std::flush;
    return std::cout ? answer["exit_status"].get<int>() : 1;
}

}  // namespace

void add_doctor_command(CLI::App& app, Session& session) {
    CLI::App* doctor = app.add_subcommand(
        "doctor", "What is wrong with machine, daemon and interfaces, and how to mend it");
    doctor->callback([&session] {
        session.action = [&session] {
            try {
                return run_doctor(session);
            } catch (const Unreachable& e) {
                throw Unreachable({fmt::format(
                    "{}; to look without it: vethwayd --doctor --config FILE", e.what())});
            }
        };
    });
}

}  // namespace vethway::cli
