// SPDX-License-Identifier: Apache-2.0
// What the parser found wrong, told with the word it is about and what could stand there.
#include "control/cli/commands.h"

namespace vethway::cli {

namespace {

// The innermost command that was given.
const CLI::App& innermost(const CLI::App& app) {
    const CLI::App* at = &app;
    while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
    return *at;
}

// "vethway show", as typed.
std::string line_of(const CLI::App& command) {
    const CLI::App* parent = command.get_parent();
    return parent == nullptr ? command.get_name() : line_of(*parent) + ' ' + command.get_name();
}

std::string commands_of(const CLI::App& app) {
    std::string names;
    const auto is_shown = [](const CLI::App* command) { return !command->get_group().empty(); };
    for (const CLI::App* command : app.get_subcommands(is_shown))
        names += (names.empty() ? "" : ", ") + command->get_name();
    return names;
}

}  // namespace

std::string told(const CLI::App& app, const CLI::ParseError& error) {
    const CLI::App& at = innermost(app);
    const std::string name = &at == &app ? "" : at.get_name() + ": ";
    const auto is = [&](CLI::ExitCodes code) {
        return error.get_exit_code() == static_cast<int>(code);
    };
    const auto extras = app.remaining(true);
    const bool lacks_command = is(CLI::ExitCodes::RequiredError) &&
                               at.get_require_subcommand_min() > 0 && at.get_subcommands().empty();
    if (lacks_command && extras.empty()) return name + "expected one of: " + commands_of(at);
    if (lacks_command && !extras.front().starts_with('-'))
        return name + "no such thing \"" + extras.front() + "\"; there are: " + commands_of(at);
    if ((lacks_command || is(CLI::ExitCodes::ExtrasError)) && !extras.empty())
        return name + "did not expect \"" + extras.front() + "\"; see " + line_of(at) + " --help";
    return name + error.what() + "; see " + line_of(at) + " --help";
}

}  // namespace vethway::cli
