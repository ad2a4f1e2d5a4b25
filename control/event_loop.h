// SPDX-License-Identifier: Apache-2.0
// The control thread's loop: everything that changes vethway's state runs here, one thing at a
// time.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <utility>
#include <vector>

namespace vethway {

class EventLoop {
public:
    using Clock = std::chrono::steady_clock;

    EventLoop();  // throws std::system_error
    ~EventLoop();
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

    // Any thread: runs `work` on the control thread, soon; drops it once run() has returned.
    void post(std::function<void()> work);
    // Any thread but the control thread: runs `work` there and waits for its result or exception.
    // Throws std::runtime_error when the loop has ended, or has not begun `work` within `patience`:
    // it then never will, so what `work` refers to may go.
    template <class F>
    auto call(F work, std::chrono::milliseconds patience = std::chrono::seconds(10)) {
        using Result = decltype(work());
        auto state = std::make_shared<std::atomic<CallState>>(CallState::pending);
        std::packaged_task<Result()> task(std::move(work));
        std::future<Result> result = task.get_future();
        // The loop's is the only hold on the task: dropped unrun, it breaks its promise.
        post([state, shared = std::make_shared<decltype(task)>(std::move(task))] {
            if (turn(*state, CallState::running)) (*shared)();
        });
        if (result.wait_for(patience) != std::future_status::ready &&
            turn(*state, CallState::abandoned))
            throw std::runtime_error("the control thread is busy: try again");
        try {
            return result.get();
        } catch (const std::future_error&) {
            throw std::runtime_error("vethwayd is stopping");
        }
    }

    // Control thread, or before run(). An exception out of what runs here is logged, and the loop
    // goes on.
    void watch(int fd, std::function<void()> on_readable);
    void every(std::chrono::milliseconds period, std::function<void()> work);
    void run();   // until stop()
    void stop();  // control thread

private:
    enum class CallState : uint8_t { pending, running, abandoned };
    // From pending to `next`, unless the other side was first.
    static bool turn(std::atomic<CallState>& state, CallState next) {
        CallState expected = CallState::pending;
        return state.compare_exchange_strong(expected, next);
    }

    struct Timer {
        std::chrono::milliseconds period;
        Clock::time_point due;
        std::function<void()> work;
    };
    void run_posted();
    void end();
    int ms_to_next_timer() const;
    void run_timers();

    int epoll_ = -1, event_ = -1;
    std::map<int, std::function<void()>> watched_;
    std::vector<Timer> timers_;
    std::mutex mutex_;  // of the next two: the only state that other threads touch
    std::vector<std::function<void()>> posted_;
    bool ended_ = false;
    bool stop_ = false;
};

}  // namespace vethway
