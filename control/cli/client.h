// SPDX-License-Identifier: Apache-2.0
// Speaks to vethwayd's API on its unix socket.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace vethway::cli {

using Json = nlohmann::ordered_json;

// What went wrong, a line each, for stderr.
struct ClientError : std::runtime_error {
    explicit ClientError(std::vector<std::string> all)
        : std::runtime_error(all.front()), lines(std::move(all)) {}
    std::vector<std::string> lines;
};

// Nobody listens.
struct Unreachable : ClientError {
    using ClientError::ClientError;
};

class Client {
public:
    explicit Client(std::string socket) : socket_(std::move(socket)) {}

    // `path` without the version. Throw Unreachable, or ClientError: refused.
    Json get(const std::string& path) const;
    Json send(const std::string& method, const std::string& path, const Json& body,
              int patience_s = 15) const;
    Json send_file(const std::string& path, const std::string& text, const std::string& name) const;

    // An answer that goes on: `on_begin` with the connection's descriptor once it is no refusal,
    // `on_data` as it comes, until one returns false. Whether the answer came to its end.
    struct Stream {
        std::function<bool(int fd)> on_begin;
        std::function<bool(const char* data, size_t size)> on_data;
    };
    using Parameters = std::multimap<std::string, std::string>;
    bool stream(const std::string& path, const Parameters& parameters, const Stream& to) const;

private:
    [[noreturn]] void tell_unreachable() const;
    Json request(const std::string& method, const std::string& path, const std::string& body,
                 const std::string& file_name, int patience_s) const;
    std::string socket_;
};

}  // namespace vethway::cli
