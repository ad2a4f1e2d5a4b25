// SPDX-License-Identifier: Apache-2.0
#include "control/cli/lab/child.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <system_error>

namespace vethway::cli {

namespace {

pid_t spawn(const std::vector<std::string>& arguments, int out) {
    std::vector<char*> argv;
    argv.reserve(arguments.size() + 1);
    for (const std::string& argument : arguments)
        argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, out, STDERR_FILENO);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    pid_t pid = -1;
    const int error = posix_spawnp(&pid, argv[0], &files, &attributes, argv.data(), environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    if (error != 0) throw std::system_error(error, std::generic_category(), arguments.front());
    return pid;
}

}  // namespace

Child::Child(const std::vector<std::string>& arguments,
             std::function<void(const std::string&)> on_line)
    : on_line_(std::move(on_line)) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        throw std::system_error(errno, std::generic_category(), "pipe");
    try {
        pid_ = spawn(arguments, ends[1]);
    } catch (...) {
        close(ends[0]);
        close(ends[1]);
        throw;
    }
    close(ends[1]);
    reader_ = std::thread([this, fd = ends[0]] { read(fd); });
}

void Child::read(int fd) {
    const std::unique_ptr<FILE, int (*)(FILE*)> in(fdopen(fd, "r"), &fclose);
    char* buffer = nullptr;
    size_t size = 0;
    for (ssize_t n = 0; (n = getline(&buffer, &size, in.get())) >= 0;) {
        std::string line(buffer, static_cast<size_t>(n));
        while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
        if (on_line_) on_line_(line);
        const std::lock_guard lock(mutex_);
        lines_.push_back(std::move(line));
        changed_.notify_all();
    }
    free(buffer);
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
}

void Child::reap() {
    if (!reaped_) waitpid(pid_, &status_, 0);
    reaped_ = true;
    if (reader_.joinable()) reader_.join();
}

int Child::wait() {
    reap();
    return WIFSIGNALED(status_) ? 128 + WTERMSIG(status_) : WEXITSTATUS(status_);
}

void Child::end() {
    if (reaped_) return;
    kill(-pid_, SIGTERM);
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, std::chrono::seconds(2), [this] { return closed_; }))
        kill(-pid_, SIGKILL);
    lock.unlock();
    reap();
}

bool Child::running() const {
    const std::lock_guard lock(mutex_);
    return !closed_;
}

bool Child::wait_for_line(const std::string& text, double seconds) const {
    const auto printed = [&] {
        for (const std::string& line : lines_)
            if (line.find(text) != std::string::npos) return true;
        return false;
    };
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::duration<double>(seconds),
                      [&] { return closed_ || printed(); });
    return printed();
}

std::vector<std::string> Child::lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
}

}  // namespace vethway::cli
