// SPDX-License-Identifier: Apache-2.0
#include "control/cli/client.h"

#include <fmt/format.h>
#include <httplib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

namespace vethway::cli {

namespace {

// httplib says no more than "Connection": ask the kernel itself why.
std::string why_unreachable(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return "the path is too long";
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int rc = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const int error = rc == 0 ? 0 : errno;
    close(fd);
    return error == 0 ? "it does not answer" : std::strerror(error);
}

[[noreturn]] void refuse(int status, const std::string& body) {
    const Json json = Json::parse(body, nullptr, false);
    if (!json.is_object() || !json.contains("error"))
        throw ClientError({fmt::format("vethwayd answered with status {}", status)});
    if (json.contains("errors")) throw ClientError(json["errors"].get<std::vector<std::string>>());
    throw ClientError({json["error"].get<std::string>()});
}

constexpr time_t kPatienceS = 2'000'000;  // with a quiet network: httplib counts in ms, in an int

}  // namespace

void Client::tell_unreachable() const {
    throw Unreachable(
        {fmt::format("cannot reach vethwayd at {}: {}; is it running? (--socket PATH)", socket_,
                     why_unreachable(socket_))});
}

Json Client::request(const std::string& method, const std::string& path, const std::string& body,
                     const std::string& file_name, int patience_s) const {
    httplib::Client http(socket_);
    http.set_address_family(AF_UNIX);
    http.set_read_timeout(patience_s);
    httplib::Request request;
    request.method = method;
    request.path = "/v1" + path;
    request.body = body;
    request.headers = {{"Host", "localhost"}, {"Content-Type", "application/json"}};
    if (!file_name.empty()) request.headers.emplace("X-File-Name", file_name);
    const httplib::Result result = http.send(request);
    if (!result) tell_unreachable();
    if (result->status >= 400) refuse(result->status, result->body);
    return Json::parse(result->body);
}

Json Client::get(const std::string& path) const { return request("GET", path, "", "", 15); }

Json Client::send(const std::string& method, const std::string& path, const Json& body,
                  int patience_s) const {
    return request(method, path, body.dump(), "", patience_s);
}

Json Client::send_file(const std::string& path, const std::string& text,
                       const std::string& name) const {
    return request("PUT", path, text, name, 30);
}

bool Client::stream(const std::string& path, const Parameters& parameters, const Stream& to) const {
    httplib::Client http(socket_);
    http.set_address_family(AF_UNIX);
    http.set_read_timeout(kPatienceS);
    int status = 0;
    std::string refusal;
    const httplib::Result result = http.Get(
        httplib::append_query_params("/v1" + path, parameters), {{"Host", "localhost"}},
        [&](const httplib::Response& response) {
            status = response.status;
            return status >= 400 || to.on_begin(http.socket());
        },
        [&](const char* data, size_t size) {
            if (status < 400) return to.on_data(data, size);
            refusal.append(data, size);
            return true;
        });
    if (status == 0) tell_unreachable();
    if (status >= 400) refuse(status, refusal);
    return static_cast<bool>(result);
}

}  // namespace vethway::cli
