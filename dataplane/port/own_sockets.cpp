// SPDX-License-Identifier: Apache-2.0
#include "dataplane/port/own_sockets.h"

#include <linux/if_packet.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <iterator>
#include <string>

namespace vethway {

namespace {

template <class Keep>
std::vector<int> descriptors_that(Keep keep) {
    std::vector<int> found;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        const std::string name = entry.path().filename();
        int fd = -1;
        std::from_chars(name.data(), name.data() + name.size(), fd);
        if (fd >= 0 && keep(fd)) found.push_back(fd);
    }
    std::ranges::sort(found);
    return found;
}

}  // namespace

std::vector<int> packet_sockets(unsigned ifindex) {
    return descriptors_that([ifindex](int fd) {
        sockaddr_ll at{};
        socklen_t len = sizeof at;
        return getsockname(fd, reinterpret_cast<sockaddr*>(&at), &len) == 0 &&
               at.sll_family == AF_PACKET && at.sll_protocol != 0 &&
               at.sll_ifindex == static_cast<int>(ifindex);
    });
}

std::vector<int> xdp_sockets() {
    return descriptors_that([](int fd) {
        int domain = 0;
        socklen_t len = sizeof domain;
        return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_XDP;
    });
}

std::vector<int> bpf_maps() {
    return descriptors_that([](int fd) {
        std::error_code gone;
        return std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), gone) ==
               "anon_inode:bpf-map";
    });
}

std::vector<int> added(const std::vector<int>& before, const std::vector<int>& now) {
    std::vector<int> fresh;
    std::ranges::set_difference(now, before, std::back_inserter(fresh));
    return fresh;
}

}  // namespace vethway
