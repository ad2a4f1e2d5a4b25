// SPDX-License-Identifier: Apache-2.0
#include "control/cli/baseline.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace vethway::cli {

namespace {

[[noreturn]] void fail(const std::string& file, int error) {
    throw ClientError({fmt::format("{}: {}", file, std::strerror(error))});
}

bool is_own_directory(const std::string& path) {
    struct stat s {};
    return lstat(path.c_str(), &s) == 0 && S_ISDIR(s.st_mode) && s.st_uid == geteuid() &&
           (s.st_mode & 022) == 0;
}

// /tmp is everybody's: what is there under our name must be ours.
std::string directory() {
    const char* const xdg = std::getenv("XDG_RUNTIME_DIR");
    if (xdg != nullptr && is_own_directory(xdg)) return xdg;
    std::string run = fmt::format("/run/user/{}", geteuid());
    if (is_own_directory(run)) return run;
    std::string tmp = fmt::format("/tmp/vethway-{}", geteuid());
    if (mkdir(tmp.c_str(), 0700) != 0 && errno != EEXIST) fail(tmp, errno);
    if (!is_own_directory(tmp))
        throw ClientError({tmp + ": is not a directory of yours alone; set XDG_RUNTIME_DIR"});
    return tmp;
}

}  // namespace

std::string baseline_file(const std::string& socket) {
    std::string name;
    for (const char c : std::filesystem::absolute(socket).lexically_normal().string())
        name += c == '/' ? "%2F" : c == '%' ? "%25" : std::string(1, c);
    return directory() + "/vethway-zero" + name + ".json";
}

void save_baseline(const std::string& file, const Json& readings) {
    const std::string text = readings.dump() + '\n', fresh = fmt::format("{}.{}", file, getpid());
    const int fd = open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) fail(fresh, errno);
    const ssize_t written = write(fd, text.data(), text.size());
    int error = written < 0 ? errno : ENOSPC;
    if (close(fd) == 0 && written == static_cast<ssize_t>(text.size())) {
        if (rename(fresh.c_str(), file.c_str()) == 0) return;
        error = errno;
    }
    unlink(fresh.c_str());
    fail(file, error);
}

Json load_baseline(const std::string& file, const std::string& path, const Json& now) {
    std::ifstream in(file);
    if (!in)
        throw ClientError({"nothing was called zero yet: vethway show counters --zero does it"});
    const Json readings = Json::parse(in, nullptr, false);
    const auto saved = readings.is_object() ? readings.find(path) : readings.end();
    if (saved == readings.end() || !saved->is_object())
        throw ClientError({file + ": is damaged; vethway show counters --zero makes it anew"});
    if (saved->value("instance", "") != now["instance"])
        throw ClientError({"vethwayd was started anew since --zero, and counts from zero itself"});
    return *saved;
}

}  // namespace vethway::cli
