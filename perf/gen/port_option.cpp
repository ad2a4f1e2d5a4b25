// SPDX-License-Identifier: Apache-2.0
// A port on the command line is a port of the configuration file in fewer words.
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "config/names.h"
#include "config/parse.h"
#include "perf/gen/options.h"

namespace vethway::gen {

namespace {

// "socket=/run/m0.sock,role=client"
YAML::Node mapping_of(const std::string& text) {
    YAML::Node node(YAML::NodeType::Map);
    std::istringstream all(text);
    for (std::string one; std::getline(all, one, ',');) {
        const size_t equals = std::min(one.find('='), one.size());
        node[one.substr(0, equals)] = equals < one.size() ? one.substr(equals + 1) : "";
    }
    return node;
}

// Its drivers without a value, and those whose value is a mapping.
YAML::Node driver_value(const std::string& driver, std::istringstream& words) {
    if (driver == "null" || driver == "ring") return YAML::Node(YAML::NodeType::Map);
    std::string value;
    words >> value;
    if (driver == "memif" || driver == "pcap") return mapping_of(value);
    return YAML::Node(value);
}

YAML::Node node_of_words(const std::string& name, const std::string& text) {
    YAML::Node port(YAML::NodeType::Map);
    std::istringstream words(text);
    for (std::string word; words >> word;) {
        std::string value;
        if (std::ranges::find(kDriverNames, word) != kDriverNames.end()) {
            port[word] = driver_value(word, words);
        } else if (word == "address" && words >> value) {
            port["addresses"].push_back(value);
        } else if ((word == "mac" || word == "mtu") && words >> value) {
            port[word] = value;
        } else {
            throw OptionError("--" + name + ": expected a driver (" + listed(kDriverNames) +
                              ") and its value, address A/L, mac M or mtu N, got \"" + word + '"');
        }
    }
    return port;
}

YAML::Node node_of_mapping(const std::string& name, const std::string& text) {
    try {
        return YAML::Load(text);
    } catch (const YAML::Exception& e) {
        throw OptionError("--" + name + ": no YAML: " + e.what());
    }
}

}  // namespace

PortConfig parse_port_option(const std::string& name, const std::string& text) {
    YAML::Node port =
        text.starts_with("{") ? node_of_mapping(name, text) : node_of_words(name, text);
    port["name"] = name;
    YAML::Node root;
    root["ports"].push_back(port);
    YAML::Emitter out;
    out << YAML::Flow << root;
    return parse_config(out.c_str(), "--" + name).ports[0];
}

}  // namespace vethway::gen
