// SPDX-License-Identifier: Apache-2.0
// The control thread's loop as the server's threads meet it: busy, failing, ending.
#include "control/event_loop.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <thread>

namespace vethway {
namespace {

using std::chrono::milliseconds;

class EventLoopTest : public testing::Test {
protected:
    ~EventLoopTest() override { end(); }
    void start() {
        thread_ = std::thread([this] { loop_.run(); });
    }
    void end() {
        if (!thread_.joinable()) return;
        loop_.post([this] { loop_.stop(); });
        thread_.join();
    }
    // Keeps the control thread busy until release().
    void occupy() {
        std::promise<void> begun;
        loop_.post([&begun, until = release_.get_future().share()] {
            begun.set_value();
            until.wait();
        });
        begun.get_future().wait();
    }
    void release() { release_.set_value(); }
    std::string refusal(const std::function<void()>& work, milliseconds patience) {
        try {
            loop_.call(work, patience);
            return "no error";
        } catch (const std::exception& e) {
            return e.what();
        }
    }

    EventLoop loop_;
    std::thread thread_;
    std::promise<void> release_;
};

TEST_F(EventLoopTest, CallGivesResultOrException) {
    start();
    EXPECT_EQ(loop_.call([] { return 7; }), 7);
    EXPECT_EQ(refusal([] { throw std::logic_error("why"); }, milliseconds(5000)), "why");
}

TEST_F(EventLoopTest, CallAfterTheEndIsRefusedAtOnce) {
    start();
    end();
    EXPECT_EQ(refusal([] {}, std::chrono::hours(1)), "vethwayd is stopping");
}

TEST_F(EventLoopTest, CallThatWaitsWhenTheLoopEndsIsRefused) {
    loop_.post([this] { loop_.stop(); });
    std::string why;
    std::thread caller;
    // The loop takes what is posted batch by batch: this is in the one that it never takes.
    loop_.post([&] {
        caller =
            std::thread([&] { why = refusal([] { FAIL() << "ran"; }, std::chrono::hours(1)); });
        std::this_thread::sleep_for(milliseconds(100));
    });
    loop_.run();
    caller.join();
    EXPECT_EQ(why, "vethwayd is stopping");
}

TEST_F(EventLoopTest, AbandonedCallNeverRuns) {
    start();
    occupy();
    bool ran = false;  // in the daemon this is on the stack of a thread that has left
    EXPECT_EQ(refusal([&] { ran = true; }, milliseconds(20)),
              "the control thread is busy: try again");
    release();
    end();
    EXPECT_FALSE(ran);
}

TEST_F(EventLoopTest, CallThatHasBegunIsWaitedFor) {
    start();
    const auto slow = [] {
        std::this_thread::sleep_for(milliseconds(100));
        return 7;
    };
    EXPECT_EQ(loop_.call(slow, milliseconds(20)), 7);
}

TEST_F(EventLoopTest, ExceptionsDoNotEndTheLoop) {
    const int fd = eventfd(1, EFD_CLOEXEC);
    int reads = 0, ticks = 0;
    loop_.watch(fd, [&] {
        uint64_t count;
        ++reads;
        EXPECT_EQ(read(fd, &count, sizeof count), static_cast<ssize_t>(sizeof count));
        throw std::runtime_error("a test's, out of a watched descriptor");
    });
    loop_.every(milliseconds(10), [&] {
        if (++ticks == 3) loop_.stop();
        throw std::runtime_error("a test's, out of a timer");
    });
    loop_.post([] { throw std::runtime_error("a test's, out of what was posted"); });
    loop_.run();
    EXPECT_EQ(reads, 1);
    EXPECT_EQ(ticks, 3);
    close(fd);
}

}  // namespace
}  // namespace vethway
