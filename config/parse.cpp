// SPDX-License-Identifier: Apache-2.0
#include "config/parse.h"

#include <yaml-cpp/depthguard.h>

#include <fstream>
#include <sstream>

#include "config/field.h"
#include "config/names.h"
#include "config/parse_bridge.h"
#include "config/parse_knobs.h"
#include "config/parse_lag.h"
#include "config/parse_neighbour_table.h"
#include "config/parse_port.h"
#include "config/parse_route.h"
#include "config/problem.h"

namespace vethway {

namespace {

constexpr size_t kMaxText = size_t{16} << 20;

std::string joined(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) text += (text.empty() ? "" : "\n") + line;
    return text;
}

WorkersConfig parse_workers(const Field& f) {
    WorkersConfig workers;
    if (f.is_list()) {
        const std::vector<Field> cpus = f.items();
        for (const Field& cpu : cpus)
            if (const auto n = cpu.number(0, 1023)) workers.cpus.push_back(*n);
        if (cpus.empty()) f.fail("expected at least one CPU");
        return workers;
    }
    if (const auto word = f.text(); word && *word != "auto") workers.count = f.number(1, 64);
    return workers;
}

DataplaneConfig parse_dataplane(const Field& f) {
    DataplaneConfig c;
    if (!f.is_map_of(
            {"workers", "idle", "spin_us", "hugepages", "mbufs", "flight_recorder", "telemetry"}))
        return c;
    if (const auto w = f.find("workers")) c.workers = parse_workers(*w);
    if (const auto i = f.find("idle"))
        assign(c.idle, i->as<Idle>([](auto t) { return enum_named<Idle>(kIdleNames, t); },
                                   "adaptive or poll"));
    if (const auto s = f.find("spin_us")) {
        assign(c.spin_us, s->number(0, kMaxSpinUs));
        if (c.idle == Idle::poll)
            s->fail("a worker that polls never sleeps: leave one of both out");
    }
    if (const auto h = f.find("hugepages"))
        assign(c.hugepages,
               h->as<Hugepages>([](auto t) { return enum_named<Hugepages>(kHugepagesNames, t); },
                                "auto, required or off"));
    if (const auto m = f.find("mbufs"))
        if (const auto word = m->text(); word && *word != "auto")
            c.mbufs = m->number(1024, 4'194'304);
    if (const auto r = f.find("flight_recorder")) assign(c.flight_recorder, r->number(0, 65536));
    if (const auto t = f.find("telemetry")) assign(c.telemetry, t->boolean());
    return c;
}

std::optional<NeighbourConfig> parse_neighbour(const Field& f) {
    if (!f.is_map_of({"address", "mac", "port"})) return std::nullopt;
    const auto address = f.require("address"), mac = f.require("mac"), port = f.require("port");
    const auto ip = address ? address->as(Ip4::parse, "an IPv4 address") : std::nullopt;
    const auto link = mac ? mac->as(Mac::parse, kMacForm) : std::nullopt;
    const auto name = port ? port->text() : std::nullopt;
    if (!ip || !link || !name) return std::nullopt;
    return NeighbourConfig{.address = *ip, .mac = *link, .port = *name};
}

MetricsConfig parse_metrics(const Field& f) {
    MetricsConfig c;
    if (!f.is_map_of({"listen"})) return c;
    const auto listen = f.require("listen");
    const auto text = listen ? listen->text() : std::nullopt;
    if (!text) return c;
    const size_t colon = text->rfind(':');
    const auto host = Ip4::parse(text->substr(0, colon));
    const std::string digits = colon == std::string::npos ? "" : text->substr(colon + 1);
    const bool number = !digits.empty() && digits.size() <= 5 &&
                        digits.find_first_not_of("0123456789") == std::string::npos;
    const int port = number ? std::stoi(digits) : 0;
    if (!host || port < 1 || port > 65535) {
        listen->fail("expected an IPv4 address and a port like 127.0.0.1:9464, got \"" + *text +
                     '"');
        return c;
    }
    return {.host = host->to_string(), .port = static_cast<uint16_t>(port)};
}

ControlConfig parse_control(const Field& f) {
    ControlConfig c;
    if (!f.is_map_of({"socket", "mode"})) return c;
    if (const auto socket = f.find("socket")) assign(c.socket, socket->text());
    if (const auto mode = f.find("mode"))
        assign(c.mode, mode->as<uint32_t>(
                           [](std::string_view t) -> std::optional<uint32_t> {
                               if (t.empty() || t.size() > 4 ||
                                   t.find_first_not_of("01234567") != std::string_view::npos)
                                   return std::nullopt;
                               return static_cast<uint32_t>(std::stoul(std::string(t), nullptr, 8));
                           },
                           "octal permissions like \"0660\""));
    return c;
}

XconnectConfig parse_xconnect(const Field& f) {
    const std::vector<Field> ends = f.items();
    if (f.is_list() && ends.size() != 2) f.fail("expected two ports, as in [p1, p2]");
    if (ends.size() != 2) return {};
    return {ends[0].text().value_or(""), ends[1].text().value_or("")};
}

// What could be read, with a problem in `doc` for everything that could not.
Config parse_document(const Field& top, Document& doc, bool& ports_are_whole) {
    Config config;
    if (!top.is_map_of({"dataplane", "ip4", "defaults", "ports", "lags", "xconnects", "bridges",
                        "multipath", "nexthops", "routes", "neighbours", "neighbour_table",
                        "metrics", "control"}))
        return config;
    ports_are_whole = !doc.has_problems();  // an unknown key may be `ports`, misspelt
    if (const auto f = top.find("dataplane")) config.dataplane = parse_dataplane(*f);
    if (const auto f = top.find("ip4"); f && f->is_map_of(with_knobs<Ip4Knob>({})))
        config.ip4 = parse_knobs<Ip4Knob>(*f);
    if (const auto f = top.find("defaults"); f && f->is_map_of(with_knobs<PortKnob>({})))
        config.defaults = parse_knobs<PortKnob>(*f);
    if (const auto f = top.find("ports"))
        for (const Field& port : f->items()) config.ports.push_back(parse_port(port));
    if (const auto f = top.find("lags"))
        for (const Field& item : f->items()) config.lags.push_back(parse_lag(item));
    ports_are_whole =
        ports_are_whole && !doc.has_problem_within("ports") && !doc.has_problem_within("lags");
    if (const auto f = top.find("xconnects"))
        for (const Field& item : f->items()) config.xconnects.push_back(parse_xconnect(item));
    if (const auto f = top.find("bridges"))
        for (const Field& item : f->items()) config.bridges.push_back(parse_bridge(item));
    ports_are_whole = ports_are_whole && !doc.has_problem_within("bridges");
    if (const auto f = top.find("multipath")) config.multipath = parse_multipath(*f);
    if (const auto f = top.find("nexthops"))
        for (const Field& item : f->items()) config.nexthops.push_back(parse_nexthop(item));
    if (const auto f = top.find("routes"))
        for (const Field& item : f->items())
            config.routes.push_back(parse_route(item).value_or(RouteConfig{}));
    if (const auto f = top.find("neighbours"))
        for (const Field& item : f->items())
            config.neighbours.push_back(parse_neighbour(item).value_or(NeighbourConfig{}));
    if (const auto f = top.find("neighbour_table"))
        config.neighbour_table = parse_neighbour_table(*f);
    if (const auto f = top.find("metrics")) config.metrics = parse_metrics(*f);
    if (const auto f = top.find("control")) config.control = parse_control(*f);
    return config;
}

// Whether what stands at `path` was refused when it was read, and a default put in its place.
// Routes and neighbours are replaced whole; of a port, only the value: what is wrong around it
// matters only if it is not there.
bool was_refused(const Document& read, const std::string& path) {
    if (path.starts_with("ports") || path.starts_with("lags") || path.starts_with("bridges"))
        return read.has_problem_within(path) || (!read.has(path) && read.has_problem_around(path));
    const size_t bracket = path.find(']');
    return read.has_problem_within(
        path.substr(0, bracket == std::string::npos ? bracket : bracket + 1));
}

// Problems between values, each where its value stands.
void add_problems(const Config& config, bool ports_are_whole, Document& doc) {
    const Document read = doc;
    for (const Problem& p : find_problems(config))
        if (!was_refused(read, p.path) && (ports_are_whole || !p.follows_from_ports))
            doc.add(doc.where(p.path), p.path, p.why);
}

}  // namespace

ConfigError::ConfigError(std::vector<std::string> lines)
    : std::runtime_error(joined(lines)), lines_(std::move(lines)) {}

Config parse_config(std::string_view yaml, const std::string& file, PortsToCome to_come) {
    if (yaml.size() > kMaxText) throw ConfigError({file + ": larger than 16 MiB"});
    Document doc(file);
    Config config;
    try {
        const YAML::Node root = YAML::Load(std::string(yaml));
        bool ports_are_whole = true;
        if (root.IsDefined() && !root.IsNull())
            config = parse_document(Field(doc, root, ""), doc, ports_are_whole);
        const bool all_there = to_come == PortsToCome::no && !has_patterns(config);
        add_problems(config, ports_are_whole && all_there, doc);
    } catch (const YAML::DeepRecursion& e) {
        doc.add(e.mark, "", "nested too deeply");
    } catch (const YAML::Exception& e) {
        doc.add(e.mark, "", e.msg);
    }
    if (doc.has_problems()) throw ConfigError(doc.lines());
    return config;
}

Config load_config(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    if (!in || !(text << in.rdbuf())) {
        if (in.is_open() && in.peek() == std::ifstream::traits_type::eof() && !in.bad())
            return parse_config("", file);  // an empty file makes operator<< fail
        throw ConfigError({file + ": can't read it: " + std::generic_category().message(errno)});
    }
    return parse_config(text.str(), file);
}

Prefix4 parse_route_prefix(std::string_view text) {
    if (text == "default") return {Ip4{}, 0};
    const auto prefix = Prefix4::parse(text);
    if (!prefix)
        throw std::invalid_argument("expected a prefix like 10.8.0.0/16 or \"default\", got \"" +
                                    std::string(text) + '"');
    if (*prefix != prefix->network())
        throw std::invalid_argument(prefix->to_string() + " has host bits set: did you mean " +
                                    prefix->network().to_string() + '?');
    return *prefix;
}

Prefix4 parse_interface_address(std::string_view text) {
    const auto a = Prefix4::parse(text);
    if (!a || text.find('/') == std::string_view::npos || a->length == 0)
        throw std::invalid_argument(
            "expected an address with its prefix length like 10.1.0.1/24, got \"" +
            std::string(text) + '"');
    const Ip4 ip = a->address;
    if (ip.is_this_network() || ip.is_loopback() || ip.is_multicast() || ip.is_reserved())
        throw std::invalid_argument(ip.to_string() + " can't be a port's address");
    if (a->length < 31 && (ip == a->network().address || ip == *a->broadcast()))
        throw std::invalid_argument(a->to_string() +
                                    " is the network or broadcast address of its subnet");
    return *a;
}

}  // namespace vethway
