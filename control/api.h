// SPDX-License-Identifier: Apache-2.0
// The HTTP/JSON API: each request is read on a thread of the server, carried out on the control
// thread, and answered with JSON, or with a status of 400 and above and {"error": "one line"}.
#pragma once

#include <functional>
#include <stdexcept>

#include "control/controller.h"
#include "control/event_loop.h"
#include "control/http_server.h"
#include "control/json_views.h"

namespace vethway {

// An answer that is a refusal.
struct ApiRefusal : std::runtime_error {
    ApiRefusal(int http_status, const std::string& why)
        : std::runtime_error(why), status(http_status) {}
    int status;
};

class Api {
public:
    // The references outlive the server, which is started after this.
    Api(EventLoop& loop, Controller& controller, HttpServer& server);

private:
    using Request = httplib::Request;
    // On the control thread.
    using Handler = std::function<Json(Controller&, const Request&)>;
    enum class Method : uint8_t { get, post, put, patch, del };

    void on(Method method, const std::string& pattern, Handler handler);
    void add_views();
    void add_changes();
    void add_configuration();
    void add_probe();
    void add_doctor();
    void add_trace();
    void add_explain();
    void add_flows();
    void add_capture();
    httplib::Server::Handler guarded(std::function<void(const Request&, httplib::Response&)> work);

    EventLoop& loop_;
    Controller& controller_;
    httplib::Server& routes_;
};

// The changes that the API can make, as edits of the running configuration. Each throws ApiRefusal,
// std::invalid_argument or what apply() throws.
Json add_route(Controller& controller, const Json& body);
Json delete_route(Controller& controller, const Json& body);
Json add_neighbour(Controller& controller, const Json& body);
Json delete_neighbour(Controller& controller, const Json& body);
Json flush_neighbours(Controller& controller, const Json& body);
Json add_station(Controller& controller, const Json& body);
Json delete_station(Controller& controller, const Json& body);
Json flush_stations(Controller& controller, const Json& body);
Json add_binding(Controller& controller, const Json& body);
Json delete_binding(Controller& controller, const Json& body);
Json add_to_group(Controller& controller, const Json& body);
Json delete_from_group(Controller& controller, const Json& body);
Json recover_member(Controller& controller, const Json& body);
Json migrate_member(Controller& controller, const Json& body);
Json add_address(Controller& controller, const std::string& port, const Json& body);
Json delete_address(Controller& controller, const std::string& port, const Json& body);
Json add_port(Controller& controller, const Json& body);
Json delete_port(Controller& controller, const std::string& port);
Json set_port(Controller& controller, const std::string& port, const Json& body);

}  // namespace vethway
