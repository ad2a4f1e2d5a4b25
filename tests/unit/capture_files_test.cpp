// SPDX-License-Identifier: Apache-2.0
#include "control/cli/capture_files.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "control/cli/client.h"

namespace vethway::cli {
namespace {

class Files : public testing::Test {
protected:
    Files() {
        char name[] = "/tmp/vethway_capture_XXXXXX";
        dir_ = mkdtemp(name);
    }
    ~Files() override { std::filesystem::remove_all(dir_); }
    std::string path(const std::string& name) const { return dir_ + '/' + name; }
    std::string content(const std::string& name) const {
        std::ifstream file(path(name));
        return {std::istreambuf_iterator<char>(file), {}};
    }
    std::string dir_;
};

const std::function<bool()> kNever = [] { return false; };
constexpr uint32_t kSection = 0x0a0d0d0a, kInterface = 1, kPacket = 6;

TEST(Numbered, BeforeTheSuffix) {
    EXPECT_EQ(numbered("a.pcapng", 1), "a.0001.pcapng");
    EXPECT_EQ(numbered("a", 12345), "a.12345.pcapng");
    EXPECT_EQ(numbered("d.x/a.pcap", 2), "d.x/a.pcap.0002.pcapng");
}

TEST_F(Files, One) {
    CaptureFiles files({.file = path("a"), .give_up = kNever});
    files.add(kSection, "S");
    files.add(kPacket, "PPP");
    EXPECT_TRUE(files.flush());
    EXPECT_EQ(content("a"), "SPPP");
}

// Each file begins with what its packets refer to, also with what came since.
TEST_F(Files, RingKeepsTheLast) {
    CaptureFiles files({.file = path("a.pcapng"), .bytes = 8, .files = 3, .give_up = kNever});
    files.add(kSection, "S");
    files.add(kInterface, "I");
    for (const char* packet : {"111", "222", "333"}) files.add(kPacket, packet);
    files.add(kInterface, "J");
    files.add(kPacket, "444");
    files.add(kPacket, "5555555555");
    EXPECT_TRUE(files.flush());
    EXPECT_FALSE(std::filesystem::exists(path("a.0001.pcapng")));
    EXPECT_EQ(content("a.0002.pcapng"), "SI333J");
    EXPECT_EQ(content("a.0003.pcapng"), "SIJ444");
    EXPECT_EQ(content("a.0004.pcapng"), "SIJ5555555555");
}

TEST_F(Files, WhereNoneCanBe) {
    EXPECT_THROW(CaptureFiles({.file = path("no/such"), .give_up = kNever}), ClientError);
}

TEST_F(Files, AFullPipeIsGivenUp) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    int asked = 0;
    EXPECT_FALSE(
        write_all(ends[1], "pipe", std::string(1 << 20, 'x'), [&] { return ++asked > 1; }));
    close(ends[0]);
    signal(SIGPIPE, SIG_IGN);
    EXPECT_FALSE(write_all(ends[1], "pipe", "x", kNever));
    close(ends[1]);
}

}  // namespace
}  // namespace vethway::cli
