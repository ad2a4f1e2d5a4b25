// SPDX-License-Identifier: Apache-2.0
#include "control/log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

namespace vethway {

namespace {

using Message = spdlog::details::log_msg;

std::string_view payload(const Message& m) { return {m.payload.data(), m.payload.size()}; }

void append(spdlog::memory_buf_t& out, std::string_view text) {
    out.append(text.data(), text.data() + text.size());
}

// An event is a line, whatever is in it (DPDK's and libbpf's texts, names of files).
std::string in_one_line(std::string_view text) {
    std::string line(text);
    std::ranges::replace_if(
        line, [](unsigned char c) { return c < 0x20 && c != '\t'; }, ' ');
    return line;
}

std::string_view level_name(spdlog::level::level_enum level) {
    const auto name = spdlog::level::to_string_view(level);
    return level == spdlog::level::warn ? "warn" : std::string_view(name.data(), name.size());
}

class TextFormatter final : public spdlog::formatter {
public:
    void format(const Message& m, spdlog::memory_buf_t& out) override {
        const std::string line = in_one_line(payload(m));
        Message one = m;
        one.payload = line;
        pattern_.format(one, out);
        m.color_range_start = one.color_range_start;
        m.color_range_end = one.color_range_end;
    }
    std::unique_ptr<spdlog::formatter> clone() const override {
        return std::make_unique<TextFormatter>();
    }

private:
    spdlog::pattern_formatter pattern_{"%Y-%m-%dT%H:%M:%S.%e %^%l%$ %v"};
};

class JsonFormatter final : public spdlog::formatter {
public:
    void format(const Message& m, spdlog::memory_buf_t& out) override {
        using std::chrono::milliseconds;
        const auto ms = std::chrono::duration_cast<milliseconds>(m.time.time_since_epoch()).count();
        const nlohmann::ordered_json line{
            {"time", fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                                 fmt::gmtime(static_cast<std::time_t>(ms / 1000)), ms % 1000)},
            {"level", level_name(m.level)},
            {"message", payload(m)}};
        append(out, line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
        append(out, "\n");
    }
    std::unique_ptr<spdlog::formatter> clone() const override {
        return std::make_unique<JsonFormatter>();
    }
};

class JournalFormatter final : public spdlog::formatter {
public:
    void format(const Message& m, spdlog::memory_buf_t& out) override {
        append(out, fmt::format("<{}>{}\n", priority(m.level), in_one_line(payload(m))));
    }
    std::unique_ptr<spdlog::formatter> clone() const override {
        return std::make_unique<JournalFormatter>();
    }

private:
    static int priority(spdlog::level::level_enum level) {
        switch (level) {
            case spdlog::level::trace:
            case spdlog::level::debug:
                return LOG_DEBUG;
            case spdlog::level::warn:
                return LOG_WARNING;
            case spdlog::level::err:
                return LOG_ERR;
            case spdlog::level::critical:
                return LOG_CRIT;
            default:
                return LOG_INFO;
        }
    }
};

}  // namespace

std::unique_ptr<spdlog::formatter> log_formatter(LogFormat format) {
    if (format == LogFormat::json) return std::make_unique<JsonFormatter>();
    if (format == LogFormat::journal) return std::make_unique<JournalFormatter>();
    return std::make_unique<TextFormatter>();
}

bool is_journal(int descriptor, const char* journal_stream) {
    struct stat is {};
    return journal_stream != nullptr && fstat(descriptor, &is) == 0 &&
           fmt::format("{}:{}", is.st_dev, is.st_ino) == journal_stream;
}

void LimitedSink::sink_it_(const Message& message) {
    const std::chrono::duration<double> since = message.time - last_;
    last_ = message.time;
    // The clock of a log may be set: a step back is no time, one ahead at most a whole burst.
    tokens_ = std::min(kBurst, tokens_ + std::max(0.0, since.count()) * kEachSecond);
    if (tokens_ < 1) {
        ++kept_;
        return;
    }
    --tokens_;
    if (kept_ > 0) {
        const std::string said =
            fmt::format("log: {} lines were left out, there were too many", kept_);
        Message note(message.logger_name, spdlog::level::warn, said);
        note.time = message.time;
        out_->log(note);
        kept_ = 0;
    }
    out_->log(message);
}

void start_log(LogFormat format, const std::string& level) {
    if (format == LogFormat::text && is_journal(STDERR_FILENO, std::getenv("JOURNAL_STREAM")))
        format = LogFormat::journal;
    auto limited =
        std::make_shared<LimitedSink>(std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    limited->set_formatter(log_formatter(format));
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("vethwayd", std::move(limited)));
    spdlog::set_level(spdlog::level::from_str(level));
}

}  // namespace vethway
