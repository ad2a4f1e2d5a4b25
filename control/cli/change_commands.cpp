// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "control/cli/free_command.h"

namespace vethway::cli {

namespace {

// --- neighbour, address --------------------------------------------------------------------------
// "[port NAME]", and nothing behind it.
void read_port(Words& words, Json& body) {
    if (words.accept("port")) body["port"] = words.value("port");
    if (!words.empty()) words.expected("port NAME or nothing");
}

Json new_neighbour(Words& words) {
    Json body{{"address", words.next("an address")}};
    words.accept("lladdr");  // as `ip neigh` calls it
    body["mac"] = words.next("a MAC");
    read_port(words, body);
    return body;
}

Json old_neighbour(Words& words) {
    Json body{{"address", words.next("an address")}};
    read_port(words, body);
    return body;
}

Json flush(Words& words) {
    Json body = Json::object();
    read_port(words, body);
    return body;
}

void add_neighbour_commands(CLI::App& app, Session& session) {
    CLI::App* neighbour = app.add_subcommand("neighbour", "Add, delete, flush neighbours");
    neighbour->alias("neighbor")->require_subcommand(1);
    add_change(*neighbour, session,
               {"add", "Add a permanent neighbour", "ADDRESS MAC [port NAME]", {{"port"}}}, "POST",
               "/neighbours", new_neighbour);
    add_change(*neighbour, session,
               {"del", "Delete a neighbour", "ADDRESS [port NAME]", {{"port"}}}, "DELETE",
               "/neighbours", old_neighbour);
    add_change(*neighbour, session,
               {"flush", "Forget all that were learned", "[port NAME]", {{"port"}}}, "POST",
               "/neighbours/flush", flush);
}

void add_path_commands(CLI::App& app, Session& session) {
    CLI::App* path = app.add_subcommand("path", "Forget what routers told");
    path->require_subcommand(1);
    add_change(*path, session, {"flush", "Forget all that were learned", "", {}}, "POST",
               "/paths/flush", [](Words& words) {
                   if (!words.empty()) words.expected("nothing more");
                   return Json::object();
               });
}

void add_address_commands(CLI::App& app, Session& session) {
    CLI::App* address = app.add_subcommand("address", "Add, delete addresses of ports");
    address->require_subcommand(1);
    const auto add = [&](const char* name, const char* help, const std::string& method) {
        add_words(*address, session, {name, help, "ADDRESS/LENGTH port NAME", {{"port"}}},
                  [method](const Session& s, Words words) {
                      const Json body{{"address", words.next("an address like 10.1.0.1/24")}};
                      if (!words.accept("port")) words.expected("port NAME");
                      const std::string port = words.value("port");
                      if (!words.empty()) words.expected("nothing more");
                      const std::string path = "/ports/" + port + "/addresses";
                      return print_changes(s, s.client().send(method, path, body));
                  });
    };
    add("add", "Give a port another address", "POST");
    add("del", "Take an address off a port", "DELETE");
}

// --- the whole configuration ---------------------------------------------------------------------
struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
};

// All of it, or ClientError. Not a stream: those take a read that fails, as of a directory, for the
// end, and an empty text is a configuration.
std::string read_all(const std::string& file) {
    const std::unique_ptr<std::FILE, CloseFile> in(file == "-" ? stdin
                                                               : std::fopen(file.c_str(), "rb"));
    std::string text;
    std::array<char, 1 << 16> part{};
    size_t n = 0;
    while (in && (n = std::fread(part.data(), 1, part.size(), in.get())) > 0)
        text.append(part.data(), n);
    if (!in || std::ferror(in.get()) != 0) throw ClientError({file + ": " + std::strerror(errno)});
    return text;
}

void add_whole_commands(CLI::App& app, Session& session) {
    CLI::App* apply =
        app.add_subcommand("apply", "Make a file the running configuration, wholly or not at all");
    auto file = std::make_shared<std::string>();
    apply->add_option("FILE", *file, "YAML; - reads standard input")->required();
    apply->callback([&session, file] {
        session.action = [&session, file] {
            return print_changes(session,
                                 session.client().send_file("/config", read_all(*file), *file));
        };
    });
    CLI::App* reload =
        app.add_subcommand("reload", "Read vethwayd's own file again, as SIGHUP does");
    reload->callback([&session] {
        session.action = [&session] {
            return print_changes(session,
                                 session.client().send("POST", "/reload", Json::object(), 30));
        };
    });
}

}  // namespace

void add_change_commands(CLI::App& app, Session& session) {
    add_route_commands(app, session);
    add_neighbour_commands(app, session);
    add_address_commands(app, session);
    add_path_commands(app, session);
    add_port_commands(app, session);
    add_whole_commands(app, session);
}

}  // namespace vethway::cli
