// SPDX-License-Identifier: Apache-2.0
// Knobs: their values as text, whose value counts, and that the JSON Schema says the same of each.
#include "dataplane/net/knobs.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "config/knob_text.h"
#include "control/json_views.h"

namespace vethway {
namespace {

constexpr KnobInfo kSwitch{"switch", kTrueOrFalse, 0, ""};
constexpr KnobInfo kWord{"word", words_of({"off", "strict", "loose"}), 0, ""};
constexpr KnobInfo kListed{"listed", numbers_of({0, 1, 8}), 0, ""};
constexpr KnobInfo kRange{"range", from_to(1, UINT32_MAX), 1, ""};

TEST(KnobText, Choices) {
    EXPECT_EQ(knob_choice(kSwitch), "true or false");
    EXPECT_EQ(knob_choice(kWord), "off, strict or loose");
    EXPECT_EQ(knob_choice(kListed), "0, 1 or 8");
    EXPECT_EQ(knob_choice(kRange), "a number from 1 to 4294967295");
}

TEST(KnobText, Values) {
    EXPECT_EQ(parse_knob(kSwitch, "true"), 1U);
    EXPECT_EQ(parse_knob(kSwitch, "1"), std::nullopt);
    EXPECT_EQ(parse_knob(kWord, "loose"), 2U);
    EXPECT_EQ(parse_knob(kWord, "2"), std::nullopt);
    EXPECT_EQ(parse_knob(kListed, "8"), 8U);
    for (const char* bad : {"2", "9", "-1", "", "8 ", "0x1", "4294967304"})
        EXPECT_EQ(parse_knob(kListed, bad), std::nullopt) << bad;
    EXPECT_EQ(parse_knob(kRange, "4294967295"), UINT32_MAX);
    for (const char* bad : {"0", "4294967296", "1.5"})
        EXPECT_EQ(parse_knob(kRange, bad), std::nullopt) << bad;
}

template <class Knob>
void expect_readable() {
    for (const KnobInfo& knob : knob_rows<Knob>()) {
        EXPECT_EQ(parse_knob(knob, knob_text(knob, knob.initial)), knob.initial) << knob.name;
        EXPECT_TRUE(knob.values.has(knob.values.most)) << knob.name;
    }
}
TEST(KnobText, EveryDefaultIsOneOfItsValues) {
    expect_readable<PortKnob>();
    expect_readable<Ip4Knob>();
}

TEST(Knobs, TheFirstThatSaysSomethingCounts) {
    PortKnobSettings port, defaults;
    EXPECT_EQ(PortKnobs({port, defaults})[PortKnob::rp_filter], 0U);
    defaults[PortKnob::rp_filter] = 2;
    defaults[PortKnob::accept_local] = 1;
    EXPECT_EQ(PortKnobs({port, defaults})[PortKnob::rp_filter], 2U);
    port[PortKnob::rp_filter] = 0;
    EXPECT_EQ(PortKnobs({port, defaults})[PortKnob::rp_filter], 0U) << "also for the built-in one";
    EXPECT_TRUE(PortKnobs({port, defaults}).is_on(PortKnob::accept_local));
    EXPECT_EQ(Ip4Knobs()[Ip4Knob::ip_default_ttl], 64U);
}

Json schema() {
    const char* root = std::getenv("VETHWAY_SOURCE_ROOT");
    std::ifstream in(std::string(root == nullptr ? "." : root) + "/config/vethway.schema.json");
    return Json::parse(in);
}

Json json_value(const KnobInfo& knob, uint32_t value) {
    if (knob.values.kind == KnobValues::Kind::boolean) return value != 0;
    if (knob.values.kind == KnobValues::Kind::words) return knob_text(knob, value);
    return value;
}

// What the schema is to say of it. A plain `off` is YAML's false to who reads YAML 1.1.
Json wanted(const KnobInfo& knob) {
    Json out{{"description", knob.help}};
    const KnobValues& can_be = knob.values;
    if (can_be.kind == KnobValues::Kind::boolean) {
        out["type"] = "boolean";
    } else if (can_be.kind == KnobValues::Kind::range) {
        out.update({{"type", "integer"}, {"minimum", can_be.least}, {"maximum", can_be.most}});
    } else {
        for (uint32_t v = 0; v <= can_be.most; ++v)
            if (can_be.has(v)) out["enum"].push_back(json_value(knob, v));
        if (out["enum"][0] == "off") out["enum"].push_back(false);
    }
    out["default"] = json_value(knob, knob.initial);
    return out;
}

template <class Knob>
void expect_in_schema(const Json& properties) {
    EXPECT_EQ(properties.size(), kKnobs<Knob>);
    for (const KnobInfo& knob : knob_rows<Knob>())
        EXPECT_EQ(properties.value(knob.name, Json()), wanted(knob)) << knob.name;
}
TEST(Schema, SaysTheSame) {
    const Json all = schema();
    expect_in_schema<Ip4Knob>(all["properties"]["ip4"]["properties"]);
    expect_in_schema<PortKnob>(all["properties"]["defaults"]["properties"]);
    for (const char* kind : {"port", "pattern"})
        for (const KnobInfo& knob : kPortKnobs)
            EXPECT_EQ(
                all["definitions"][kind]["properties"].value(knob.name, Json()),
                Json({{"$ref", std::string("#/properties/defaults/properties/") + knob.name}}))
                << kind << ' ' << knob.name;
}

}  // namespace
}  // namespace vethway
