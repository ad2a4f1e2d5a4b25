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

constexpr std::initializer_list<const char*> kKindNames{"echo", "udp", "arp"};

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
    series.kind = choice_of<ProbeKind>(body, "kind", kKindNames);
    series.to = required_address(body, "to");
    series.from = address_of(body, "from").value_or(Ip4{});
    series.port = text_of(body, "port").value_or("");
    series.size = static_cast<uint16_t>(number_of(body, "size", 0, 65507).value_or(series.size));
    series.tos = static_cast<uint8_t>(number_of(body, "tos", 0, 255).value_or(0));
    series.path_mtu = choice_of<PathMtu>(body, "path_mtu", {"dont", "want", "do"});
    series.arp =
        choice_of<ArpForm>(body, "arp", {"ask", "detect", "announce_request", "announce_reply"});
    series.first_target_port = static_cast<uint16_t>(
        number_of(body, "target_port", 1, 60'000).value_or(series.first_target_port));
    series.arp_to_all = boolean_of(body, "arp_to_all").value_or(false);
    return series;
}

uint8_t ttl_of(const Json& body, const char* key, uint8_t otherwise) {
    return static_cast<uint8_t>(number_of(body, key, 1, 255).value_or(otherwise));
}

PingOptions ping_options(const Json& body) {
    PingOptions o;
    o.count = number_of(body, "count", 1, UINT32_MAX).value_or(0);
    o.interval = ms_of(body, "interval_ms", 1, o.interval);
    o.wait = ms_of(body, "wait_ms", 0, o.wait);
    if (number_of(body, "deadline_ms", 1, UINT32_MAX))
        o.deadline = ms_of(body, "deadline_ms", 1, {});
    o.until_reply = boolean_of(body, "until_reply").value_or(false);
    o.ttl = ttl_of(body, "ttl", o.ttl);
    return o;
}

TraceOptions trace_options(const Json& body) {
    TraceOptions o;
    o.first_ttl = ttl_of(body, "first_ttl", o.first_ttl);
    o.max_ttl = ttl_of(body, "max_ttl", o.max_ttl);
    o.queries = static_cast<uint16_t>(number_of(body, "queries", 1, 10).value_or(o.queries));
    o.at_once = static_cast<uint16_t>(number_of(body, "at_once", 1, 64).value_or(o.at_once));
    o.wait = ms_of(body, "wait_ms", 1, o.wait);
    if (o.first_ttl > o.max_ttl) throw ApiRefusal(400, "first_ttl: is above max_ttl");
    return o;
}

RoundsOptions rounds_options(const Json& body) {
    RoundsOptions o;
    o.first_ttl = ttl_of(body, "first_ttl", o.first_ttl);
    o.max_ttl = ttl_of(body, "max_ttl", o.max_ttl);
    o.rounds = number_of(body, "count", 1, UINT32_MAX).value_or(0);
    o.interval = ms_of(body, "interval_ms", 50, o.interval);
    o.wait = ms_of(body, "wait_ms", 1, o.wait);
    if (o.first_ttl > o.max_ttl) throw ApiRefusal(400, "first_ttl: is above max_ttl");
    return o;
}

enum class Pattern : uint8_t { ping, trace, rounds };

std::unique_ptr<ProbeSchedule> schedule_of(const Json& body) {
    const auto now = ProbeSchedule::Clock::now();
    switch (choice_of<Pattern>(body, "schedule", {"ping", "trace", "rounds"})) {
        case Pattern::trace:
            return trace_schedule(trace_options(body));
        case Pattern::rounds:
            return rounds_schedule(rounds_options(body), now);
        case Pattern::ping:
            break;
    }
    return ping_schedule(ping_options(body), now);
}

void check_probe_keys(const Json& body) {
    check_keys(body, {"kind",     "to",         "from",        "port",     "size",        "tos",
                      "path_mtu", "count",      "interval_ms", "wait_ms",  "deadline_ms", "ttl",
                      "arp",      "arp_to_all", "until_reply", "schedule", "first_ttl",   "max_ttl",
                      "queries",  "at_once",    "target_port"});
}

Json json_of_arp(const ProbeNews& news) {
    if (news.what == ProbeNews::What::sent) return {{"broadcast", news.arp.broadcast}};
    return {{"operation", news.arp.is_request ? "request" : "reply"},
            {"broadcast", news.arp.broadcast},
            {"from", news.from.to_string()},
            {"mac", news.arp.sender.to_string()},
            {"target", news.arp.target_ip.to_string()},
            {"target_mac", news.arp.target.to_string()},
            {"rtt_ms", news.rtt_ms}};
}

Json json_of_icmp(const ProbeNews& news) {
    return {{"from", news.from.to_string()},
            {"type", news.type},
            {"code", news.code},
            {"ttl", news.ttl},
            {"bytes", news.bytes},
            {"rtt_ms", news.rtt_ms}};
}

Json json_of_news(const ProbeNews& news, ProbeKind kind) {
    using What = ProbeNews::What;
    static constexpr const char* kEvents[] = {"sent", "reply", "error", "not_sent", "lost", "end"};
    Json json{{"event", kEvents[static_cast<size_t>(news.what)]},
              {"sequence", news.sequence},
              {"probe_ttl", news.probe_ttl}};
    const bool heard = news.what == What::reply || news.what == What::error;
    if (kind == ProbeKind::arp && (heard || news.what == What::sent))
        json.update(json_of_arp(news));
    else if (heard)
        json.update(json_of_icmp(news));
    if (news.what == What::reply) json["duplicate"] = news.duplicate;
    if (news.what == What::error || news.what == What::not_sent)
        json.update({{"text", news.text}, {"mtu", news.mtu}});
    return json;
}

// One client's series. It begins with how it is sent and ends with an end, but for a client that
// has gone.
class ProbeStream {
public:
    ProbeStream(EventLoop& loop, Controller& controller, const Json& body)
        : kind_(choice_of<ProbeKind>(body, "kind", kKindNames)),
          probing_(loop, controller, series_of_body(body), schedule_of(body)) {
        const ProbeWay& way = probing_.way();
        text_ = line_of(Json{{"event", "begin"},
                             {"from", way.from.to_string()},
                             {"port", way.port},
                             {"mac", way.mac.to_string()},
                             {"mtu", way.mtu}});
    }

    // To the end in one go: the server, when it stops, asks for no more of what it has not got.
    // False: the client has gone.
    bool write_all(httplib::DataSink& sink) {
        HttpConnection& client = HttpConnection::current();
        client.wait_for_slow_client();
        while (true) {
            take_news();
            const auto now = ProbeSchedule::Clock::now();
            if (text_.empty() && now - last_write_ > kProbeBeat) text_ = "\n";
            if (!text_.empty()) {
                last_write_ = now;
                if (!sink.write(text_.data(), text_.size())) return false;
                text_.clear();
            }
            if (ended_) break;
            const auto next = std::clamp(probing_.due(), now, now + kProbeLook);
            const auto idle = std::chrono::ceil<milliseconds>(next - now);
            if (client.has_ended(static_cast<int>(idle.count()))) return false;
        }
        sink.done();
        return true;
    }

private:
    void take_news() {
        try {
            for (const ProbeNews& news : probing_.next())
                if (news.what != ProbeNews::What::stopping)
                    text_ += line_of(json_of_news(news, kind_));
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

    const ProbeKind kind_;
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
                             return stream->write_all(sink);
                         });
                 }));
}

}  // namespace vethway
