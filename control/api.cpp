// SPDX-License-Identifier: Apache-2.0
#include "control/api.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>

#include "config/parse.h"
#include "control/doctor/report.h"
#include "control/json_body.h"

namespace vethway {

namespace {

void answer(httplib::Response& response, const Json& json) {
    response.set_content(line_of(json), "application/json");
}

void refuse(httplib::Response& response, int status, const std::string& why) {
    response.status = status;
    // A line is a line: what a user sent may be in it.
    std::string line = why;
    for (char& c : line)
        if (c == '\n') c = ' ';
    answer(response, {{"error", line}});
}

// What httplib refuses by itself, before any handler of ours.
std::string own_refusal(const httplib::Request& request, int status) {
    const std::string file = request.get_header_value("X-File-Name");
    const std::string what = file.empty() ? request.method + ' ' + request.path : file;
    if (status == 413) return what + ": larger than 16 MiB";
    if (status == 404) return what + ": no such thing";
    return what + ": refused with status " + std::to_string(status);
}

LastDrops last_drops_request(const httplib::Request& request, const Ports& ports) {
    LastDrops wanted;
    constexpr size_t kMost = 100'000;
    if (const std::string text = request.get_param_value("n"); !text.empty()) {
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), wanted.n);
        if (error != std::errc{} || end != text.data() + text.size() || wanted.n > kMost)
            throw ApiRefusal(
                400, fmt::format("n: expected a number from 0 to {}, got \"{}\"", kMost, text));
    }
    wanted.port = request.get_param_value("port");
    if (!wanted.port.empty() && !ports.knows(wanted.port))
        throw ApiRefusal(404, "there is no port \"" + wanted.port + '"');
    if (const std::string name = request.get_param_value("reason"); !name.empty())
        wanted.reason = required_reason(name);
    return wanted;
}

}  // namespace

Api::Api(EventLoop& loop, Controller& controller, HttpServer& server)
    : loop_(loop), controller_(controller), routes_(server.routes()) {
    add_views();
    add_changes();
    add_configuration();
    add_probe();
    add_doctor();
    add_trace();
    add_explain();
    add_flows();
    add_capture();
    routes_.set_error_handler([](const Request& request, httplib::Response& response) {
        if (response.body.empty())
            refuse(response, response.status, own_refusal(request, response.status));
    });
}

// What goes wrong becomes the status that says whose fault it is.
httplib::Server::Handler Api::guarded(
    std::function<void(const Request&, httplib::Response&)> work) {
    return [work = std::move(work)](const Request& request, httplib::Response& response) {
        try {
            work(request, response);
        } catch (const ApiRefusal& e) {
            refuse(response, e.status, e.what());
        } catch (const ConfigError& e) {
            refuse(response, 400, e.what());
            Json json{{"error", e.lines().front()}, {"errors", e.lines()}};
            answer(response, json);
        } catch (const std::invalid_argument& e) {
            refuse(response, 400, e.what());
        } catch (const Json::exception&) {
            refuse(response, 400, "the request is no valid JSON");
        } catch (const std::future_error&) {
            refuse(response, 409, "vethwayd is stopping");
        } catch (const std::exception& e) {
            refuse(response, 409, e.what());
        }
    };
}

void Api::on(Method method, const std::string& pattern, Handler handler) {
    auto run = guarded(
        [this, handler = std::move(handler)](const Request& request, httplib::Response& response) {
            answer(response, loop_.call([&] { return handler(controller_, request); }));
        });
    switch (method) {
        case Method::get:
            routes_.Get(pattern, run);
            break;
        case Method::post:
            routes_.Post(pattern, run);
            break;
        case Method::put:
            routes_.Put(pattern, run);
            break;
        case Method::patch:
            routes_.Patch(pattern, run);
            break;
        case Method::del:
            routes_.Delete(pattern, run);
            break;
    }
}

void Api::add_views() {
    const auto view = [this](const std::string& path, Json (*make)(Controller&)) {
        on(Method::get, path, [make](Controller& c, const Request&) { return make(c); });
    };
    view("/v1/status", status_view);
    view("/v1/ports", ports_view);
    view("/v1/knobs", knobs_view);
    view("/v1/neighbours", neighbours_view);
    view("/v1/paths", paths_view);
    on(Method::get, "/v1/lags", [](Controller& c, const Request& r) {
        const std::string name = r.get_param_value("name");
        Json found = lags_view(c, name);
        if (!name.empty() && found["lags"].empty())
            throw ApiRefusal(404, "there is no LAG \"" + name + '"');
        return found;
    });
    view("/v1/bridges", bridges_view);
    view("/v1/stp", spanning_trees_view);
    view("/v1/vlans", vlans_view);
    view("/v1/bindings", bindings_view);
    view("/v1/groups", groups_view);
    on(Method::get, "/v1/fdb", [](Controller& c, const Request& r) {
        return stations_view(
            c, {.bridge = r.get_param_value("bridge"), .port = r.get_param_value("port")});
    });
    view("/v1/counters", counters_view);
    view("/v1/lcores", lcores_view);
    on(Method::get, "/v1/routes",
       [](Controller& c, const Request& r) { return routes_view(c, r.has_param("all")); });
    on(Method::get, "/v1/drops",
       [](Controller& c, const Request& r) { return drops_view(c, r.has_param("all")); });
    on(Method::get, "/v1/drops/last", [](Controller& c, const Request& r) {
        return last_drops_view(c, last_drops_request(r, c.ports()));
    });
    on(Method::get, "/v1/routes/lookup", [](Controller& c, const Request& r) {
        const std::string text = r.get_param_value("to");
        const auto to = Ip4::parse(text);
        if (!to) throw ApiRefusal(400, "expected an IPv4 address, got \"" + text + '"');
        Json found = route_lookup_view(c, *to);
        if (found.is_null()) throw ApiRefusal(404, "no route to " + text);
        return found;
    });
}

void Api::add_changes() {
    const auto change = [this](Method method, const std::string& path,
                               Json (*make)(Controller&, const Json&)) {
        on(method, path, [make](Controller& c, const Request& r) { return make(c, body_of(r)); });
    };
    const auto of_port = [this](Method method, const std::string& path,
                                Json (*make)(Controller&, const std::string&, const Json&)) {
        on(method, "/v1/ports/([^/]+)" + path,
           [make](Controller& c, const Request& r) { return make(c, r.matches[1], body_of(r)); });
    };
    change(Method::post, "/v1/routes", add_route);
    change(Method::del, "/v1/routes", delete_route);
    change(Method::post, "/v1/neighbours", add_neighbour);
    change(Method::del, "/v1/neighbours", delete_neighbour);
    change(Method::post, "/v1/neighbours/flush", flush_neighbours);
    on(Method::post, "/v1/paths/flush", [](Controller& c, const Request&) -> Json {
        return {{"flushed", c.paths().flush()}};
    });
    change(Method::post, "/v1/fdb", add_station);
    change(Method::del, "/v1/fdb", delete_station);
    change(Method::post, "/v1/fdb/flush", flush_stations);
    change(Method::post, "/v1/bindings", add_binding);
    change(Method::del, "/v1/bindings", delete_binding);
    change(Method::post, "/v1/groups", add_to_group);
    change(Method::del, "/v1/groups", delete_from_group);
    change(Method::post, "/v1/bridges/recover", recover_member);
    change(Method::post, "/v1/bridges/migrate", migrate_member);
    change(Method::post, "/v1/ports", add_port);
    of_port(Method::post, "/addresses", add_address);
    of_port(Method::del, "/addresses", delete_address);
    of_port(Method::patch, "", set_port);
    on(Method::del, "/v1/ports/([^/]+)",
       [](Controller& c, const Request& r) { return delete_port(c, r.matches[1]); });
}

void Api::add_configuration() {
    routes_.Get("/v1/config", guarded([this](const Request& request, httplib::Response& response) {
                    const auto yaml = loop_.call([&] { return to_yaml(controller_.config()); });
                    if (request.get_param_value("format") == "json")
                        answer(response, {{"yaml", yaml}});
                    else
                        response.set_content(yaml, "text/yaml");
                }));
    on(Method::put, "/v1/config", [](Controller& c, const Request& r) {
        const std::string file = r.get_header_value("X-File-Name");
        return Json{{"changes", c.apply(parse_config(r.body, file.empty() ? "config" : file))}};
    });
    on(Method::post, "/v1/reload", [](Controller& c, const Request&) {
        return Json{{"changes", c.reload()}};
    });
}

// The control thread says what runs; the looking is done on the server's.
void Api::add_doctor() {
    routes_.Get("/v1/doctor", guarded([this](const Request& request, httplib::Response& response) {
                    const auto subject =
                        loop_.call([&] { return doctor::running_subject(controller_); });
                    const doctor::Report report = doctor::examine(subject);
                    if (request.get_param_value("format") == "text")
                        answer(response, {{"text", report.text(request.has_param("colour"))},
                                          {"exit_status", report.exit_status()}});
                    else
                        answer(response, report.json());
                }));
}

}  // namespace vethway
