// SPDX-License-Identifier: Apache-2.0
// What labs claim, and how it is checked.
#include "control/cli/lab/lab.h"

#include <gtest/gtest.h>

#include "control/cli/lab/child.h"
#include "control/cli/lab/seen.h"

namespace vethway::cli {
namespace {

TEST(Labs, ThoseThatComeWithVethwayAreWhole) {
    for (const LabText& text : built_in_labs()) {
        const Lab lab = parse_lab(std::string(text.text));
        EXPECT_EQ(lab.name, text.name);
        EXPECT_FALSE(lab.title.empty() || lab.about.empty() || lab.steps.empty()) << lab.name;
        for (const LabStep& step : lab.steps) EXPECT_FALSE(step.claims.empty()) << step.title;
    }
}

std::string refusal(const std::string& text) {
    try {
        parse_lab(text);
    } catch (const std::exception& e) {
        return e.what();
    }
    return "";
}

TEST(Labs, WhatIsWrongInOneIsSaid) {
    EXPECT_EQ(refusal("name: a\nstep: []\n"), "lab: line 2: unknown key step");
    EXPECT_EQ(refusal("steps:\n  - {title: t, claims: [{says: s}]}\n"),
              "lab: line 2: a claim that nothing can refute");
    EXPECT_EQ(refusal("namespaces: [sw]\nnetwork: [{h1: ip link}]\n"),
              "lab: no such namespace: h1");
    EXPECT_EQ(refusal("namespaces: [sw]\nnetwork: [ip link]\n"),
              "lab: line 2: expected NAMESPACE: COMMAND");
}

const std::vector<std::string> kLines{
    "vethway: capturing, Ctrl-C ends it",
    "21:55:31.000000 v0 Out ARP, Request who-has 10.0.0.2 tell 10.0.0.1, length 28",
    "21:55:31.000050 v1 In  ARP, Request who-has 10.0.0.2 tell 10.0.0.1, length 28 -- dropped: x",
    "21:55:31.000060 v1 X   ARP, Request who-has 10.0.0.2 tell 10.0.0.1, length 28 -- dropped: x",
    "21:55:32.500000 v0 Out ARP, Request who-has 10.0.0.2 tell 10.0.0.1, length 28"};

TEST(SeenPackets, AreReadFromLines) {
    const auto seen = seen_packets(kLines);
    ASSERT_EQ(seen.size(), 3U) << "a drop of what came in is told once";
    EXPECT_EQ(seen[1].port, "v1");
    EXPECT_EQ(seen[1].what,
              "In ARP, Request who-has 10.0.0.2 tell 10.0.0.1, length 28 -- dropped: x");
    EXPECT_NEAR(seen[2].at_s - seen[0].at_s, 1.5, 1e-6);
}

std::string why_not(const LabClaim& claim) {
    return refuted(claim, {.printed = {"1 received", "0% loss"}, .seen = seen_packets(kLines)});
}

TEST(Claims, OfPackets) {
    const std::string ask = "Out ARP, Request who-has 10.0.0.2";
    EXPECT_EQ(why_not({.seen = {{"v0", {ask, ask}}, {"lo", {}}}, .apart_s = 1.4}), "");
    EXPECT_EQ(why_not({.seen = {{"v1", {"X *"}}, {"v0", {}}}, .among = "X "}),
              "v1 did not see: X *");
    EXPECT_EQ(why_not({.seen = {{"v1", {"In *"}}, {"v0", {}}}, .among = "In "}), "");
    EXPECT_EQ(why_not({.seen = {{"v0", {ask}}}}).substr(0, 12), "v0 also saw:");
    EXPECT_EQ(why_not({.seen = {{"v0", {ask, ask, ask}}}}), "v0 did not see: " + ask);
    EXPECT_EQ(why_not({.seen = {{"lo", {ask}}}}), "lo did not see: " + ask);
    EXPECT_EQ(why_not({.seen = {{"v0", {"In*", ask}}}}).substr(0, 7), "v0 saw:");
    EXPECT_EQ(why_not({.seen = {{"v0", {ask, ask}}}, .apart_s = 1.6}).substr(0, 13),
              "v0 saw these ");
}

TEST(Claims, OfWhatWasPrinted) {
    EXPECT_EQ(why_not({.printed = {"1 rec", "*loss"}}), "");
    EXPECT_EQ(why_not({.printed = {"2 rec"}}), "nothing printed reads: 2 rec");
    EXPECT_EQ(why_not({.not_printed = {"*% loss"}}), "something printed reads: *% loss");
    EXPECT_EQ(why_not({.not_printed = {"loss"}}), "");
}

TEST(Child, LinesAndStatus) {
    Child child({"sh", "-c", "echo one; echo two >&2; exit 3"});
    EXPECT_EQ(child.wait(), 3);
    EXPECT_EQ(child.lines(), (std::vector<std::string>{"one", "two"}));
    EXPECT_FALSE(child.running());
}

TEST(Child, EndsWithAllOfItsGroup) {
    Child child({"sh", "-c", "sleep 100 & echo on; wait"});
    ASSERT_TRUE(child.wait_for_line("on", 5));
    EXPECT_FALSE(child.wait_for_line("off", 0.05));
    child.end();
    EXPECT_EQ(child.wait(), 128 + SIGTERM);
}

TEST(Child, ThatCannotBeStarted) { EXPECT_THROW(Child({"/no/such/program"}), std::system_error); }

}  // namespace
}  // namespace vethway::cli
