// SPDX-License-Identifier: Apache-2.0
#include "dataplane/sleep_watch.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <system_error>

namespace vethway {

namespace {

constexpr size_t kMostPolled = 16;

// A socket whose interface went down or away says so until somebody takes the error from it
// (net/packet/af_packet.c, packet_notifier); nobody could sleep on it. False: there was none, it is
// broken for good.
bool takes_error(int fd) noexcept {
    int error = 0;
    socklen_t size = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error != 0;
}

}  // namespace

SleepWatch::SleepWatch() : event_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (!event_) throw std::system_error(errno, std::generic_category(), "a worker's eventfd");
    add(event_.get());
}

void SleepWatch::wake() noexcept {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written =
        write(event_.get(), &one, sizeof one);  // full: awake anyway
}

void SleepWatch::add(int fd) noexcept {
    watched_.push_back({.fd = fd, .events = POLLIN, .revents = 0});
}

void SleepWatch::watch(const Snapshot& snap, unsigned worker) noexcept {
    if (generation_ == snap.generation) return;
    generation_ = snap.generation;
    watched_.resize(1);
    epoll_.reset();
    whole_ = true;
    for (const RxQueue queue : snap.rx[worker]) {
        const int fd = snap.ports[queue.port].device->rx_fd(queue.queue);
        if (fd < 0)
            whole_ = false;
        else
            add(fd);
    }
    if (watched_.size() - 1 > kMostPolled) use_epoll();
}

void SleepWatch::use_epoll() noexcept {
    epoll_.reset(epoll_create1(EPOLL_CLOEXEC));
    for (size_t i = 1; i < watched_.size(); ++i) {
        epoll_event event{.events = EPOLLIN, .data = {.fd = watched_[i].fd}};
        if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, event.data.fd, &event) != 0) whole_ = false;
    }
    watched_.resize(1);
    add(epoll_.get());
}

bool SleepWatch::wait(uint64_t ns) noexcept {
    const timespec timeout{0, static_cast<long>(ns)};
    if (ppoll(watched_.data(), watched_.size(), &timeout, nullptr) <= 0) return false;
    for (pollfd& one : watched_) heed(one);
    return true;
}

void SleepWatch::heed(pollfd& one) noexcept {
    if (one.revents == 0) return;
    if (one.fd == event_.get()) {
        uint64_t count;
        [[maybe_unused]] const ssize_t drained = read(one.fd, &count, sizeof count);
    } else if (one.fd == epoll_.get()) {
        heed_epoll();
    } else if ((one.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0 && !takes_error(one.fd)) {
        one.fd = -1;  // ppoll passes by it
        whole_ = false;
    }
}

void SleepWatch::heed_epoll() noexcept {
    std::array<epoll_event, kMostPolled> events;
    const int n = epoll_wait(epoll_.get(), events.data(), events.size(), 0);
    for (int i = 0; i < n; ++i) {
        const epoll_event& event = events[static_cast<size_t>(i)];
        if ((event.events & (EPOLLERR | EPOLLHUP)) == 0 || takes_error(event.data.fd)) continue;
        epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, event.data.fd, nullptr);
        whole_ = false;
    }
}

}  // namespace vethway
