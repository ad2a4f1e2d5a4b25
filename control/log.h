// SPDX-License-Identifier: Apache-2.0
// The daemon's log: one line an event, on standard error. Workers write none; what could come for
// every packet is a counter. Any thread.
#pragma once

#include <spdlog/formatter.h>
#include <spdlog/sinks/base_sink.h>

#include <memory>
#include <mutex>
#include <string>

namespace vethway {

enum class LogFormat : uint8_t {
    text,     // 2026-11-29T07:00:00.123 info MESSAGE
    json,     // {"time":…,"level":…,"message":…}, time in UTC
    journal,  // <6>MESSAGE: systemd's journal knows the time itself, and takes the level
              // (sd-daemon(3))
};

std::unique_ptr<spdlog::formatter> log_formatter(LogFormat format);

// Whether standard error is the journal's (systemd.exec(5), JOURNAL_STREAM), so that text goes
// there as `journal`.
bool is_journal(int descriptor, const char* journal_stream);

// Lets through kBurst lines at once and kEachSecond afterwards, and says then how many it kept: an
// interface that flaps a thousand times a second fills no disk.
class LimitedSink final : public spdlog::sinks::base_sink<std::mutex> {
public:
    static constexpr double kBurst = 200, kEachSecond = 20;
    explicit LimitedSink(std::shared_ptr<spdlog::sinks::sink> out) : out_(std::move(out)) {}

protected:
    void sink_it_(const spdlog::details::log_msg& message) override;
    void flush_() override { out_->flush(); }
    void set_formatter_(std::unique_ptr<spdlog::formatter> formatter) override {
        out_->set_formatter(std::move(formatter));
    }

private:
    std::shared_ptr<spdlog::sinks::sink> out_;
    double tokens_ = kBurst;
    uint64_t kept_ = 0;
    spdlog::log_clock::time_point last_{};
};

// Once, before any other thread: what spdlog's functions write from now on.
void start_log(LogFormat format, const std::string& level);

}  // namespace vethway
