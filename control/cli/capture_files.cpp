// SPDX-License-Identifier: Apache-2.0
#include "control/cli/capture_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include "control/cli/client.h"

namespace vethway::cli {

namespace {

constexpr uint32_t kSectionBlock = 0x0a0d0d0a, kInterfaceBlock = 1;
constexpr std::string_view kSuffix = ".pcapng";
constexpr mode_t kMode = 0644;
constexpr int kAskMs = 100;  // whether to give up

[[noreturn]] void fail(const std::string& name) {
    throw ClientError({name + ": " + std::strerror(errno)});
}

}  // namespace

std::string numbered(const std::string& file, unsigned number) {
    const bool has_suffix = file.ends_with(kSuffix);
    return fmt::format("{}.{:04}{}",
                       file.substr(0, file.size() - (has_suffix ? kSuffix.size() : 0)), number,
                       kSuffix);
}

// A pipe that is writable takes PIPE_BUF bytes at once, so that no write blocks.
bool write_all(int fd, const std::string& name, std::string_view bytes,
               const std::function<bool()>& give_up) {
    while (!bytes.empty()) {
        pollfd one{.fd = fd, .events = POLLOUT, .revents = 0};
        if (poll(&one, 1, kAskMs) <= 0) {
            if (give_up()) return false;
            continue;
        }
        const ssize_t n = write(fd, bytes.data(), std::min<size_t>(bytes.size(), PIPE_BUF));
        if (n < 0 && errno == EPIPE) return false;
        if (n < 0 && errno != EINTR && errno != EAGAIN) fail(name);
        if (n > 0) bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
}

CaptureFiles::CaptureFiles(CaptureTarget target) : target_(std::move(target)) {
    if (target_.file == "-") {
        fd_ = STDOUT_FILENO;
        name_ = "stdout";
    } else {
        open_next();
    }
}

CaptureFiles::~CaptureFiles() { close_file(); }

void CaptureFiles::close_file() {
    if (fd_ > STDERR_FILENO) close(fd_);
    fd_ = -1;
}

void CaptureFiles::open_next() {
    close_file();
    name_ = target_.bytes == 0 ? target_.file : numbered(target_.file, ++number_);
    fd_ = open(name_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kMode);
    if (fd_ < 0) fail(name_);
    kept_.push_back(name_);
    if (target_.files != 0 && kept_.size() > target_.files) {
        unlink(kept_.front().c_str());
        kept_.pop_front();
    }
    pending_ = head_;
    size_ = head_.size();
}

void CaptureFiles::add(uint32_t type, std::string_view block) {
    const bool of_head = type == kSectionBlock || type == kInterfaceBlock;
    if (target_.bytes != 0 && !of_head && size_ > head_.size() &&
        size_ + block.size() > target_.bytes) {
        flush();
        open_next();
    }
    if (of_head) head_ += block;
    pending_ += block;
    size_ += block.size();
}

bool CaptureFiles::flush() {
    const bool written = write_all(fd_, name_, pending_, target_.give_up);
    pending_.clear();
    return written;
}

}  // namespace vethway::cli
