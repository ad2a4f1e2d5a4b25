// SPDX-License-Identifier: Apache-2.0
#include "control/cli/ping_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "control/cli/show.h"

namespace vethway::cli {

namespace {

constexpr unsigned kPingHeaders = 28;  // IPv4 and ICMP

}  // namespace

std::string rtt_words(double ms) {
    const auto us = static_cast<uint64_t>(std::llround(std::max(0.0, ms) * 1000));
    if (us >= 100'000 - 50) return fmt::format("{}", (us + 500) / 1000);
    const double rounded = static_cast<double>(us) / 1000;
    if (us >= 10'000 - 5) return fmt::format("{:.1f}", rounded);
    if (us >= 1'000) return fmt::format("{:.2f}", rounded);
    return fmt::format("{:.3f}", rounded);
}

PingReport::Lines PingReport::add(const Json& event, Clock::time_point now) {
    last_ = now;
    const auto what = event["event"].get<std::string>();
    if (what == "begin") return begin(event);
    if (what == "sent") return sent(event["sequence"].get<uint64_t>());
    if (what == "reply") return reply(event);
    if (what == "error") return error(event);
    return not_sent(event);
}

PingReport::Lines PingReport::begin(const Json& event) {
    from_ = event["from"].get<std::string>();
    port_ = event["port"].get<std::string>();
    std::string origin;
    if (settings_.shows_origin)
        origin =
            fmt::format(" from {}{}:", from_, settings_.port.empty() ? "" : ' ' + settings_.port);
    return {.out = fmt::format("PING {} ({}){} {}({}) bytes of data.\n", settings_.to, settings_.to,
                               origin, settings_.size, settings_.size + kPingHeaders),
            .err = {}};
}

PingReport::Lines PingReport::sent(uint64_t sequence) {
    const uint64_t before = sent_++;
    if (!settings_.tells_outstanding || before == 0 || acknowledged_ >= before) return {};
    return {.out = fmt::format("no answer yet for icmp_seq={}\n", sequence - 1), .err = {}};
}

// Sequences are 16 bits wide, and begin with 1.
void PingReport::acknowledge(const Json& event) {
    const auto behind =
        static_cast<uint16_t>(static_cast<uint16_t>(sent_) - event["sequence"].get<uint16_t>());
    if (behind >= 0x8000) return;
    in_flight_ = std::max<uint64_t>(in_flight_, behind + 1U);
    acknowledged_ = std::max(acknowledged_, sent_ - behind);
}

PingReport::Lines PingReport::reply(const Json& event) {
    acknowledge(event);
    const double ms = event["rtt_ms"].get<double>();
    const bool duplicate = event["duplicate"].get<bool>();
    least_ms_ = received_ + duplicates_ == 0 ? ms : std::min(least_ms_, ms);
    most_ms_ = std::max(most_ms_, ms);
    sum_ms_ += ms;
    sum_of_squares_ += ms * ms;
    ++(duplicate ? duplicates_ : received_);
    answers_.push_back(event);
    return {.out = fmt::format("{} bytes from {}: icmp_seq={} ttl={} time={} ms{}\n",
                               text_of(event["bytes"]), text_of(event["from"]),
                               text_of(event["sequence"]), text_of(event["ttl"]), rtt_words(ms),
                               duplicate ? " (DUP!)" : ""),
            .err = {}};
}

PingReport::Lines PingReport::error(const Json& event) {
    acknowledge(event);
    ++errors_;
    answers_.push_back(event);
    return {.out = fmt::format("From {} icmp_seq={} {}\n", text_of(event["from"]),
                               text_of(event["sequence"]), text_of(event["text"])),
            .err = {}};
}

// As ping(8) counts what it could not send: with those that it has.
PingReport::Lines PingReport::not_sent(const Json& event) {
    ++sent_;
    ++errors_;
    answers_.push_back(event);
    return {.out = {}, .err = fmt::format("vethway: local error: {}\n", text_of(event["text"]))};
}

double PingReport::lost_percent() const {
    return sent_ == 0 ? 0
                      : static_cast<double>(sent_ - received_) * 100 / static_cast<double>(sent_);
}

double PingReport::mean_ms() const {
    const uint64_t n = received_ + duplicates_;
    return n == 0 ? 0 : sum_ms_ / static_cast<double>(n);
}

double PingReport::deviation_ms() const {
    const uint64_t n = received_ + duplicates_;
    if (n == 0) return 0;
    return std::sqrt(
        std::max(0.0, sum_of_squares_ / static_cast<double>(n) - mean_ms() * mean_ms()));
}

std::string PingReport::summary() const {
    const double ms = std::chrono::duration<double, std::milli>(last_ - began_).count();
    std::string out =
        fmt::format("\n--- {} ping statistics ---\n{} packets transmitted, {} received, ",
                    settings_.to, sent_, received_);
    if (duplicates_ > 0) out += fmt::format("+{} duplicates, ", duplicates_);
    if (errors_ > 0) out += fmt::format("+{} errors, ", errors_);
    out += fmt::format("{:g}% packet loss, time {:.0f}ms\n", lost_percent(), ms);
    std::string last;
    if (received_ > 0)
        last = fmt::format("rtt min/avg/max/mdev = {:.3f}/{:.3f}/{:.3f}/{:.3f} ms", least_ms_,
                           mean_ms(), most_ms_, deviation_ms());
    if (in_flight_ > 1) last += fmt::format("{}pipe {}", last.empty() ? "" : ", ", in_flight_);
    return last.empty() ? out + '\n' : out + last + '\n';
}

Json PingReport::json() const {
    return {{"to", settings_.to},
            {"from", from_},
            {"port", port_},
            {"size", settings_.size},
            {"transmitted", sent_},
            {"received", received_},
            {"duplicates", duplicates_},
            {"errors", errors_},
            {"loss_percent", lost_percent()},
            {"time_ms", std::chrono::duration<double, std::milli>(last_ - began_).count()},
            {"rtt_ms",
             {{"min", least_ms_}, {"avg", mean_ms()}, {"max", most_ms_}, {"mdev", deviation_ms()}}},
            {"answers", answers_}};
}

int PingReport::exit_status() const {
    return received_ == 0 || (settings_.deadline && received_ < settings_.count) ? 1 : 0;
}

}  // namespace vethway::cli
