// SPDX-License-Identifier: Apache-2.0
#include "control/watch/flows.h"

#include <gtest/gtest.h>

#include "tests/unit/packet.h"

namespace vethway {
namespace {

using namespace test;

TEST(FlowOf, HasAddressesProtocolAndPorts) {
    const FlowKey key = flow_of(frame({.payload = udp(counting(8), 53)})).value();
    EXPECT_EQ(key.src, kHostIp[1]);
    EXPECT_EQ(key.dst, kHostIp[2]);
    EXPECT_EQ(key.protocol, kProtocolUdp);
    EXPECT_EQ(key.target_port, 53);
    EXPECT_NE(key.source_port, 0);
}

TEST(FlowOf, PassesTags) {
    Bytes tagged = frame(Ip4Packet{});
    const Bytes tag{std::byte{0x81}, std::byte{0}, std::byte{0}, std::byte{7}};
    tagged.insert(tagged.begin() + 12, tag.begin(), tag.end());
    EXPECT_EQ(flow_of(tagged), flow_of(frame(Ip4Packet{})));
}

TEST(FlowOf, LaterFragmentsHaveNoPorts) {
    const FlowKey key = flow_of(frame({.fragment = 100})).value();
    EXPECT_EQ(key.source_port, 0);
    EXPECT_EQ(key.target_port, 0);
}

TEST(FlowOf, IsNoneOfWhatIsNoIp4OrCutTooEarly) {
    EXPECT_FALSE(flow_of(frame(ArpMessage{})));
    const Bytes whole = frame(Ip4Packet{});
    for (size_t n = 0; n < 34; ++n) EXPECT_FALSE(flow_of(std::span(whole).first(n))) << n;
    for (size_t n = 34; n < 38; ++n)
        EXPECT_EQ(flow_of(std::span(whole).first(n))->target_port, 0) << n;
    EXPECT_NE(flow_of(std::span(whole).first(38))->target_port, 0);
}

}  // namespace
}  // namespace vethway
