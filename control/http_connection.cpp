// SPDX-License-Identifier: Apache-2.0
#include "control/http_connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace vethway {

namespace {

thread_local HttpConnection* current_connection = nullptr;

// Which of `events` there are; 0 after `ms`. -1: without end.
short wait_for_events(int fd, short events, int ms) {
    pollfd one{.fd = fd, .events = events, .revents = 0};
    int rc = 0;
    do rc = poll(&one, 1, ms);
    while (rc < 0 && errno == EINTR);
    return rc > 0 ? one.revents : short{0};
}

}  // namespace

HttpConnection& HttpConnection::current() { return *current_connection; }

bool HttpConnection::has_ended(int wait_ms) const {
    return wait_for_events(fd_, POLLRDHUP, wait_ms) != 0;
}

bool HttpConnection::wait_for_request(int ms) {
    write_ms_ = patience_ms_;
    return from_ < to_ || (wait_for_events(fd_, POLLIN, ms) & POLLIN) != 0;
}

bool HttpConnection::is_readable() const {
    return from_ < to_ || (wait_for_events(fd_, POLLIN, patience_ms_) & POLLIN) != 0;
}

bool HttpConnection::is_writable() const {
    return (wait_for_events(fd_, POLLOUT, write_ms_) & (POLLOUT | POLLHUP | POLLERR)) == POLLOUT;
}

ssize_t HttpConnection::read(char* to, size_t size) {
    if (from_ == to_) {
        if (!is_readable()) return -1;
        const ssize_t n = recv(fd_, buffer_.data(), buffer_.size(), 0);
        if (n <= 0) return n;
        from_ = 0;
        to_ = static_cast<size_t>(n);
    }
    const size_t n = std::min(size, to_ - from_);
    std::memcpy(to, buffer_.data() + from_, n);
    from_ += n;
    return static_cast<ssize_t>(n);
}

// Never blocks where is_writable() would not: the patience is its.
ssize_t HttpConnection::write(const char* from, size_t size) {
    while (is_writable()) {
        const ssize_t n = send(fd_, from, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n >= 0 || (errno != EAGAIN && errno != EINTR)) return n;
    }
    return -1;
}

// As httplib's own does it.
bool ConnectionServer::process_and_close_socket(socket_t fd) {
    const auto in_ms = [](time_t s, time_t us) { return static_cast<int>(s * 1000 + us / 1000); };
    HttpConnection connection(fd, in_ms(write_timeout_sec_, write_timeout_usec_));
    current_connection = &connection;
    bool served = false, closed = false;
    for (size_t left = keep_alive_max_count_; left > 0 && !closed && svr_sock_ != INVALID_SOCKET;
         --left) {
        if (!connection.wait_for_request(in_ms(keep_alive_timeout_sec_, 0))) break;
        served = process_request(connection, left == 1, closed, nullptr);
        if (!served) break;
    }
    current_connection = nullptr;
    shutdown(fd, SHUT_RDWR);
    close(fd);
    return served;
}

}  // namespace vethway
