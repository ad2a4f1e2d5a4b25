// SPDX-License-Identifier: Apache-2.0
#include "control/cli/lab/run_lab.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <thread>

#include "control/cli/lab/child.h"
#include "control/cli/lab/seen.h"
#include "control/cli/lab/testbed.h"
#include "control/cli/table.h"

namespace vethway::cli {

namespace {

using namespace std::chrono_literals;

constexpr double kCaptureBeginsWithin = 10;  // seconds
constexpr auto kSeenWithin = 5s;             // of the last command's end
constexpr auto kQuietFor = 300ms;

// For people, unless nobody reads it; and until they have seen enough.
class Printer {
public:
    explicit Printer(const LabOptions& options) : options_(options) {}
    void go_on() const {
        if (options_.interrupted()) throw ClientError({"lab: interrupted"});
    }
    void line(const std::string& text = "") const {
        if (options_.print) std::cout << text << std::endl;
    }
    void heading(const std::string& text) const {
        line();
        line(options_.colour ? "\033[1m" + text + "\033[0m" : text);
    }
    void claim(const std::string& says, const std::string& why_not) const {
        const bool holds = why_not.empty();
        line(fmt::format("  {} {}{}", coloured(holds ? "ok" : "WRONG", holds, options_.colour),
                         says, holds ? "" : ": " + why_not));
    }

private:
    LabOptions options_;
};

// All that one side does in a step: vethway's or the kernel's.
class Side {
public:
    Side(const Testbed& bed, const Printer& printer, const std::vector<LabCommand>& commands,
         bool linux_side)
        : bed_(bed), printer_(printer), commands_(commands), linux_(linux_side) {}

    // Runs the commands beside a capture, which goes on until `claims` hold, or won't.
    LabEvidence run(const std::vector<LabClaim>& claims) {
        Child capture(linux_ ? bed_.words({"linux", "exec tcpdump -n -l --immediate-mode -i any"})
                             : std::vector<std::string>{"vethway", "capture", "--print"});
        const std::string begun = linux_ ? "listening on" : "capturing";
        if (!capture.wait_for_line(begun, kCaptureBeginsWithin)) {
            std::string why;
            for (const std::string& line : capture.lines()) why += (why.empty() ? "" : "; ") + line;
            throw ClientError({"lab: nothing captures: " + why});
        }
        LabEvidence evidence;
        for (const LabCommand& c : commands_) run_command(c, evidence.printed);
        const auto deadline = std::chrono::steady_clock::now() + kSeenWithin;
        do {
            std::this_thread::sleep_for(50ms);
            printer_.go_on();
            evidence.seen = seen_packets(capture.lines());
        } while (!all_hold(claims, evidence) && std::chrono::steady_clock::now() < deadline);
        std::this_thread::sleep_for(kQuietFor);  // for what should not come
        capture.end();
        evidence.seen = seen_packets(capture.lines());
        return evidence;
    }

private:
    void run_command(const LabCommand& command, std::vector<std::string>& printed) const {
        printer_.line(fmt::format("  {}# {}", command.where, command.text));
        Child child(bed_.words(command),
                    [this](const std::string& line) { printer_.line("      " + line); });
        for (; child.running(); std::this_thread::sleep_for(10ms)) printer_.go_on();
        child.wait();
        const std::vector<std::string> lines = child.lines();
        printed.insert(printed.end(), lines.begin(), lines.end());
    }
    bool all_hold(const std::vector<LabClaim>& claims, const LabEvidence& evidence) const {
        return std::ranges::all_of(claims, [&](const LabClaim& claim) {
            return claim.linux_side != linux_ || refuted(claim, evidence).empty();
        });
    }

    const Testbed& bed_;
    const Printer& printer_;
    const std::vector<LabCommand>& commands_;
    bool linux_;
};

void print_seen(const Printer& printer, const std::vector<std::string>& ports,
                const std::vector<SeenPacket>& seen) {
    for (const std::string& port : ports) {
        printer.line(fmt::format("  seen on {}:", port));
        const auto of_port = [&](const SeenPacket& p) { return p.port == port; };
        if (std::ranges::none_of(seen, of_port)) printer.line("      nothing");
        for (const SeenPacket& p : seen)
            if (of_port(p)) printer.line("      " + p.line);
    }
}

// Both sides of a step, and the claims of it.
Json run_step(const Lab& lab, const LabStep& step, const Testbed& bed, const Printer& printer) {
    Json out{{"title", step.title}, {"claims", Json::array()}};
    for (const bool linux_side : {false, true}) {
        const auto& commands = linux_side ? step.linux_side : step.vethway;
        if (commands.empty()) continue;
        if (lab.has_linux_side()) printer.line(linux_side ? "\n  The Linux kernel" : "\n  vethway");
        const LabEvidence evidence = Side(bed, printer, commands, linux_side).run(step.claims);
        print_seen(printer, lab.ports, evidence.seen);
        for (const LabClaim& claim : step.claims) {
            if (claim.linux_side != linux_side) continue;
            const std::string why_not = refuted(claim, evidence);
            printer.claim(claim.says, why_not);
            out["claims"].push_back({{"says", claim.says},
                                     {"side", linux_side ? "linux" : "vethway"},
                                     {"holds", why_not.empty()},
                                     {"why_not", why_not}});
        }
    }
    if (!step.why.empty()) printer.line("\n  Why: " + step.why);
    if (!step.differs.empty()) printer.line("  The kernel differs: " + step.differs);
    return out;
}

}  // namespace

Json run_lab(const Lab& lab, const LabOptions& options) {
    const Printer printer(options);
    printer.heading(fmt::format("{}: {}", lab.name, lab.title));
    printer.line(lab.about);
    const Testbed bed(lab);
    printer.heading("The network");
    for (const LabCommand& c : lab.network) printer.line(fmt::format("  {}# {}", c.where, c.text));
    printer.heading("vethwayd's configuration");
    printer.line(lab.config);
    Json out{{"lab", lab.name}, {"title", lab.title}, {"steps", Json::array()}, {"holds", true}};
    size_t claims = 0, wrong = 0;
    for (size_t i = 0; i < lab.steps.size(); ++i) {
        printer.heading(fmt::format("{}. {}", i + 1, lab.steps[i].title));
        out["steps"].push_back(run_step(lab, lab.steps[i], bed, printer));
        for (const Json& claim : out["steps"].back()["claims"]) {
            ++claims;
            wrong += claim["holds"].get<bool>() ? 0 : 1;
        }
    }
    out["holds"] = wrong == 0;
    printer.heading(wrong == 0 ? fmt::format("all {} claims hold", claims)
                               : fmt::format("{} of {} claims do not hold", wrong, claims));
    return out;
}

}  // namespace vethway::cli
