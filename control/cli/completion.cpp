// SPDX-License-Identifier: Apache-2.0
// Completion in the shell: a short script asks this very program what could follow, so that it
// can't know other words than the parser does, and knows the ports of the daemon that runs.
#include <iostream>
#include <memory>
#include <set>
#include <utility>

#include "control/cli/commands.h"

namespace vethway::cli {

namespace {

const std::map<std::string, std::string> kScripts{
    {"bash", R"(_vethway() {
    local IFS=$'\n'
    COMPREPLY=($(vethway complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _vethway vethway
)"},
    {"zsh", R"(#compdef vethway
_vethway() {
    local -a found
    found=("${(@f)$(vethway complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    compadd -a found
}
compdef _vethway vethway
)"},
    {"fish",
     R"(complete -c vethway -f -a '(vethway complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
)"}};

std::vector<std::string> port_names(const std::string& socket) {
    std::vector<std::string> names;
    try {
        const Json answer = Client(socket).get("/ports");
        for (const Json& port : answer["ports"])
            if (port["name"] != "lo") names.push_back(port["name"].get<std::string>());
    } catch (const std::exception&) {
        // no daemon, no names
    }
    return names;
}

// What may follow a command: those below it, its own words, options.
std::vector<std::string> followers(const CLI::App& at, const Session& session) {
    std::vector<std::string> out;
    const auto is_shown = [](const CLI::App* command) { return !command->get_group().empty(); };
    for (const CLI::App* command : at.get_subcommands(is_shown)) out.push_back(command->get_name());
    if (const auto own = session.free_words.find(&at); own != session.free_words.end())
        out.insert(out.end(), own->second.keywords.begin(), own->second.keywords.end());
    const auto is_long = [](const CLI::Option* option) { return !option->get_lnames().empty(); };
    std::set<std::string> options;
    for (const CLI::App* app = &at; app != nullptr; app = app->get_parent())
        for (const CLI::Option* option : app->get_options(is_long))
            options.insert("--" + option->get_lnames().front());
    out.insert(out.end(), options.begin(), options.end());
    return out;
}

// Where a command line has got to, before its last word.
struct Position {
    const CLI::App* command;
    std::string before, socket;
};
Position find_position(const CLI::App& app, const Session& session,
                       const std::vector<std::string>& words) {
    Position at{&app, "", session.socket};
    const auto any = [](const CLI::App*) { return true; };
    for (size_t i = 0; i + 1 < words.size(); ++i) {
        const std::string before = std::exchange(at.before, words[i]);
        if (before == "--socket") {
            at.socket = words[i];
            continue;
        }
        for (const CLI::App* command : at.command->get_subcommands(any))
            if (command->check_name(words[i])) {
                at.command = command;
                break;
            }
    }
    return at;
}

// `ping -I` takes an address, too, which nobody can guess.
bool takes_port(const CLI::App& command, const std::string& option) {
    if (!option.starts_with('-')) return false;
    const CLI::Option* found = command.get_option_no_throw(option);
    return found != nullptr && (found->check_lname("port") || found->check_lname("from"));
}

bool wants_port(const Position& at, const Session& session) {
    if (takes_port(*at.command, at.before)) return true;
    const auto own = session.free_words.find(at.command);
    if (own == session.free_words.end()) return false;
    return at.before == "port" || (own->second.port_first && at.before == at.command->get_name());
}

}  // namespace

std::vector<std::string> completions(const CLI::App& app, const Session& session,
                                     const std::vector<std::string>& words) {
    if (words.empty()) return {};
    const Position at = find_position(app, session, words);
    std::vector<std::string> found =
        wants_port(at, session) ? port_names(at.socket) : followers(*at.command, session);
    std::erase_if(found, [&](const std::string& word) { return !word.starts_with(words.back()); });
    return found;
}

void add_completion_commands(CLI::App& app, Session& session) {
    CLI::App* completion = app.add_subcommand(
        "completion", "Print a script for the shell: . <(vethway completion bash)");
    auto shell = std::make_shared<std::string>();
    completion->add_option("SHELL", *shell, "bash, zsh or fish")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}));
    completion->callback([&session, shell] {
        session.action = [shell] {
            std::cout << kScripts.at(*shell);
            return 0;
        };
    });
    CLI::App* complete =
        app.add_subcommand("complete", "What the scripts of completion ask")->group("");
    // Behind "--" a word is a word, even one that names a command or an option.
    auto words = std::make_shared<std::vector<std::string>>();
    complete->add_option("WORDS", *words);
    complete->callback([&app, &session, words] {
        session.action = [&app, &session, words] {
            for (const std::string& word : completions(app, session, *words))
                std::cout << word << '\n';
            return 0;
        };
    });
}

}  // namespace vethway::cli
