// SPDX-License-Identifier: Apache-2.0
#include "control/cli/client.h"

#include <fmt/format.h>
#include <httplib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cctype>
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

void Client::throw_unreachable() const {
    throw Unreachable(
        {fmt::format("cannot reach vethwayd at {}: {}; is it running? (--socket PATH)", socket_,
                     why_unreachable(socket_))});
}

std::string escaped(const std::string& value) {
    std::string out;
    for (const char c : value)
        out += std::isalnum(static_cast<unsigned char>(c)) != 0
                   ? std::string(1, c)
                   : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    return out;
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
    if (!result) throw_unreachable();
    if (result->status >= 400) refuse(result->status, result->body);
    return Json::parse(result->body);
}

void Client::stream_lines(const std::string& path, const Json& body,
                          const std::function<bool(const std::string&)>& on_line) const {
    httplib::Client http(socket_);
    http.set_address_family(AF_UNIX);
    httplib::Request request;
    request.method = "POST";
    request.path = "/v1" + path;
    request.body = body.dump();
    request.headers = {{"Host", "localhost"}, {"Content-Type", "application/json"}};
    int status = 0;
    bool enough = false;
    std::string text;
    request.response_handler = [&](const httplib::Response& response) {
        status = response.status;
        return true;
    };
    request.content_receiver = [&](const char* data, size_t size, uint64_t, uint64_t) {
        text.append(data, size);
        if (status >= 400) return true;  // told when it is whole
        for (size_t end; !enough && (end = text.find('\n')) != std::string::npos;) {
            enough = !on_line(text.substr(0, end));
            text.erase(0, end + 1);
        }
        return !enough;
    };
    const httplib::Result result = http.send(request);
    if (enough) return;
    if (status >= 400) refuse(status, text);
    if (status == 0) throw_unreachable();
    if (!result) throw ClientError({"vethwayd has ended the connection"});
}

Json Client::get(const std::string& path) const {
    return request("GET", path, "", "", patience_s_);
}

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
    if (status == 0) throw_unreachable();
    if (status >= 400) refuse(status, refusal);
    return static_cast<bool>(result);
}

}  // namespace vethway::cli
