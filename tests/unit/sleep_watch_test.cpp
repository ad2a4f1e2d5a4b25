// SPDX-License-Identifier: Apache-2.0
#include "dataplane/sleep_watch.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <thread>

namespace vethway {
namespace {

constexpr uint64_t kShort = 2'000'000, kLong = 900'000'000;  // ns
constexpr int kNoDescriptor = -1;

// Has frames when its descriptor is readable, and nothing else of a port.
class Queue final : public Port {
public:
    explicit Queue(int fd) : fd_(fd) {}
    uint16_t rx_burst(uint16_t, rte_mbuf**, uint16_t) noexcept override { return 0; }
    TxResult tx_burst(uint16_t, rte_mbuf**, uint16_t) noexcept override { return {}; }
    int rx_fd(uint16_t) const noexcept override { return fd_; }
    PortStats stats() const noexcept override { return {}; }
    std::string down_reason() const override { return {}; }
    void set_mtu(uint16_t) override {}

private:
    int fd_;
};

struct Pipe {
    Fd read, write;
    Pipe() {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0) read.reset(ends[0]), write.reset(ends[1]);
    }
    void put() const { ASSERT_EQ(::write(write.get(), "x", 1), 1); }
    void take() const {
        char c;
        ASSERT_EQ(::read(read.get(), &c, 1), 1);
    }
};

// Of one worker, by ppoll (few queues) or epoll (many).
class SleepWatchTest : public testing::TestWithParam<size_t> {
protected:
    void SetUp() override {
        for (size_t i = 0; i < GetParam(); ++i) add(pipes_.emplace_back().read.get());
        look();
    }
    void add(int fd) {
        snap_.ports.push_back({.device = queues_.emplace_back(std::make_unique<Queue>(fd)).get()});
        snap_.rx.resize(1);
        snap_.rx[0].push_back({static_cast<uint16_t>(snap_.ports.size() - 1), 0});
    }
    void look() {
        ++snap_.generation;
        watch_.watch(snap_, 0);
    }

    std::vector<Pipe> pipes_;
    std::vector<std::unique_ptr<Queue>> queues_;
    Snapshot snap_;
    SleepWatch watch_;
};
INSTANTIATE_TEST_SUITE_P(Queues, SleepWatchTest, testing::Values(1, 16, 17, 40));

TEST_P(SleepWatchTest, SleepsUntilTheTimeIsOver) {
    EXPECT_TRUE(watch_.is_whole());
    EXPECT_FALSE(watch_.wait(kShort));
    EXPECT_FALSE(watch_.wait(0));
}

TEST_P(SleepWatchTest, FramesOfAnyQueueEndIt) {
    for (const Pipe& pipe : pipes_) {
        pipe.put();
        EXPECT_TRUE(watch_.wait(kLong));
        EXPECT_TRUE(watch_.wait(kLong)) << "they are there still";
        pipe.take();
        EXPECT_FALSE(watch_.wait(0));
    }
}

TEST_P(SleepWatchTest, WakingIsForOnce) {
    watch_.wake();
    watch_.wake();
    EXPECT_TRUE(watch_.wait(kLong));
    EXPECT_FALSE(watch_.wait(0));
}

TEST_P(SleepWatchTest, IsWokenByAnotherThread) {
    std::jthread other([this] {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        watch_.wake();
    });
    EXPECT_TRUE(watch_.wait(kLong));
}

TEST_P(SleepWatchTest, QueuesThatWentAreNotWatched) {
    pipes_.front().put();
    snap_.rx[0].erase(snap_.rx[0].begin());
    EXPECT_TRUE(watch_.wait(kLong)) << "not told yet";
    look();
    EXPECT_FALSE(watch_.wait(0));
    EXPECT_TRUE(watch_.is_whole());
}

TEST_P(SleepWatchTest, DriversWithoutDescriptors) {
    add(kNoDescriptor);
    look();
    EXPECT_FALSE(watch_.is_whole());
    pipes_.back().put();
    EXPECT_TRUE(watch_.wait(kLong)) << "the others wake it all the same";
}

// As a packet socket's when its interface goes down: an error that stays until it is taken.
TEST_P(SleepWatchTest, AnErrorIsTaken) {
    Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in to{
        .sin_family = AF_INET, .sin_port = htons(1), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    ASSERT_EQ(connect(socket.get(), reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    ASSERT_EQ(send(socket.get(), "x", 1, 0), 1);  // refused, as nobody listens
    add(socket.get());
    look();
    EXPECT_TRUE(watch_.wait(kLong));
    EXPECT_TRUE(watch_.is_whole());
    EXPECT_FALSE(watch_.wait(0));
}

TEST_P(SleepWatchTest, WhatStaysBrokenIsLeftToNaps) {
    pipes_.front().write.reset();
    EXPECT_TRUE(watch_.wait(kLong));
    EXPECT_FALSE(watch_.is_whole());
    EXPECT_FALSE(watch_.wait(0));
    look();
    EXPECT_TRUE(watch_.is_whole()) << "another snapshot, another look";
}

}  // namespace
}  // namespace vethway
