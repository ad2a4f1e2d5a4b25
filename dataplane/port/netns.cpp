// SPDX-License-Identifier: Apache-2.0
#include "dataplane/port/netns.h"

#include <fcntl.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "dataplane/port/port.h"

namespace vethway {

namespace {

constexpr const char* kOwn = "/proc/thread-self/ns/net";

std::string path_of(const std::string& netns) {
    if (netns.find('/') != std::string::npos) return netns;
    if (std::ranges::all_of(netns, [](char c) { return c >= '0' && c <= '9'; }))
        return "/proc/" + netns + "/ns/net";
    return "/run/netns/" + netns;
}

}  // namespace

Fd open_netns(const std::string& port, const std::string& netns) {
    if (netns.empty()) return {};
    const std::string path = path_of(netns);
    Fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    // Of a process that may do more than we may (ptrace(2), access mode checking).
    if (!fd && (errno == EACCES || errno == EPERM))
        throw PortError("port " + port + ": network namespace \"" + netns + "\": " + path + ": " +
                        std::strerror(errno) + " (needs the capability SYS_PTRACE)");
    if (!fd)
        throw PortError("port " + port + ": no network namespace \"" + netns + "\" (" + path +
                        ": " + std::strerror(errno) + "); create it with: ip netns add <name>");
    return fd;
}

NetnsScope::NetnsScope(const std::string& port, const Fd& netns) {
    if (!netns) return;
    before_ = Fd(open(kOwn, O_RDONLY | O_CLOEXEC));
    if (before_ && setns(netns.get(), CLONE_NEWNET) == 0) return;
    const int error = errno;
    before_.reset();
    throw PortError("port " + port + ": can't enter its network namespace: " +
                    std::strerror(error) + " (needs CAP_SYS_ADMIN)");
}

// A thread that can't come back would do everything else in the wrong place.
NetnsScope::~NetnsScope() {
    if (!before_ || setns(before_.get(), CLONE_NEWNET) == 0) return;
    std::perror("vethwayd: can't return to its network namespace");
    std::abort();
}

}  // namespace vethway
