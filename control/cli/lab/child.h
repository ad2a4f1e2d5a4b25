// SPDX-License-Identifier: Apache-2.0
// A process that a lab starts, what it prints line by line, and its end.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace vethway::cli {

class Child {
public:
    // In a process group of its own, without input; stdout and stderr are one. `on_line` is called
    // by another thread. Throws std::system_error.
    explicit Child(const std::vector<std::string>& arguments,
                   std::function<void(const std::string&)> on_line = {});
    ~Child() { end(); }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    // Waits for its end: the exit status, or 128 and the signal.
    int wait();
    // Asks its group to end, and after two seconds makes it.
    void end();
    bool running() const;
    // Waits until it printed a line that has `text` in it; false: it did not in time, or has ended.
    bool wait_for_line(const std::string& text, double seconds) const;
    std::vector<std::string> lines() const;

private:
    void read(int fd);
    void reap();

    pid_t pid_ = -1;
    std::function<void(const std::string&)> on_line_;
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::vector<std::string> lines_;
    bool closed_ = false;
    int status_ = -1;  // of waitpid, once reaped_
    bool reaped_ = false;
    std::thread reader_;
};

}  // namespace vethway::cli
