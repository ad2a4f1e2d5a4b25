// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "control/cli/show.h"
#include "control/cli/table.h"

namespace vethway::cli {

namespace {

std::string or_dash(const Json& value) { return value.is_null() ? "-" : text_of(value); }

std::string vlans_of(const Json& m) {
    if (!m["vlan"].is_null()) return text_of(m["vlan"]) + " access";
    std::string text = text_of(m["trunk"]);
    for (const Json& t : m["translate"])
        text +=
            fmt::format("{}{}={}", text.empty() ? "" : ",", text_of(t["wire"]), text_of(t["vlan"]));
    if (!m["native"].is_null())
        text += fmt::format("{}native {}", text.empty() ? "" : ", ", text_of(m["native"]));
    if (m["tag"] != "802.1q") text += " " + text_of(m["tag"]);
    return text.empty() ? "-" : text;
}

// In how many VLANs, or in which.
std::string looped_vlans_of(const Json& m) {
    const Json& vlans = m["looped_vlans"];
    if (vlans.empty()) return "";
    return vlans.size() == 1 ? " in VLAN " + text_of(vlans[0])
                             : fmt::format(" in {} VLANs", vlans.size());
}

// What differs from a member that says nothing.
std::string settings_of(const Json& m) {
    std::string text;
    const auto say = [&](const std::string& what) { text += (text.empty() ? "" : ", ") + what; };
    if (!m["learning"].get<bool>()) say("no learning");
    if (m["hairpin"].get<bool>()) say("hairpin");
    for (const char* kind : {"unicast", "multicast", "broadcast"}) {
        if (!m[std::string("flood_") + kind].get<bool>()) say(std::string("no flood of ") + kind);
        if (const Json& pps = m[std::string("storm_") + kind]; pps != 0)
            say(fmt::format("{} at most {}/s", kind, text_of(pps)));
    }
    if (m["split_horizon"] != 0) say("split horizon " + text_of(m["split_horizon"]));
    if (m["learn_limit"] != 0) say("at most " + text_of(m["learn_limit"]) + " stations");
    if (m["shut"].get<bool>())
        say("shut: a loop" + looped_vlans_of(m));
    else if (m["looped"].get<bool>())
        say("a loop" + looped_vlans_of(m));
    for (const char* option : {"arp_guard", "dhcp_guard", "ra_guard", "source_guard",
                               "neigh_suppress", "multicast_router", "multicast_fast_leave"})
        if (m[option].get<bool>()) say(option);
    if (!m["macs"].empty()) say(fmt::format("only {} MACs", m["macs"].size()));
    return text.empty() ? "-" : text;
}

// Who asks hosts for the groups that they want, of one IP version.
std::string querier_of(const Json& q) {
    const std::string waits = q["in_force"].get<bool>() ? "" : ", hosts are still answering";
    if (q["self"].get<bool>()) return "asked by the bridge" + waits;
    if (q["address"].is_null()) return "nobody asks, so that all are flooded";
    return fmt::format("asked by {} at {}{}", text_of(q["address"]), text_of(q["port"]), waits);
}

// Of VLANs only those that somebody asks in.
std::string snooping_of(const Json& s) {
    if (s.is_null()) return "";
    std::string out = fmt::format("snooping: {} groups learned\n", text_of(s["groups"]));
    for (const Json& v : s["vlans"]) {
        std::string routers;
        for (const Json& r : v["routers"]) routers += ' ' + text_of(r);
        for (const char* version : {"ip4", "ip6"}) {
            const Json& q = v[version];
            const bool silent = q["address"].is_null() && !q["self"].get<bool>();
            if (silent && !v["vlan"].is_null()) continue;
            const std::string vlan = v["vlan"].is_null() ? "" : "VLAN " + text_of(v["vlan"]) + ", ";
            out += fmt::format("  {}{}: {}{}\n", vlan,
                               std::string_view(version) == "ip4" ? "IPv4" : "IPv6", querier_of(q),
                               routers.empty() ? "" : "; routers at" + routers);
        }
    }
    return out;
}

// What it knows of IP, on lines of their own; nothing where that is nothing.
std::string rules_of(const Json& b) {
    const bool usual = b["snooping"].is_null() && b["unknown_multicast"] == "flood";
    if (b["bindings"] == 0 && b["groups"] == 0 && usual) return "";
    return fmt::format("{} bindings, {} groups; unknown multicast: {}\n", text_of(b["bindings"]),
                       text_of(b["groups"]), text_of(b["unknown_multicast"])) +
           snooping_of(b["snooping"]);
}

}  // namespace

std::string show_bridges(const Json& answer, bool colour) {
    std::string out;
    for (const Json& b : answer["bridges"]) {
        std::string addresses;
        for (const Json& a : b["addresses"]) addresses += ' ' + text_of(a);
        out += fmt::format("{}{}: {}, {}, MTU {}{}\n", out.empty() ? "" : "\n", text_of(b["name"]),
                           coloured(text_of(b["state"]), b["state"] == "up", colour),
                           text_of(b["mac"]), text_of(b["mtu"]), addresses);
        out += fmt::format("{} stations of at most {}, {} static; ageing {} s{}\n",
                           text_of(b["stations"]), text_of(b["learn_limit"]),
                           text_of(b["static_stations"]), text_of(b["ageing"]),
                           b["stp"] == "off" ? "" : "; " + text_of(b["stp"]));
        out += rules_of(b);
        Table table({"MEMBER", "STATE", "VLANS", "STATIONS", "UNICAST", "FLOODED", "LEARNED",
                     "MOVED", "SETTINGS"});
        for (const Json& m : b["members"]) {
            const Json& c = m["counters"];
            const bool up = m["link"] == "up";
            table.add({text_of(m["port"]),
                       coloured(up ? text_of(m["state"]) : "down", up && m["state"] == "forwarding",
                                colour),
                       vlans_of(m), text_of(m["stations"]), text_of(c["unicast"]),
                       text_of(c["flooded"]), text_of(c["learned"]), text_of(c["moved"]),
                       settings_of(m)});
        }
        out += table.text();
    }
    return out.empty() ? "no bridges\n" : out;
}

std::string show_vlans(const Json& answer, bool /*colour*/) {
    Table table({"BRIDGE", "VLAN", "MEMBERS"});
    for (const Json& v : answer["vlans"]) {
        std::string members;
        for (const Json& m : v["members"])
            members += fmt::format("{}{} ({})", members.empty() ? "" : ", ", text_of(m["port"]),
                                   text_of(m["wire"]));
        table.add({text_of(v["bridge"]), text_of(v["vlan"]), members});
    }
    Table ports({"PORT", "PARENT", "VLAN", "TAG"});
    for (const Json& p : answer["ports"])
        ports.add(
            {text_of(p["port"]), text_of(p["parent"]), text_of(p["vlan"]), text_of(p["tag"])});
    std::string out = table.empty() ? "" : table.text();
    if (!ports.empty()) out += (out.empty() ? "" : "\n") + ports.text();
    return out.empty() ? "no VLANs\n" : out;
}

std::string show_bindings(const Json& answer, bool /*colour*/) {
    Table table({"BRIDGE", "VLAN", "ADDRESS", "MAC", "PORT", "SEEN AT"});
    for (const Json& b : answer["bindings"])
        table.add({text_of(b["bridge"]), or_dash(b["vlan"]), text_of(b["address"]),
                   text_of(b["mac"]), b["port"].is_null() ? "any" : text_of(b["port"]),
                   or_dash(b["seen_at"])});
    return table.empty() ? "no bindings\n" : table.text();
}

std::string show_groups(const Json& answer, bool /*colour*/) {
    const auto listed = [](const Json& names) {
        std::string text;
        for (const Json& name : names) text += (text.empty() ? "" : ", ") + text_of(name);
        return text.empty() ? "-" : text;
    };
    // Until the last of the members is forgotten.
    const auto expires = [](const Json& g) -> std::string {
        if (g["expires_s"].is_null()) return "-";
        double last = 0;
        for (const Json& s : g["expires_s"]) last = std::max(last, s.get<double>());
        return fmt::format("{:.0f} s", last);
    };
    Table table({"BRIDGE", "VLAN", "GROUP", "MAC", "PORTS", "ROUTERS", "KIND", "EXPIRES"});
    for (const Json& g : answer["groups"])
        table.add({text_of(g["bridge"]), or_dash(g["vlan"]), text_of(g["group"]), text_of(g["mac"]),
                   listed(g["ports"]), listed(g["routers"]), text_of(g["kind"]), expires(g)});
    return table.empty() ? "no groups\n" : table.text();
}

std::string show_fdb(const Json& answer, bool /*colour*/) {
    Table table({"BRIDGE", "VLAN", "MAC", "PORT", "KIND", "AGE"});
    for (const Json& s : answer["stations"]) {
        const bool is_static = s["kind"] == "static";
        table.add({text_of(s["bridge"]), or_dash(s["vlan"]), text_of(s["mac"]), text_of(s["port"]),
                   text_of(s["kind"]) + (s["damped"].get<bool>() ? ", moves too often" : ""),
                   is_static ? "-" : fmt::format("{:.1f} s", s["age_s"].get<double>())});
    }
    return table.empty() ? "no stations\n" : table.text();
}

}  // namespace vethway::cli
