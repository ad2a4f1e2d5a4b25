// SPDX-License-Identifier: Apache-2.0
// One client's connection. httplib's own has one patience for all requests, and does not say when
// a client that only listens has gone.
#pragma once

#include <httplib.h>

#include <array>
#include <string>

namespace vethway {

class HttpConnection final : public httplib::Stream {
public:
    HttpConnection(int fd, int patience_ms) : fd_(fd), patience_ms_(patience_ms) {}

    // Of the request that this thread carries out.
    static HttpConnection& current();
    // For the rest of this request a client may be as slow as it likes; it is gone when its end is
    // closed.
    void wait_for_slow_client() { write_ms_ = -1; }
    // Waits for the client to say that it has enough, by closing its end or half of it, and
    // returns whether it has.
    bool has_ended(int wait_ms) const;

    // Between two requests.
    bool wait_for_request(int ms);

    bool is_readable() const override;
    bool is_writable() const override;
    ssize_t read(char* to, size_t size) override;
    ssize_t write(const char* from, size_t size) override;
    void get_remote_ip_and_port(std::string&, int&) const override {}
    void get_local_ip_and_port(std::string&, int&) const override {}
    socket_t socket() const override { return fd_; }

private:
    const int fd_, patience_ms_;
    int write_ms_ = patience_ms_;
    std::array<char, 4096> buffer_;  // what was read ahead: httplib asks for a byte at a time
    size_t from_ = 0, to_ = 0;
};

// Serves each connection by an HttpConnection.
class ConnectionServer final : public httplib::Server {
private:
    bool process_and_close_socket(socket_t fd) override;
};

}  // namespace vethway
