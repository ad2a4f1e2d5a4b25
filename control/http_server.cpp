// SPDX-License-Identifier: Apache-2.0
#include "control/http_server.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <condition_variable>
#include <cstring>
#include <deque>
#include <filesystem>
#include <mutex>
#include <stdexcept>

namespace vethway {

namespace {

constexpr time_t kPatienceS = 5;  // for a request's bytes to come, and an answer's to be taken
constexpr time_t kKeepAliveS = 2;
constexpr int kGraceMs = 50;  // at the end, for answers under way to be written
constexpr size_t kMaxThreads = 64;
constexpr size_t kMaxRequest = size_t{16} << 20;

// httplib serves a connection to its end on one thread. One is made for each that finds none idle,
// so that a client which says nothing keeps its own thread and no other client; past kMaxThreads of
// them newcomers wait until the first run out of patience.
class ConnectionThreads final : public httplib::TaskQueue {
public:
    void enqueue(std::function<void()> serve) override {
        const std::lock_guard lock(mutex_);
        waiting_.push_back(std::move(serve));
        if (idle_ < waiting_.size() && threads_.size() < kMaxThreads)
            threads_.emplace_back([this] { work(); });
        wake_.notify_one();
    }
    void shutdown() override {
        {
            const std::lock_guard lock(mutex_);
            ended_ = true;
        }
        wake_.notify_all();
        for (std::thread& thread : threads_) thread.join();
    }

private:
    void work() {
        std::unique_lock lock(mutex_);
        while (true) {
            ++idle_;
            wake_.wait(lock, [this] { return ended_ || !waiting_.empty(); });
            --idle_;
            if (waiting_.empty()) return;
            const std::function<void()> serve = std::move(waiting_.front());
            waiting_.pop_front();
            lock.unlock();
            serve();
            lock.lock();
        }
    }

    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<std::function<void()>> waiting_;
    std::vector<std::thread> threads_;
    size_t idle_ = 0;
    bool ended_ = false;
};

sockaddr_un unix_address(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
}

// Makes way for a new socket at `path`, if what is there is an old one.
void clear_stale_socket(const std::string& what, const std::string& path) {
    struct stat is {};
    if (lstat(path.c_str(), &is) != 0) return;
    if (!S_ISSOCK(is.st_mode))
        throw std::runtime_error(what + ' ' + path + ": exists and is no socket");
    const sockaddr_un address = unix_address(path);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int connected = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    close(fd);
    if (connected == 0)
        throw std::runtime_error(what + ' ' + path +
                                 ": another vethwayd listens there; stop it, or give this one a "
                                 "socket of its own");
    unlink(path.c_str());
}

void make_parent(const std::string& what, const std::string& path) {
    const auto parent = std::filesystem::path(path).parent_path();
    std::error_code error;
    if (!parent.empty()) std::filesystem::create_directories(parent, error);
    if (error) throw std::runtime_error(what + ' ' + path + ": " + error.message());
}

bool is_local_end_of(int fd, const std::string& unix_path, uint16_t tcp_port) {
    sockaddr_storage local{};
    socklen_t size = sizeof local;
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&local), &size) != 0) return false;
    if (local.ss_family == AF_UNIX)
        return !unix_path.empty() && unix_path == reinterpret_cast<sockaddr_un&>(local).sun_path;
    return local.ss_family == AF_INET && tcp_port != 0 &&
           ntohs(reinterpret_cast<sockaddr_in&>(local).sin_port) == tcp_port;
}

}  // namespace

void HttpServer::limit() {
    server_.new_task_queue = [] { return new ConnectionThreads; };
    server_.set_read_timeout(kPatienceS);
    server_.set_write_timeout(kPatienceS);
    server_.set_keep_alive_timeout(kKeepAliveS);
    server_.set_payload_max_length(kMaxRequest);
}

HttpServer::HttpServer(const std::string& what, const Unix& at) : unix_path_(at.path) {
    limit();
    make_parent(what, at.path);
    clear_stale_socket(what, at.path);
    server_.set_address_family(AF_UNIX);
    const mode_t before = umask(~at.mode & 0777);
    const bool bound = server_.bind_to_port(at.path, 80);
    const int error = errno;
    umask(before);
    if (!bound) throw std::runtime_error(what + ' ' + at.path + ": " + std::strerror(error));
}

HttpServer::HttpServer(const std::string& what, const Tcp& at) : tcp_port_(at.port) {
    limit();
    // httplib would share a port that another process has (SO_REUSEPORT): two would then answer in
    // turn.
    server_.set_socket_options([](socket_t fd) {
        const int on = 1;
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    });
    errno = 0;
    if (!server_.bind_to_port(at.host, at.port))
        throw std::runtime_error(what + ' ' + at.host + ':' + std::to_string(at.port) + ": " +
                                 std::strerror(errno == 0 ? EADDRNOTAVAIL : errno));
}

void HttpServer::start() {
    thread_ = std::thread([this] {
        server_.listen_after_bind();
        ended_.store(true);
    });
    while (!server_.is_running() && !ended_.load()) usleep(200);
}

// httplib waits for its threads, and those for their clients: end the connections under them. They
// have the listener's own address.
void HttpServer::end_connections() const {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
        const int fd = std::atoi(entry.path().filename().c_str());
        if (is_local_end_of(fd, unix_path_, tcp_port_)) shutdown(fd, SHUT_RDWR);
    }
}

void HttpServer::stop() {
    if (!thread_.joinable()) return;
    server_.stop();
    for (int ms = 0; !ended_.load(); ++ms) {
        if (ms >= kGraceMs) end_connections();
        usleep(1000);
    }
    thread_.join();
}

HttpServer::~HttpServer() {
    stop();
    if (!unix_path_.empty()) unlink(unix_path_.c_str());
}

}  // namespace vethway
