// SPDX-License-Identifier: Apache-2.0
// The vethway command: parses its words, asks the daemon, prints. One line on stderr, and a status
// that is not 0, where that does not work.
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "control/cli/commands.h"

namespace vethway::cli {
namespace {

int run(int argc, char** argv) {
    Session session;
    session.colour = isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
    CLI::App app("vethway: looks at and changes a running vethwayd", "vethway");
    app.fallthrough();  // --json and --socket may stand anywhere
    app.require_subcommand(1);
    app.set_version_flag("--version", "vethway " VETHWAY_VERSION);
    app.add_option("--socket", session.socket, "Where vethwayd listens")
        ->envname("VETHWAY_SOCKET")
        ->capture_default_str();
    app.add_flag("--json", session.json, "Print JSON");
    add_show_commands(app, session);
    add_change_commands(app, session);
    add_bridge_commands(app, session);
    add_trace_command(app, session);
    add_ping_command(app, session);
    add_arping_command(app, session);
    add_traceroute_commands(app, session);
    add_top_command(app, session);
    add_capture_command(app, session);
    add_doctor_command(app, session);
    add_lab_command(app, session);
    add_completion_commands(app, session);
    try {
        app.parse(argc, argv);
        return session.action();
    } catch (const CLI::ParseError& e) {
        if (e.get_exit_code() == 0) return app.exit(e);
        std::cerr << "vethway: " << told(app, e) << '\n';
    } catch (const ClientError& e) {
        for (const std::string& line : e.lines) std::cerr << "vethway: " << line << '\n';
    } catch (const std::exception& e) {
        std::cerr << "vethway: " << e.what() << '\n';
    }
    return 2;
}

}  // namespace
}  // namespace vethway::cli

int main(int argc, char** argv) { return vethway::cli::run(argc, argv); }
