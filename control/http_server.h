// SPDX-License-Identifier: Apache-2.0
// A listener on a unix socket or on TCP, with a few threads of its own; what they do for a request
// is up to the routes. A client that connects and says nothing, or stops reading, holds one thread
// for a bounded time and nobody else; a route may be more patient (HttpConnection).
#pragma once

#include <httplib.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

#include "control/http_connection.h"

namespace vethway {

class HttpServer {
public:
    // Bound when they return: clients may connect, and wait for start(). Throw std::runtime_error,
    // with `what` (the key of the configuration) and the reason. A socket file that nobody listens
    // on is replaced; `mode` is in force before anyone can connect.
    struct Unix {
        std::string path;
        uint32_t mode;
    };
    struct Tcp {
        std::string host;
        uint16_t port;
    };
    HttpServer(const std::string& what, const Unix& at);
    HttpServer(const std::string& what, const Tcp& at);
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    httplib::Server& routes() { return server_; }  // before start()
    void start();
    void stop();  // ends requests under way; done in some 50 ms

private:
    void limit();
    void end_connections() const;

    ConnectionServer server_;
    std::string unix_path_;  // empty: TCP
    uint16_t tcp_port_ = 0;
    std::thread thread_;
    std::atomic<bool> ended_{false};
};

}  // namespace vethway
