// SPDX-License-Identifier: Apache-2.0
#include <sstream>

#include "control/cli/free_command.h"
#include "dataplane/net/knobs.h"

namespace vethway::cli {

namespace {

// null: the port has none of its own any more.
Json knob_value(Words& words, const KnobInfo& knob) {
    std::string value = words.value(knob.name);
    if (value == "default") return nullptr;
    if (knob.values.kind != KnobValues::Kind::boolean) return value;
    if (value != "on" && value != "off")
        throw ClientError(
            {std::string(knob.name) + ": expected on, off or default, got \"" + value + '"'});
    return value == "on";
}

std::string knob_names() {
    std::string names;
    for (const KnobInfo& knob : kPortKnobs)
        names += (names.empty() ? "" : ", ") + std::string(knob.name);
    return names;
}

// What can be set of a port that is there, and what is said when it is made.
bool read_setting(Words& words, Json& port) {
    for (const char* admin : {"up", "down"})
        if (words.accept(admin)) {
            port["admin"] = admin;
            return true;
        }
    if (words.accept("mtu")) {
        port["mtu"] = words.number("mtu");
        return true;
    }
    if (words.accept("mac")) {
        port["mac"] = words.value("mac");
        return true;
    }
    for (const KnobInfo& knob : kPortKnobs)
        if (words.accept(knob.name)) {
            port[knob.name] = knob_value(words, knob);
            return true;
        }
    return false;
}

// "socket=/run/m0.sock,role=server" as an object of text and numbers.
Json options_of(const std::string& text) {
    Json out = Json::object();
    std::istringstream all(text);
    for (std::string one; std::getline(all, one, ',');) {
        const size_t equals = one.find('=');
        const std::string value = equals == std::string::npos ? "" : one.substr(equals + 1);
        const Json parsed = Json::parse(value, nullptr, false);  // numbers, true, false
        out[one.substr(0, equals)] =
            parsed.is_primitive() && !parsed.is_discarded() ? parsed : Json(value);
    }
    return out;
}

bool read_driver(Words& words, Json& port) {
    for (const char* driver : {"veth", "af_packet", "af_xdp", "tap", "devargs"})
        if (words.accept(driver)) {
            port[driver] = words.value(driver);
            return true;
        }
    for (const char* driver : {"memif", "pcap"})
        if (words.accept(driver)) {
            port[driver] = options_of(words.value(driver));
            return true;
        }
    if (words.accept("vlan")) {  // of another port
        port["vlan"] = words.number("vlan");
        return true;
    }
    for (const char* key : {"parent", "tag"})
        if (words.accept(key)) {
            port[key] = words.value(key);
            return true;
        }
    for (const char* driver : {"null", "ring"})
        if (words.accept(driver)) {
            port[driver] = Json::object();
            return true;
        }
    return false;
}

Json new_port(Words& words) {
    Json port{{"name", words.next("a name for the port")}};
    while (!words.empty()) {
        if (words.accept("address"))
            port["addresses"].push_back(words.value("address"));
        else if (!read_driver(words, port) && !read_setting(words, port))
            words.expected(
                "a driver (veth NAME, memif socket=PATH,role=ROLE, …), address, mac, mtu, up, "
                "down, or one of: " +
                knob_names());
    }
    return port;
}

int set_port(const Session& session, Words words) {
    const std::string name = words.next("a port");
    Json body = Json::object();
    do {
        if (!read_setting(words, body))
            words.expected("up, down, mtu BYTES, mac MAC, or a value of: " + knob_names());
    } while (!words.empty());
    return print_changes(session, session.client().send("PATCH", "/ports/" + name, body));
}

int delete_port(const Session& session, Words words) {
    const std::string name = words.next("a port");
    if (!words.empty()) words.expected("nothing more");
    return print_changes(session,
                         session.client().send("DELETE", "/ports/" + name, Json::object()));
}

}  // namespace

void add_port_commands(CLI::App& app, Session& session) {
    CLI::App* port = app.add_subcommand("port", "Add, delete, set ports")->require_subcommand(1);
    std::vector<std::string> settings{"up", "down", "mtu", "mac"};
    for (const KnobInfo& knob : kPortKnobs) settings.emplace_back(knob.name);
    std::vector<std::string> all{"veth", "af_packet", "af_xdp", "tap",    "memif", "null",   "ring",
                                 "pcap", "devargs",   "vlan",   "parent", "tag",   "address"};
    all.insert(all.end(), settings.begin(), settings.end());
    add_change(*port, session,
               {"add",
                "Add a port",
                "NAME {veth IF | af_packet IF | af_xdp IF | tap IF | memif socket=PATH,role=ROLE | "
                "null | ring | pcap rx=FILE,tx=FILE | devargs TEXT | "
                "vlan NUMBER parent PORT [tag 802.1ad]} [address ADDRESS/LENGTH]… "
                "[mac MAC] [mtu BYTES] [down]",
                {all}},
               "POST", "/ports", new_port);
    add_words(*port, session, {"del", "Delete a port", "NAME", {.port_first = true}}, delete_port);
    add_words(*port, session,
              {"set",
               "Change a port",
               "NAME {up | down | mtu BYTES | mac MAC | KNOB VALUE}…; knobs: " + knob_names() +
                   "; default as a value: as of ports that say nothing. vethway show knobs says "
                   "what each does",
               {.keywords = settings, .port_first = true}},
              set_port);
}

}  // namespace vethway::cli
