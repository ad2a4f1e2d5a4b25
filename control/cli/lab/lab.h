// SPDX-License-Identifier: Apache-2.0
// A lab: a small network, a vethwayd in it, and steps that show what it does with packets and why.
// Its text is YAML (labs/*.yaml); of what each command prints and each port sees, it claims things
// that are checked.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vethway::cli {

struct LabCommand {
    std::string where;  // a namespace of the lab's
    std::string text;   // for a shell
};

// Patterns are a shell's (fnmatch(3)); what follows what they say may be anything.
struct LabClaim {
    std::string says;
    bool linux_side = false;           // of what the kernel did, not vethway
    std::vector<std::string> printed;  // each: a line of what the commands printed
    std::vector<std::string> not_printed;
    // By port: the packets it saw, all of them that are like `among`, in this order.
    std::map<std::string, std::vector<std::string>> seen;
    std::string among;
    double apart_s = 0;  // at least, from one of a port's packets to the next
};

struct LabStep {
    std::string title;
    std::vector<LabCommand> vethway, linux_side;
    std::vector<LabClaim> claims;
    std::string why;      // in plain words
    std::string differs;  // how the kernel differs; empty: it does not, or was not asked
};

struct Lab {
    std::string name, title, about;
    std::vector<std::string>
        namespaces;  // vethwayd runs in "sw", the kernel's own router is "linux"
    std::vector<LabCommand> network;
    std::string config;              // of vethwayd, without its control section
    std::vector<std::string> ports;  // whose packets are shown, in this order
    std::vector<LabStep> steps;

    bool has_linux_side() const;
};

// Throws std::runtime_error: what is wrong, and where.
Lab parse_lab(const std::string& text);

// Those that come with vethway, by the name of their files.
struct LabText {
    std::string_view name, text;
};
std::span<const LabText> built_in_labs();

}  // namespace vethway::cli
