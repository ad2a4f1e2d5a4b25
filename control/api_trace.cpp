// SPDX-License-Identifier: Apache-2.0
// The API's part that tells what became of packets (trace), or would become of one (explain).
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cctype>

#include "control/api.h"
#include "control/http_connection.h"
#include "control/json_body.h"
#include "control/watch/filter.h"
#include "control/watch/probe_frame.h"
#include "control/watch/story_words.h"
#include "control/watch/watching.h"
#include "dataplane/net/headers.h"
#include "dataplane/watch/what_if.h"

namespace vethway {

namespace {

using Clock = Stories::Clock;

constexpr int kLookMs = 10;                      // for news, where there was none
constexpr std::chrono::milliseconds kBeat{500};  // an empty line, so that a client can look up
constexpr size_t kStepsAtOnce = 4096;

const ManagedPort& required_port(Controller& controller, const std::string& name) {
    const ManagedPort* port = controller.ports().find(name);
    if (port == nullptr) throw ApiRefusal(404, "there is no port \"" + name + '"');
    return *port;
}

// What a client wants to be told.
struct TraceRequest {
    std::string filter;
    std::optional<std::string> port;
    std::optional<Drop> reason;
    bool only_drops = false, text = false, colour = false;
    uint64_t count = UINT64_MAX;

    bool wants(const Story& story) const { return !only_drops || story.has_drop(reason); }
};

TraceRequest trace_request(const Json& body) {
    check_keys(body, {"filter", "port", "reason", "drops", "count", "text", "colour"});
    TraceRequest r;
    r.filter = text_of(body, "filter").value_or("");
    r.port = text_of(body, "port");
    if (const auto reason = text_of(body, "reason")) r.reason = required_reason(*reason);
    r.only_drops = boolean_of(body, "drops").value_or(false) || r.reason;
    r.text = boolean_of(body, "text").value_or(false);
    r.colour = boolean_of(body, "colour").value_or(false);
    if (const auto count = number_of(body, "count", 1, UINT32_MAX)) r.count = *count;
    return r;
}

// One client's trace: a line of JSON a story, and an empty one now and then.
class Tracing {
public:
    Tracing(EventLoop& loop, Controller& controller, TraceRequest request)
        : loop_(loop),
          controller_(controller),
          request_(std::move(request)),
          // Compiled here: it may take its time.
          watching_(loop, controller,
                    [this, filter = std::make_shared<Filter>(compile_filter(request_.filter))](
                        Controller& c) {
                        WatchOptions options{.filter = std::move(*filter)};
                        if (request_.port)
                            options.port = *request_.port == "lo"
                                               ? kLoopback
                                               : required_port(c, *request_.port).index;
                        // Whoever looks for drops takes in all, to find them.
                        if (!request_.only_drops) options.stories = request_.count;
                        return options;
                    }) {}

    // False: the client has gone, or has all that it wanted.
    bool write_some(httplib::DataSink& sink) {
        HttpConnection& client = HttpConnection::current();
        client.wait_for_slow_client();
        const auto steps = watching_.take(kStepsAtOnce);
        const auto now = Clock::now();
        for (const NotedStep& s : steps) stories_.add(s, now);
        std::string out = lines(stories_.take(now));
        if (out.empty() && now - last_write_ > kBeat) out = "\n";
        if (!out.empty()) {
            last_write_ = now;
            if (!sink.write(out.data(), out.size())) return false;
        }
        if (told_ >= request_.count) {
            sink.done();
            return true;
        }
        return !client.has_ended(steps.empty() ? kLookMs : 0);
    }

private:
    std::string lines(std::vector<Story> stories) {
        std::erase_if(stories, [this](const Story& s) { return !request_.wants(s); });
        if (stories.size() > request_.count - told_) stories.resize(request_.count - told_);
        if (stories.empty()) return {};
        told_ += stories.size();
        const uint64_t lost = watching_.lost();
        return loop_.call([&] {
            std::string out;
            for (const Story& story : stories) {
                Json json = json_of(story, clock_, controller_);
                if (request_.text) json = {{"text", text_of_story(json, request_.colour)}};
                if (lost > 0) json["lost"] = lost;
                out += line_of(json);
            }
            return out;
        });
    }

    EventLoop& loop_;
    Controller& controller_;
    TraceRequest request_;
    Watching watching_;
    WallClock clock_;
    Stories stories_;
    uint64_t told_ = 0;
    Clock::time_point last_write_;  // long ago: the first beat says that it has begun
};

std::vector<std::byte> bytes_of_hex(const std::string& text) {
    std::vector<std::byte> bytes;
    int high = -1;
    for (const char c : text) {
        if (c == ' ' || c == ':' || c == '\n') continue;
        const auto at =
            std::string_view("0123456789abcdef").find(static_cast<char>(std::tolower(c)));
        if (at == std::string_view::npos)
            throw ApiRefusal(400, std::string("hex: '") + c + "' is no hexadecimal digit");
        if (high < 0) {
            high = static_cast<int>(at);
        } else {
            bytes.push_back(static_cast<std::byte>(high << 4 | static_cast<int>(at)));
            high = -1;
        }
    }
    if (high >= 0) throw ApiRefusal(400, "hex: an odd number of digits");
    if (bytes.empty() || bytes.size() > kLargestFrame)
        throw ApiRefusal(400, "hex: a frame has 1 to " + std::to_string(kLargestFrame) + " bytes");
    return bytes;
}

uint8_t protocol_of(const Json& body) {
    const std::string name = text_of(body, "protocol").value_or("icmp");
    if (name == "icmp") return kProtocolIcmp;
    if (name == "udp") return kProtocolUdp;
    if (name == "tcp") return kProtocolTcp;
    const bool number = !name.empty() && name.size() <= 3 &&
                        name.find_first_not_of("0123456789") == std::string::npos;
    if (!number || std::stoi(name) > 255)
        throw ApiRefusal(
            400, "protocol: expected icmp, udp, tcp or a number up to 255, got \"" + name + '"');
    return static_cast<uint8_t>(std::stoi(name));
}

// The port that IP has of what comes in by `port`: a LAG that it is a member of, or a bridge's own
// where that, or the LAG, is a member of it.
const ManagedPort& ip_side(const ManagedPort& port, Controller& controller) {
    const Ports& ports = controller.ports();
    const LagConfig* lag = ports.lags().of_member(port.config.name);
    const ManagedPort* whole = lag != nullptr ? ports.find(lag->port.name) : nullptr;
    if (whole == nullptr) whole = &port;
    const BridgeConfig* bridge = ports.bridges().of_member(whole->config.name);
    const ManagedPort* own = bridge != nullptr ? ports.find(bridge->port.name) : nullptr;
    return own != nullptr && !own->config.addresses.empty() ? *own : *whole;
}

std::optional<Mac> neighbour_mac(Controller& controller, NeighbourKey key) {
    const Neighbour* n = controller.dataplane().neighbours().find(key);
    return n != nullptr && n->read().usable() ? std::optional(n->read().mac) : std::nullopt;
}

// As the station would send it whose address is the source: to the MAC address that IP has there,
// or to that of another station in the bridge.
std::vector<std::byte> frame_of(const Json& body, const ManagedPort& port, Controller& controller) {
    if (const auto hex = text_of(body, "hex")) return bytes_of_hex(*hex);
    const ManagedPort& ip = ip_side(port, controller);
    ProbeFrame probe{.src_mac = *Mac::parse("02:00:00:00:00:fe"), .dst_mac = ip.mac()};
    probe.src = required_address(body, "src");
    probe.dst = required_address(body, "dst");
    probe.protocol = protocol_of(body);
    probe.source_port = static_cast<uint16_t>(number_of(body, "sport", 0, 65535).value_or(40000));
    probe.target_port = static_cast<uint16_t>(number_of(body, "dport", 0, 65535).value_or(0));
    probe.size = static_cast<uint16_t>(number_of(body, "size", 0, 65535).value_or(0));
    probe.ttl = static_cast<uint8_t>(number_of(body, "ttl", 0, 255).value_or(64));
    probe.tos = static_cast<uint8_t>(number_of(body, "tos", 0, 255).value_or(0));
    probe.dont_fragment = boolean_of(body, "df").value_or(false);
    if (const auto mac = neighbour_mac(controller, {ip.index, probe.src})) probe.src_mac = *mac;
    const bool in_bridge =
        &ip != &port && std::holds_alternative<BridgePortConfig>(ip.config.driver);
    if (const auto mac = neighbour_mac(controller, {ip.index, probe.dst}); mac && in_bridge)
        probe.dst_mac = *mac;
    if (text_of(body, "src_mac")) probe.src_mac = required_mac(body, "src_mac");
    if (text_of(body, "dst_mac")) probe.dst_mac = required_mac(body, "dst_mac");
    return make_frame(probe);
}

// What is going to happen after that, and what can be done.
std::string outlook(const Story& story) {
    const Record& last = story.packets.front().last().record;
    if (last.step == Step::waits)
        return "it would wait until " + last.next_hop.to_string() +
               " answers ARP; without an answer in 3 seconds it would be dropped "
               "(neighbour_failed), and "
               "its sender told host unreachable";
    if (last.step == Step::collected)
        return "it would be held until the other fragments of its packet are here; without them, "
               "in 30 seconds it would be dropped (fragment_timeout)";
    return {};
}

Json explain(Controller& controller, const Json& body) {
    check_keys(body, {"port", "hex", "src", "dst", "protocol", "sport", "dport", "size", "ttl",
                      "tos", "df", "src_mac", "dst_mac", "text", "colour"});
    const ManagedPort& port = required_port(controller, required_text(body, "port"));
    const auto frame = frame_of(body, port, controller);
    const auto stories = stories_of(what_if(controller.dataplane(), port.index, frame));
    const Story& story = stories.front();
    Json json = json_of(story, WallClock(), controller);
    json["what_if"] = true;
    const std::string next = outlook(story);
    if (!next.empty()) json["then"] = next;
    if (!boolean_of(body, "text").value_or(false)) return json;
    std::string text = text_of_story(json, boolean_of(body, "colour").value_or(false));
    if (!next.empty()) text += "  " + next + '\n';
    return {{"text", text}, {"outcome", json["outcome"]}};
}

}  // namespace

void Api::add_trace() {
    routes_.Post("/v1/trace", guarded([this](const Request& request, httplib::Response& response) {
                     auto tracing = std::make_shared<Tracing>(loop_, controller_,
                                                              trace_request(body_of(request)));
                     response.set_chunked_content_provider(
                         "application/x-ndjson", [tracing](size_t, httplib::DataSink& sink) {
                             try {
                                 return tracing->write_some(sink);
                             } catch (const std::exception& e) {
                                 spdlog::warn("a trace ended: {}", e.what());
                                 return false;
                             }
                         });
                 }));
}

void Api::add_explain() {
    on(Method::post, "/v1/explain",
       [](Controller& c, const Request& r) { return explain(c, body_of(r)); });
}

}  // namespace vethway
