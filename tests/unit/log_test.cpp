// SPDX-License-Identifier: Apache-2.0
#include "control/log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sstream>

namespace vethway {
namespace {

using spdlog::level::level_enum;
constexpr auto kTime = spdlog::log_clock::time_point(std::chrono::milliseconds(1'764'400'000'123));

spdlog::details::log_msg message(std::string_view text, level_enum level = spdlog::level::info) {
    spdlog::details::log_msg m("vethwayd", level, {text.data(), text.size()});
    m.time = kTime;
    return m;
}

std::string formatted(LogFormat format, const spdlog::details::log_msg& m) {
    spdlog::memory_buf_t out;
    log_formatter(format)->format(m, out);
    return {out.data(), out.size()};
}

TEST(Log, Json) {
    EXPECT_EQ(
        formatted(LogFormat::json, message("port \"p1\": link up")),
        R"({"time":"2025-11-29T07:06:40.123Z","level":"info","message":"port \"p1\": link up"})"
        "\n");
    EXPECT_EQ(formatted(LogFormat::json, message("two\nlines \xff", spdlog::level::warn)),
              "{\"time\":\"2025-11-29T07:06:40.123Z\",\"level\":\"warn\",\"message\":\"two\\nlines "
              "\xef\xbf\xbd\"}\n");
}

TEST(Log, JournalTakesTheLevel) {
    EXPECT_EQ(formatted(LogFormat::journal, message("ready")), "<6>ready\n");
    EXPECT_EQ(formatted(LogFormat::journal, message("bad", spdlog::level::err)), "<3>bad\n");
    EXPECT_EQ(formatted(LogFormat::journal, message("odd", spdlog::level::warn)), "<4>odd\n");
    EXPECT_EQ(formatted(LogFormat::journal, message("so", spdlog::level::debug)), "<7>so\n");
}

TEST(Log, AnEventIsOneLine) {
    const std::string text = formatted(LogFormat::text, message("two\nlines"));
    EXPECT_TRUE(text.ends_with(" info two lines\n")) << text;
    EXPECT_EQ(formatted(LogFormat::journal, message("a\r\n\x1b[2Jb\tc")), "<6>a   [2Jb\tc\n");
}

TEST(Log, JournalIsKnownByItsInode) {
    const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct stat is {};
    ASSERT_EQ(fstat(fd, &is), 0);
    EXPECT_TRUE(is_journal(fd, fmt::format("{}:{}", is.st_dev, is.st_ino).c_str()));
    EXPECT_FALSE(is_journal(fd, "1:1"));
    EXPECT_FALSE(is_journal(fd, nullptr));
    EXPECT_FALSE(is_journal(-1, "1:1"));
    close(fd);
}

class Limited : public testing::Test {
protected:
    Limited() {
        auto out = std::make_shared<spdlog::sinks::ostream_sink_st>(text_);
        sink_ = std::make_unique<LimitedSink>(out);
        sink_->set_formatter(log_formatter(LogFormat::journal));
    }
    void log(unsigned times, double at_s) {
        auto m = message("event");
        m.time += std::chrono::duration_cast<spdlog::log_clock::duration>(
            std::chrono::duration<double>(at_s));
        for (unsigned i = 0; i < times; ++i) sink_->log(m);
    }
    std::vector<std::string> lines() {
        std::vector<std::string> found;
        std::istringstream in(text_.str());
        for (std::string line; std::getline(in, line);) found.push_back(line);
        return found;
    }
    std::ostringstream text_;
    std::unique_ptr<LimitedSink> sink_;
};

TEST_F(Limited, ABurstPassesAndNoMore) {
    log(1000, 0);
    EXPECT_EQ(lines().size(), static_cast<size_t>(LimitedSink::kBurst));
}

TEST_F(Limited, SaysHowManyItKept) {
    log(1000, 0);
    log(1, 1);
    const auto found = lines();
    ASSERT_EQ(found.size(), static_cast<size_t>(LimitedSink::kBurst) + 2);
    EXPECT_EQ(found[found.size() - 2], "<4>log: 800 lines were left out, there were too many");
    EXPECT_EQ(found.back(), "<6>event");
}

TEST_F(Limited, GoesOnAtItsRateAndAfterTheClockWasSetBack) {
    log(1000, 0);
    log(1000, -3600);
    log(1000, -3599);
    EXPECT_EQ(lines().size(),
              static_cast<size_t>(LimitedSink::kBurst + LimitedSink::kEachSecond) + 1);
}

TEST_F(Limited, AFewAreNeverKept) {
    for (int second = 0; second < 100; ++second) log(20, second);
    EXPECT_EQ(lines().size(), 2000U);
}

}  // namespace
}  // namespace vethway
