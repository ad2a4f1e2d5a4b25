// SPDX-License-Identifier: Apache-2.0
// What the API shows of packets as they pass.
#include <algorithm>
#include <charconv>

#include "control/api.h"
#include "control/http_connection.h"
#include "control/json_body.h"
#include "control/watch/capture_session.h"

namespace vethway {

namespace {

constexpr int kIdleMs = 2;  // from look to look where there is no news

std::optional<uint64_t> count_of(const httplib::Request& request, const std::string& key,
                                 uint64_t most) {
    if (!request.has_param(key)) return std::nullopt;
    const std::string text = request.get_param_value(key);
    uint64_t n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error != std::errc() || end != text.data() + text.size() || n < 1 || n > most)
        throw std::invalid_argument(key + ": expected a number from 1 to " + std::to_string(most) +
                                    ", got \"" + text + '"');
    return n;
}

void choose_points(CaptureChoice& choice, const std::string& point) {
    if (point != "rx" && point != "tx" && point != "drop" && point != "all")
        throw std::invalid_argument("point: expected rx, tx, drop or all, got \"" + point + '"');
    choice.rx = point == "rx" || point == "all";
    choice.tx = point == "tx" || point == "all";
    choice.drop = point == "drop" || point == "all";
}

void check_parameters(const httplib::Request& request) {
    constexpr std::array kKnown{"filter", "port",    "point",   "reason",
                                "count",  "seconds", "snaplen", "lines"};
    for (const auto& [key, value] : request.params)
        if (std::ranges::find(kKnown, key) == kKnown.end())
            throw std::invalid_argument("unknown parameter \"" + key + '"');
}

CaptureRequest capture_request(const httplib::Request& request) {
    check_parameters(request);
    CaptureRequest r;
    r.filter = request.get_param_value("filter");
    for (size_t i = 0; i < request.get_param_value_count("port"); ++i)
        r.ports.push_back(request.get_param_value("port", i));
    const bool of_reason = request.has_param("reason");
    if (of_reason) r.choice.reason = required_reason(request.get_param_value("reason"));
    choose_points(r.choice, request.has_param("point") ? request.get_param_value("point")
                            : of_reason                ? "drop"
                                                       : "all");
    r.count = count_of(request, "count", UINT64_MAX).value_or(UINT64_MAX);
    if (const auto seconds = count_of(request, "seconds", 10'000'000))
        r.lasts = std::chrono::seconds(*seconds);
    r.choice.snaplen =
        static_cast<uint16_t>(count_of(request, "snaplen", UINT16_MAX).value_or(r.choice.snaplen));
    r.lines = request.has_param("lines");
    return r;
}

// A turn of a capture. False: the client is gone.
bool send_captured(CaptureSession& capture, httplib::DataSink& sink) {
    HttpConnection& client = HttpConnection::current();
    client.wait_for_slow_client();
    const std::string news = capture.next();
    if (!news.empty() && !sink.write(news.data(), news.size())) return false;
    if (!client.has_ended(news.empty() ? kIdleMs : 0) && !capture.is_done()) return true;
    const std::string rest = capture.end();
    if (!rest.empty() && !sink.write(rest.data(), rest.size())) return false;
    sink.done();
    return true;
}

}  // namespace

void Api::add_capture() {
    routes_.Get("/v1/capture", guarded([this](const Request& request, httplib::Response& response) {
                    auto capture = std::make_shared<CaptureSession>(loop_, controller_,
                                                                    capture_request(request));
                    response.set_chunked_content_provider(
                        "application/x-pcapng", [capture](size_t, httplib::DataSink& sink) {
                            return send_captured(*capture, sink);
                        });
                }));
}

}  // namespace vethway
