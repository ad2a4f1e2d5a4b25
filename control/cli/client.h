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

// As a value in a path's query.
std::string escaped(const std::string& value);

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
    // The same, whose get() waits no longer for an answer.
    Client patient_for(int seconds) const {
        Client other(*this);
        other.patience_s_ = seconds;
        return other;
    }

    // `path` without the version. Throw Unreachable, or ClientError: refused.
    Json get(const std::string& path) const;
    Json send(const std::string& method, const std::string& path, const Json& body,
              int patience_s = 15) const;
    // Posts `body`, and gives each line of the answer, as it comes, to `on_line` until it says
    // false.
    void stream_lines(const std::string& path, const Json& body,
                      const std::function<bool(const std::string&)>& on_line) const;
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
    Json request(const std::string& method, const std::string& path, const std::string& body,
                 const std::string& file_name, int patience_s) const;
    [[noreturn]] void throw_unreachable() const;
    std::string socket_;
    int patience_s_ = 15;
};

}  // namespace vethway::cli
