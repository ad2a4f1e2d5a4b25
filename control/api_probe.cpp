// SPDX-License-Identifier: Apache-2.0
// Probes of the switch itself, for a client that hears of each as it happens: lines of JSON.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "control/api.h"
#include "control/http_connection.h"
#include "control/json_body.h"
#include "control/probe/probing.h"

namespace vethway {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kProbeLook{10};   // for news, where there was none
constexpr milliseconds kProbeBeat{100};  // an empty line, so that a client can look up

// One of `names`, by its place among them.
template <class Enum>
Enum choice_of(const Json& body, const char* key, std::initializer_list<const char*> names) {
    const std::string given = text_of(body, key).value_or(*names.begin());
    const auto found = std::ranges::find(names, given);
    if (found == names.end()) {
        std::string list;
        for (const char* name : names) list += (list.empty() ? "" : ", ") + std::string(name);
        throw ApiRefusal(400, fmt::format("{}: expected one of {}, got \"{}\"", key, list, given));
    }
    return static_cast<Enum>(found - names.begin());
}

milliseconds ms_of(const Json& body, const char* key, uint32_t least, milliseconds otherwise) {
    constexpr uint32_t kDay = 86'400'000;
    const auto given = number_of(body, key, least, kDay);
    return given ? milliseconds(*given) : otherwise;
}

ProbeSeries series_of_body(const Json& body) {
    ProbeSeries series;
    series.kind = choice_of<ProbeKind>(body, "kind", {"echo", "udp", "arp"});
    series.to = required_address(body, "to");
    series.from = address_of(body, "from").value_or(Ip4{});
    series.port = text_of(body, "port").value_or("");
    series.size = static_cast<uint16_t>(number_of(body, "size", 0, 65507).value_or(series.size));
    series.tos = static_cast<uint8_t>(number_of(body, "tos", 0, 255).value_or(0));
    series.path_mtu = choice_of<PathMtu>(body, "path_mtu", {"dont", "want", "do"});
    return series;
}

PingOptions ping_options(const Json& body) {
    PingOptions o;
    o.count = number_of(body, "count", 1, UINT32_MAX).value_or(0);
    o.interval = ms_of(body, "interval_ms", 1, o.interval);
    o.wait = ms_of(body, "wait_ms", 0, o.wait);
    if (number_of(body, "deadline_ms", 1, UINT32_MAX))
        o.deadline = ms_of(body, "deadline_ms", 1, {});
    o.ttl = static_cast<uint8_t>(number_of(body, "ttl", 1, 255).value_or(o.ttl));
    return o;
}

void check_probe_keys(const Json& body) {
    check_keys(body, {"kind", "to", "from", "port", "size", "tos", "path_mtu", "count",
                      "interval_ms", "wait_ms", "deadline_ms", "ttl"});
}

Json json_of_news(const ProbeNews& news) {
    using What = ProbeNews::What;
    static constexpr const char* kEvents[] = {"sent", "reply", "error", "not_sent", "lost", "end"};
    Json json{{"event", kEvents[static_cast<size_t>(news.what)]},
              {"sequence", news.sequence},
              {"probe_ttl", news.probe_ttl}};
    if (news.what == What::not_sent) json.update({{"text", news.text}, {"mtu", news.mtu}});
    if (news.what == What::reply || news.what == What::error)
        json.update({{"from", news.from.to_string()},
                     {"type", news.type},
                     {"code", news.code},
                     {"ttl", news.ttl},
                     {"bytes", news.bytes},
                     {"rtt_ms", news.rtt_ms}});
    if (news.what == What::reply) json["duplicate"] = news.duplicate;
    if (news.what == What::error) json.update({{"text", news.text}, {"mtu", news.mtu}});
    return json;
}

// One client's series. It begins with how it is sent and ends with an end, but for a client that
// has gone.
class ProbeStream {
public:
    ProbeStream(EventLoop& loop, Controller& controller, const Json& body)
        : probing_(loop, controller, series_of_body(body),
                   ping_schedule(ping_options(body), ProbeSchedule::Clock::now())) {
        const ProbeWay& way = probing_.way();
        text_ = line_of(Json{{"event", "begin"},
                             {"from", way.from.to_string()},
                             {"port", way.port},
                             {"mtu", way.mtu}});
    }

    // False: the client has gone.
    bool write_some(httplib::DataSink& sink) {
        HttpConnection& client = HttpConnection::current();
        client.wait_for_slow_client();
        take_news();
        const auto now = ProbeSchedule::Clock::now();
        if (text_.empty() && now - last_write_ > kProbeBeat) text_ = "\n";
        if (!text_.empty()) {
            last_write_ = now;
            if (!sink.write(text_.data(), text_.size())) return false;
            text_.clear();
        }
        if (ended_) {
            sink.done();
            return true;
        }
        const auto idle = std::chrono::ceil<milliseconds>(
            std::clamp<ProbeSchedule::Clock::duration>(probing_.due() - now, {}, kProbeLook));
        return !client.has_ended(static_cast<int>(idle.count()));
    }

private:
    void take_news() {
        try {
            for (const ProbeNews& news : probing_.next())
                if (news.what != ProbeNews::What::stopping) text_ += line_of(json_of_news(news));
            if (!probing_.is_done()) return;
            end(probing_.is_stopping() ? "vethwayd is stopping" : "");
        } catch (const std::exception& e) {
            end(e.what());
        }
    }
    void end(const std::string& error) {
        ended_ = true;
        text_ += line_of(error.empty() ? Json{{"event", "end"}}
                                       : Json{{"event", "end"}, {"error", error}});
    }

    Probing probing_;
    std::string text_;  // still to be written
    ProbeSchedule::Clock::time_point last_write_;
    bool ended_ = false;
};

}  // namespace

void Api::add_probe() {
    routes_.Post("/v1/probe", guarded([this](const Request& request, httplib::Response& response) {
                     const Json body = body_of(request);
                     check_probe_keys(body);
                     auto stream = std::make_shared<ProbeStream>(loop_, controller_, body);
                     response.set_chunked_content_provider(
                         "application/x-ndjson", [stream](size_t, httplib::DataSink& sink) {
                             return stream->write_some(sink);
                         });
                 }));
}

}  // namespace vethway
