// SPDX-License-Identifier: Apache-2.0
#include "config/parse_port.h"

#include "config/names.h"
#include "config/parse.h"
#include "config/parse_knobs.h"

namespace vethway {

namespace {

std::string text_of(const std::optional<Field>& f) {
    return f ? f->text().value_or("") : std::string();
}

MemifConfig parse_memif(const Field& f) {
    MemifConfig p;
    if (!f.is_map_of({"socket", "role", "id"})) return p;
    p.socket = text_of(f.require("socket"));
    if (const auto role = f.find("role"))
        p.role =
            role->as<MemifRole>([](auto t) { return enum_named<MemifRole>(kMemifRoleNames, t); },
                                "server or client")
                .value_or(MemifRole::server);
    if (const auto id = f.find("id")) p.id = id->number(0, UINT32_MAX).value_or(0);
    return p;
}

PcapConfig parse_pcap(const Field& f) {
    PcapConfig p;
    if (!f.is_map_of({"rx", "tx"})) return p;
    p.rx_file = text_of(f.find("rx"));
    p.tx_file = text_of(f.find("tx"));
    if (!f.find("rx") && !f.find("tx")) f.fail("needs rx, tx or both");
    return p;
}

NullConfig parse_null(const Field& f) {
    NullConfig p;
    if (!f.is_map_of({"generate"})) return p;
    if (const auto generate = f.find("generate")) p.generate = generate->boolean().value_or(false);
    return p;
}

VethPeerConfig parse_peer(const Field& f) {
    VethPeerConfig p;
    if (!f.is_map_of({"peer", "peer_netns"})) return p;
    p.name = text_of(f.require("peer"));
    p.netns = text_of(f.find("peer_netns"));
    return p;
}

// What a port on an interface and a pattern have in common.
void parse_kernel_options(const Field& f, VethConfig& veth) {
    if (const auto shield = f.find("shield")) veth.shield = shield->boolean().value_or(true);
    if (const auto bypass = f.find("qdisc_bypass"))
        veth.qdisc_bypass = bypass->boolean().value_or(true);
}

// A name alone, or a mapping; of which the name may be left out, where it is the port's.
VethConfig parse_veth(const Field& f, const std::string& port) {
    VethConfig p;
    if (!f.is_map()) {
        p.interface = f.text().value_or("");
        return p;
    }
    if (!f.is_map_of({"interface", "netns", "shield", "qdisc_bypass", "create"})) return p;
    const auto interface = f.find("interface");
    p.interface = interface ? interface->text().value_or("") : port;
    p.netns = text_of(f.find("netns"));
    parse_kernel_options(f, p);
    if (const auto create = f.find("create")) p.create = parse_peer(*create);
    return p;
}

// `port` is the mapping that has the key `vlan`.
VlanConfig parse_vlan(const Field& vlan, const Field& port) {
    VlanConfig p;
    assign(p.vlan, vlan.number(1, kMaxVlan));
    p.parent = text_of(port.require("parent"));
    if (const auto tag = port.find("tag")) assign(p.tag, tag->as(parse_vlan_tag, kVlanTagForm));
    return p;
}

// `name` is the key under which `f` stands.
PortDriver parse_driver(std::string_view name, const Field& f, const std::string& port) {
    if (name == "veth") return parse_veth(f, port);
    if (name == "af_packet") return AfPacketConfig{f.text().value_or("")};
    if (name == "af_xdp") return AfXdpConfig{f.text().value_or("")};
    if (name == "tap") return TapConfig{f.text().value_or("")};
    if (name == "devargs") return DevargsConfig{f.text().value_or("")};
    if (name == "memif") return parse_memif(f);
    if (name == "pcap") return parse_pcap(f);
    if (name == "null") return parse_null(f);
    f.is_map_of({});
    return RingConfig{};
}

PortDriver find_driver(const Field& f, const std::string& port) {
    std::optional<PortDriver> driver;
    bool several = false;
    for (const char* name : kDriverNames)
        if (const auto found = f.find(name)) {
            several |= driver.has_value();
            driver = std::string_view(name) == "vlan" ? parse_vlan(*found, f)
                                                      : parse_driver(name, *found, port);
        }
    if (!driver || several)
        f.fail("a port needs one of: " + listed(kDriverNames) + (several ? ", not several" : ""));
    for (const char* key : {"parent", "tag"})
        if (const auto found = f.find(key);
            found && !std::holds_alternative<VlanConfig>(driver.value_or(VlanConfig{})))
            found->fail("only a port that is a vlan: has it");
    return driver.value_or(NullConfig{});
}

void parse_addresses(const Field& f, std::vector<Prefix4>& addresses) {
    for (const Field& item : f.items()) {
        Prefix4& address =
            addresses.emplace_back();  // also for a bad one: those behind keep their index
        const auto text = item.text();
        if (!text) continue;
        try {
            address = parse_interface_address(*text);
        } catch (const std::invalid_argument& e) {
            item.fail(e.what());
        }
    }
}

}  // namespace

// `match` in place of name and driver.
static PortConfig parse_pattern(const Field& f, const Field& match) {
    PortConfig port;
    VethConfig veth;
    port.driver = veth;
    if (!f.is_map_of(with_knobs<PortKnob>({"match", "adopt", "shield", "qdisc_bypass"})))
        return port;
    port.match = match.text().value_or("");
    if (const auto adopt = f.find("adopt"))
        port.adopt_addresses = adopt
                                   ->as<bool>(
                                       [](std::string_view t) -> std::optional<bool> {
                                           if (t != "addresses") return std::nullopt;
                                           return true;
                                       },
                                       "addresses")
                                   .value_or(false);
    parse_kernel_options(f, veth);
    port.driver = veth;
    port.knobs = parse_knobs<PortKnob>(f);
    return port;
}

std::optional<VlanTagKind> parse_vlan_tag(std::string_view text) {
    return enum_named<VlanTagKind>(kVlanTagNames, text);
}

void parse_ip_side(const Field& f, PortConfig& port) {
    if (const auto mac = f.find("mac")) port.mac = mac->as(Mac::parse, kMacForm);
    if (const auto mtu = f.find("mtu"))
        if (const auto n = mtu->number(kMinMtu, kMaxMtu)) port.mtu = static_cast<uint16_t>(*n);
    if (const auto addresses = f.find("addresses")) parse_addresses(*addresses, port.addresses);
    if (const auto admin = f.find("admin"))
        port.admin_up = admin
                            ->as<bool>(
                                [](std::string_view t) -> std::optional<bool> {
                                    if (t != "up" && t != "down") return std::nullopt;
                                    return t == "up";
                                },
                                "up or down")
                            .value_or(true);
    port.knobs = parse_knobs<PortKnob>(f);
}

PortConfig parse_port(const Field& f) {
    if (const auto match = f.find("match")) return parse_pattern(f, *match);
    PortConfig port;
    port.driver = NullConfig{};
    if (!f.is_map_of(with_knobs<PortKnob>({"name", "veth", "af_packet", "af_xdp", "memif", "tap",
                                           "null", "ring", "pcap", "devargs", "vlan", "parent",
                                           "tag", "mac", "mtu", "addresses", "admin"})))
        return port;
    port.name = text_of(f.require("name"));
    port.driver = find_driver(f, port.name);
    parse_ip_side(f, port);
    return port;
}

}  // namespace vethway
