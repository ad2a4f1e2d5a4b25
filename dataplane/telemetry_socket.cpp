// SPDX-License-Identifier: Apache-2.0
#include "dataplane/telemetry_socket.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

namespace vethway {

namespace {

constexpr int kPatienceMs = 1000;  // for what DPDK's threads are about in the end
constexpr int kGraceMs = 50;

// As EAL has it (eal_filesystem.h), and dpdk-telemetry.py.
std::string runtime_directory() {
    const auto variable = [](const char* name) {
        const char* value = std::getenv(name);
        return std::string(value == nullptr ? "" : value);
    };
    std::string base = variable("RUNTIME_DIRECTORY");
    if (base.empty()) base = getuid() == 0 ? "/var/run" : variable("XDG_RUNTIME_DIR");
    return (base.empty() ? "/tmp" : base) + "/dpdk";
}

bool made(const std::string& directory) {
    return mkdir(directory.c_str(), 0700) == 0 || errno == EEXIST;
}

int unix_socket(int flags = 0) { return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0); }

bool fits(const std::string& path) { return path.size() < sizeof(sockaddr_un::sun_path); }

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
}

bool listens(int fd) {
    int on = 0;
    socklen_t size = sizeof on;
    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &size) == 0 && on != 0;
}

// Where a socket of ours is bound, or was accepted; empty for anything else.
std::string path_of(int fd) {
    sockaddr_un local{};
    socklen_t size = sizeof local;
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&local), &size) != 0 ||
        local.sun_family != AF_UNIX || size <= sizeof(sa_family_t))
        return "";
    local.sun_path[sizeof local.sun_path - 1] = '\0';
    return local.sun_path;
}

std::vector<int> own_descriptors() {
    std::vector<int> fds;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error))
        fds.push_back(std::atoi(entry.path().filename().c_str()));
    return fds;
}

bool end_connections(const std::string& path, int way) {
    bool any = false;
    for (const int fd : own_descriptors())
        if (path_of(fd) == path && !listens(fd)) {
            shutdown(fd, way);
            any = true;
        }
    return any;
}

}  // namespace

// DPDK unlinks its socket by atexit(); what is registered before that runs after it.
void TelemetrySocket::remove_directory_at_exit() {
    static const std::string* const kDirectory =
        new std::string(runtime_directory() + '/' + kFilePrefix);
    std::atexit([] { rmdir(kDirectory->c_str()); });  // another vethwayd may still be in it
}

TelemetrySocket::TelemetrySocket() {
    const std::string above = runtime_directory();
    const std::string directory = above + '/' + kFilePrefix;
    // Longer than DPDK's own name, dpdk_telemetry.v2:N. It is no name that dpdk-telemetry.py lists.
    trial_ = directory + "/vethwayd-starts." + std::to_string(getpid());
    if (!fits(trial_)) {
        problem_ = directory + ": the path is too long for a socket";
        return;
    }
    trial_fd_ = unix_socket();
    const sockaddr_un address = address_of(trial_);
    // Another vethwayd that ends removes the directory, unless something is in it.
    for (int tries = 0; tries < 10; ++tries) {
        if (!made(above) || !made(directory)) break;
        unlink(trial_.c_str());  // of a killed one that had our process id
        if (bind(trial_fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
            return;
        if (errno != ENOENT) break;
    }
    problem_ = directory + ": " + std::strerror(errno);
}

TelemetrySocket::~TelemetrySocket() { let_go(); }

void TelemetrySocket::let_go() {
    if (trial_fd_ < 0) return;
    ::close(std::exchange(trial_fd_, -1));
    if (problem_.empty()) unlink(trial_.c_str());
}

void TelemetrySocket::find() {
    const std::string name = runtime_directory() + '/' + kFilePrefix + "/dpdk_telemetry.v2";
    for (const int fd : own_descriptors())
        if (const std::string path = path_of(fd); path.starts_with(name) && listens(fd)) {
            path_ = path;
            listener_ = fd;
        }
    let_go();
}

// A thread of DPDK's waits in accept() for ever. Shutting its listener down would make it end, but
// then the path looks abandoned while it still is to be unlinked at exit: another vethwayd that
// starts meanwhile would take it over, and lose its socket by that. So the listener goes on to
// exist, with nobody to serve it, and the thread gets one in its place that nobody knows.
void TelemetrySocket::close() {
    if (listener_ < 0) return;
    const int nowhere = unix_socket(), client = unix_socket(SOCK_NONBLOCK);
    const sa_family_t autobind = AF_UNIX;  // unix(7): an abstract name of the kernel's choice
    if (bind(nowhere, reinterpret_cast<const sockaddr*>(&autobind), sizeof autobind) != 0 ||
        listen(nowhere, 1) != 0 || dup(listener_) < 0)
        return;
    dup2(nowhere, std::exchange(listener_, -1));
    ::close(nowhere);
    // The thread is still in accept() of the old one: it takes this connection, and then the new.
    const sockaddr_un address = address_of(path_);
    if (connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
        pollfd greeted{client, POLLIN, 0};
        poll(&greeted, 1, kPatienceMs / 4);  // others were before it: the thread took one of them
    } else {
        usleep(kGraceMs * 1000);  // too many wait; the same
    }
    ::close(client);
    // An answer under way is still written, unless its client does not take it.
    const auto way = [](int ms) { return ms < kGraceMs ? SHUT_RD : SHUT_RDWR; };
    for (int ms = 0; ms < kPatienceMs && end_connections(path_, way(ms)); ++ms) usleep(1000);
}

}  // namespace vethway
