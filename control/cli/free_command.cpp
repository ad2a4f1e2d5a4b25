// SPDX-License-Identifier: Apache-2.0
#include "control/cli/free_command.h"

#include <memory>

#include "control/cli/show.h"

namespace vethway::cli {

void add_words(CLI::App& parent, Session& session, const FreeCommand& free,
               std::function<int(const Session&, Words)> run) {
    CLI::App* command = parent.add_subcommand(free.name, free.help);
    auto words = std::make_shared<std::vector<std::string>>();
    command->add_option("WORDS", *words, free.usage)->option_text(" ");
    session.free_words[command] = free.words;
    const std::string full = parent.get_name() + ' ' + free.name;
    command->callback([&session, words, full, run = std::move(run)] {
        session.action = [&session, words, full, run] { return run(session, Words(full, *words)); };
    });
}

void add_change(CLI::App& parent, Session& session, const FreeCommand& free,
                const std::string& method, const std::string& path, MakeBody make) {
    add_words(parent, session, free, [method, path, make](const Session& s, Words words) {
        return print_changes(s, s.client().send(method, path, make(words)));
    });
}

int print_changes(const Session& session, const Json& answer) {
    return session.print(answer, show_changes);
}

}  // namespace vethway::cli
