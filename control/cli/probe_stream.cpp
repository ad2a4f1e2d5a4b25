// SPDX-License-Identifier: Apache-2.0
#include "control/cli/probe_stream.h"

#include <cmath>
#include <csignal>

namespace vethway::cli {

namespace {

volatile std::sig_atomic_t probing_interrupted = 0;

}  // namespace

bool stream_probes(const Session& session, const Json& body,
                   const std::function<void(const Json&)>& on_event) {
    std::signal(SIGINT, [](int) { probing_interrupted = 1; });
    std::signal(SIGTERM, [](int) { probing_interrupted = 1; });
    bool ended = false;
    std::string error;
    const auto on_line = [&](const std::string& line) {
        if (probing_interrupted != 0) return false;
        if (line.empty()) return true;  // a beat
        const Json event = Json::parse(line);
        if (event["event"] != "end") {
            on_event(event);
            return true;
        }
        ended = true;
        error = event.value("error", "");
        return false;
    };
    try {
        session.client().stream_lines("/probe", body, on_line);
    } catch (const ClientError&) {
        if (probing_interrupted == 0) throw;  // else a signal has ended the reading
    }
    if (!error.empty()) throw ClientError({error});
    return ended;
}

void add_origin(Json& body, const std::string& port_or_address) {
    const bool address = port_or_address.find_first_not_of("0123456789.") == std::string::npos;
    body[address ? "from" : "port"] = port_or_address;
}

unsigned in_ms(double seconds) { return static_cast<unsigned>(std::lround(seconds * 1000)); }

}  // namespace vethway::cli
