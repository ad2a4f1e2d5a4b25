// SPDX-License-Identifier: Apache-2.0
#include "control/event_loop.h"

#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <system_error>

namespace vethway {

namespace {

// One part's failure must not end a router: the next event may go well.
void run_guarded(const std::function<void()>& work) {
    try {
        work();
    } catch (const std::exception& e) {
        spdlog::error("the control thread goes on after: {}", e.what());
    }
}

}  // namespace

EventLoop::EventLoop()
    : epoll_(epoll_create1(EPOLL_CLOEXEC)), event_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (epoll_ < 0 || event_ < 0)
        throw std::system_error(errno, std::generic_category(), "the control thread's epoll");
    watch(event_, [this] { run_posted(); });
}

EventLoop::~EventLoop() {
    close(epoll_);
    close(event_);
}

void EventLoop::post(std::function<void()> work) {
    {
        const std::lock_guard lock(mutex_);
        if (ended_) return;
        posted_.push_back(std::move(work));
    }
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = write(event_, &one, sizeof one);  // full: awake anyway
}

void EventLoop::run_posted() {
    uint64_t count;
    [[maybe_unused]] const ssize_t n = read(event_, &count, sizeof count);
    std::vector<std::function<void()>> work;
    {
        const std::lock_guard lock(mutex_);
        work.swap(posted_);
    }
    for (const auto& item : work) run_guarded(item);
}

void EventLoop::watch(int fd, std::function<void()> on_readable) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0)
        throw std::system_error(errno, std::generic_category(), "epoll_ctl");
    watched_[fd] = std::move(on_readable);
}

void EventLoop::every(std::chrono::milliseconds period, std::function<void()> work) {
    timers_.push_back({period, Clock::now() + period, std::move(work)});
}

int EventLoop::ms_to_next_timer() const {
    if (timers_.empty()) return -1;
    const auto next =
        std::ranges::min_element(timers_, {}, [](const Timer& t) { return t.due; })->due;
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now()).count();
    return static_cast<int>(std::max<int64_t>(ms, 0));
}

void EventLoop::run_timers() {
    const auto now = Clock::now();
    for (Timer& timer : timers_) {
        if (timer.due > now) continue;
        timer.due = now + timer.period;  // a late timer does not catch up
        run_guarded(timer.work);
    }
}

void EventLoop::run() {
    while (!stop_) {
        std::array<epoll_event, 16> events;
        const int n =
            epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), ms_to_next_timer());
        for (int i = 0; i < n; ++i)
            run_guarded(watched_.at(events[static_cast<size_t>(i)].data.fd));
        run_timers();
    }
    end();
}

// What was posted and not begun is dropped, and so is what comes later: callers that wait hear of
// it by their broken promise.
void EventLoop::end() {
    std::vector<std::function<void()>> dropped;  // destroyed unlocked: it is other people's code
    const std::lock_guard lock(mutex_);
    ended_ = true;
    dropped.swap(posted_);
}

void EventLoop::stop() { stop_ = true; }

}  // namespace vethway
