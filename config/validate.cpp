// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "config/parse.h"
#include "config/problem.h"
#include "config/validate_bridges.h"
#include "config/validate_lags.h"
#include "config/validate_routes.h"

namespace vethway {

namespace {

constexpr size_t kMaxPattern = 64;
constexpr size_t kMaxName = 15;         // as an interface's of Linux (IFNAMSIZ)
constexpr size_t kMaxSocketPath = 107;  // sockaddr_un

class Checker : private ProblemFinder {
public:
    Checker(const Config& config, std::vector<Problem>& problems)
        : ProblemFinder(problems), config_(config) {}

    void run() {
        check_dataplane();
        for (size_t i = 0; i < config_.ports.size(); ++i) check_port(i);
        if (config_.ports.size() > kMaxConfigPorts)
            add("ports", "more than " + std::to_string(kMaxConfigPorts) + " ports");
        const auto dpdk =
            static_cast<size_t>(std::ranges::count_if(config_.ports, &PortConfig::is_dpdk));
        if (dpdk > kMaxDpdkPorts)
            add("ports", "more than " + std::to_string(kMaxDpdkPorts) +
                             " ports by DPDK's drivers, which are all but veth: and vlan:");
        for (size_t i = 0; i < config_.lags.size(); ++i) {
            check_name(config_.lags[i].port.name, indexed("lags", i) + ".name");
            check_ip_side(config_.lags[i].port, indexed("lags", i));
        }
        PortUses uses(config_.xconnects);
        find_lag_problems(config_, uses, problems_);
        for (size_t i = 0; i < config_.bridges.size(); ++i) {
            check_name(config_.bridges[i].port.name, indexed("bridges", i) + ".name");
            check_ip_side(config_.bridges[i].port, indexed("bridges", i));
        }
        find_bridge_problems(config_, uses, problems_);
        if (config_.neighbours.size() > kMaxNeighbours)
            add("neighbours", "more than " + std::to_string(kMaxNeighbours) + " neighbours");
        for (size_t i = 0; i < config_.xconnects.size(); ++i) check_xconnect(i);
        find_route_problems({config_, names_, own_, links_}, problems_);
        for (size_t i = 0; i < config_.neighbours.size(); ++i) check_neighbour(i);
        check_neighbour_table();
        check_control();
    }

private:
    void check_dataplane() {
        const WorkersConfig& w = config_.dataplane.workers;
        const std::set<unsigned> cpus(w.cpus.begin(), w.cpus.end());
        if (cpus.size() != w.cpus.size()) add("dataplane.workers", "a CPU is given twice");
        if (w.cpus.size() > 64) add("dataplane.workers", "more than 64 workers");
    }

    void check_port(size_t i) {
        const PortConfig& port = config_.ports[i];
        const std::string path = indexed("ports", i);
        if (!port.match.empty()) return check_pattern(port, path);
        check_name(port.name, path + ".name");
        check_device(port, path);
        check_ip_side(port, path);
    }

    // What ports, LAGs and bridges have in common.
    void check_ip_side(const PortConfig& port, const std::string& path) {
        if (port.mac && (port.mac->is_group() || port.mac->is_zero()))
            add(path + ".mac", port.mac->to_string() + " can't be a station's address");
        if (port.mtu && (*port.mtu < kMinMtu || *port.mtu > kMaxMtu))
            add(path + ".mtu",
                "expected " + std::to_string(kMinMtu) + " to " + std::to_string(kMaxMtu));
        if (port.addresses.size() > kMaxPortAddresses)
            add(path + ".addresses",
                "more than " + std::to_string(kMaxPortAddresses) + " addresses");
        for (size_t a = 0; a < port.addresses.size(); ++a)
            check_address(port.addresses[a], port.name, indexed(path + ".addresses", a));
    }

    void check_pattern(const PortConfig& port, const std::string& path) {
        if (port.match.size() > kMaxPattern || port.match.find('/') != std::string::npos)
            add(path + ".match", '"' + port.match + "\" can't be a pattern of interfaces' names");
        if (!patterns_.insert(port.match).second)
            add(path + ".match", "another port has this pattern");
    }

    void check_name(const std::string& name, const std::string& path) {
        const bool plain = std::ranges::all_of(name, [](unsigned char c) {
            return std::isalnum(c) != 0 || c == '_' || c == '.' || c == ':' || c == '-';
        });
        if (name.empty() || name.size() > kMaxName || !plain)
            add(path, '"' + name + "\" is no name for a port: 1 to 15 letters, digits, . _ : -");
        else if (name == "lo" || name == "drop" || name == "all")
            add(path, '"' + name + "\" is reserved");
        else if (!names_.insert(name).second)
            add(path, "another port is called \"" + name + '"');
    }

    void check_netdev_name(const std::string& netdev, const std::string& path) {
        if (netdev.empty() || netdev.size() > kMaxName ||
            netdev.find_first_of("/ \t\n,") != std::string::npos || netdev == "." || netdev == "..")
            add(path, '"' + netdev + "\" can't be an interface's name");
    }
    static std::string in_netns(const std::string& netns) {
        return netns.empty() ? "" : " in network namespace " + netns;
    }

    // What two ports can't share: a kernel interface, or one end of a memif.
    void check_device(const PortConfig& port, const std::string& path) {
        const std::string key = driver_name(port.driver);
        const auto check_netdev = [&](const std::string& netdev) {
            check_netdev_name(netdev, path + '.' + key);
            check_unshared("interface " + netdev, port.name, path + '.' + key);
        };
        if (const auto* p = std::get_if<VethConfig>(&port.driver)) {
            const std::string where = path + '.' + key;
            check_netdev_name(p->interface, where);
            check_unshared("interface " + p->interface + in_netns(p->netns), port.name, where);
            if (p->create) {
                check_netdev_name(p->create->name, where + ".create.peer");
                check_unshared("interface " + p->create->name + in_netns(p->create->netns),
                               port.name, where + ".create.peer");
            }
        }
        if (const auto* p = std::get_if<AfPacketConfig>(&port.driver)) check_netdev(p->interface);
        if (const auto* p = std::get_if<AfXdpConfig>(&port.driver)) check_netdev(p->interface);
        if (const auto* p = std::get_if<TapConfig>(&port.driver)) check_netdev(p->interface);
        if (const auto* p = std::get_if<MemifConfig>(&port.driver)) {
            if (p->socket.empty() || p->socket.size() > kMaxSocketPath || has_comma(p->socket))
                add(path + ".memif.socket",
                    "expected a path of 1 to 107 characters without a comma");
            check_unshared("memif " + p->socket + " id " + std::to_string(p->id), port.name,
                           path + ".memif");
        }
        if (const auto* p = std::get_if<PcapConfig>(&port.driver)) {
            if (has_comma(p->rx_file)) add(path + ".pcap.rx", "a path without a comma is needed");
            if (has_comma(p->tx_file)) add(path + ".pcap.tx", "a path without a comma is needed");
        }
        if (const auto* p = std::get_if<DevargsConfig>(&port.driver)) {
            if (p->devargs.empty()) add(path + ".devargs", "names no device");
            check_unshared("device " + p->devargs.substr(0, p->devargs.find(',')), port.name,
                           path + ".devargs");
        }
    }

    static bool has_comma(const std::string& path) { return path.find(',') != std::string::npos; }

    void check_unshared(const std::string& device, const std::string& port,
                        const std::string& path) {
        const auto [owner, first] = devices_.emplace(device, port);
        if (!first) add(path, device + " is port " + owner->second + "'s already");
    }

    void check_address(const Prefix4& a, const std::string& port, const std::string& path) {
        try {
            parse_interface_address(a.to_string());
        } catch (const std::invalid_argument& e) {
            return add(path, e.what());
        }
        const auto [owner, first] = own_.emplace(a.address, port);
        if (!first)
            return add(path, a.address.to_string() + " is port " + owner->second + "'s already");
        links_.add(a.network(), port);
    }

    void check_xconnect(size_t i) {
        const XconnectConfig& x = config_.xconnects[i];
        const std::string path = indexed("xconnects", i);
        if (x.a == x.b) return add(path, "the two ends of a wire are two ports");
        for (const auto& [end, port] : {std::pair(0, x.a), std::pair(1, x.b)}) {
            const std::string at = indexed(path, static_cast<size_t>(end));
            const PortConfig* const found = wire_named(config_, port);
            if (found == nullptr)
                add_following(at, "there is no port \"" + port + '"');
            else if (!found->addresses.empty())
                add_following(
                    at, "port " + port + " has addresses: it is routed, not connected through");
            if (!connected_.insert(port).second)
                add(at, "port " + port + " is connected through already");
        }
    }

    void check_neighbour(size_t i) {
        const NeighbourConfig& n = config_.neighbours[i];
        const std::string path = indexed("neighbours", i);
        if (n.address.is_this_network() || n.address.is_loopback() || n.address.is_multicast() ||
            n.address.is_reserved())
            add(path + ".address", n.address.to_string() + " can't be a neighbour's address");
        else if (own_.contains(n.address))
            add_following(path + ".address", n.address.to_string() + " is our own address");
        if (n.mac.is_group() || n.mac.is_zero())
            add(path + ".mac", n.mac.to_string() + " can't be a station's address");
        if (!names_.contains(n.port))
            add_following(path + ".port", "there is no port \"" + n.port + '"');
        if (!neighbours_.emplace(n.port, n.address).second)
            add(path + ".address", "another entry is about " + n.address.to_string());
    }

    void check_neighbour_table() {
        const NeighbourTableConfig& c = config_.neighbour_table;
        if (c.gc_thresh1 > c.gc_thresh2 || c.gc_thresh2 > c.gc_thresh3)
            add("neighbour_table", "gc_thresh1, gc_thresh2 and gc_thresh3 must not descend, got " +
                                       std::to_string(c.gc_thresh1) + ", " +
                                       std::to_string(c.gc_thresh2) + " and " +
                                       std::to_string(c.gc_thresh3));
        std::set<std::string> seen;
        for (size_t i = 0; i < c.ports.size(); ++i) {
            const std::string path = indexed("neighbour_table.ports", i) + ".port";
            if (!names_.contains(c.ports[i].port))
                add_following(path, "there is no port \"" + c.ports[i].port + '"');
            if (!seen.insert(c.ports[i].port).second)
                add(path, "another entry is about port " + c.ports[i].port);
        }
    }

    void check_control() {
        const ControlConfig& c = config_.control;
        if (c.socket.empty() || c.socket.size() > kMaxSocketPath)
            add("control.socket", "expected a path of 1 to 107 characters");
        if (c.mode > 0777) add("control.mode", "expected octal permissions up to 0777");
    }

    const Config& config_;
    std::set<std::string> names_, connected_, patterns_;
    std::map<std::string, std::string> devices_;  // what is taken -> the port that has it
    std::map<Ip4, std::string> own_;              // our addresses -> their ports
    LinkMap links_;
    std::set<std::pair<std::string, Ip4>> neighbours_;
};

}  // namespace

std::vector<Problem> find_problems(const Config& config) {
    std::vector<Problem> problems;
    Checker(config, problems).run();
    return problems;
}

static std::vector<std::string> lines_of(const Config& config, PortsToCome to_come) {
    std::vector<std::string> lines;
    for (const Problem& p : find_problems(config))
        if (!p.follows_from_ports || to_come == PortsToCome::no)
            lines.push_back(p.path + ": " + p.why);
    return lines;
}

bool has_patterns(const Config& config) {
    return std::ranges::any_of(config.ports, [](const PortConfig& p) { return !p.match.empty(); });
}

void validate(const Config& config) {
    auto lines = lines_of(config, has_patterns(config) ? PortsToCome::yes : PortsToCome::no);
    if (!lines.empty()) throw ConfigError(std::move(lines));
}

std::string what_is_wrong(const Config& config, PortsToCome to_come) {
    const auto lines = lines_of(config, to_come);
    return lines.empty() ? "" : lines.front();
}

}  // namespace vethway
