// SPDX-License-Identifier: Apache-2.0
#include "control/doctor/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "control/doctor/gather.h"
#include "control/doctor/judge.h"

namespace vethway::doctor {

namespace {

constexpr const char* kScopeNames[] = {"daemon", "file", "machine"};
constexpr const char* kColours[] = {"\033[32m", "\033[33m", "\033[31m"};  // of Status
constexpr size_t kWidth = 100;                                            // columns of a line

const char* name_of(Status status) { return kStatusNames[static_cast<size_t>(status)]; }

std::string head(const Report& report) {
    switch (report.scope) {
        case Scope::daemon:
            return fmt::format("vethwayd as it runs with {}\n", report.config_file);
        case Scope::file:
            return fmt::format("what vethwayd would find here with {}; none was asked\n",
                               report.config_file);
        case Scope::machine:
            break;
    }
    return "the machine only: no vethwayd was asked, and no --config FILE names ports\n";
}

// "mend   words …", wrapped, below what it is about; nothing of nothing.
std::string labelled(const char* label, const std::string& words, size_t indent) {
    if (words.empty()) return {};
    const size_t inner = indent + 7;
    std::string out, line = fmt::format("{:{}}{:<7}", "", indent, label);
    bool fresh = true;
    std::istringstream in(words);
    for (std::string word; in >> word;) {
        if (!fresh && line.size() + 1 + word.size() > kWidth) {
            out += line + '\n';
            line = std::string(inner, ' ');
            fresh = true;
        }
        line += (fresh ? "" : " ") + word;
        fresh = false;
    }
    return out + line + '\n';
}

std::string lines_of(const Finding& f, size_t subject_width, bool colour) {
    const auto i = static_cast<size_t>(f.status);
    const size_t indent = 6 + subject_width + 2;
    std::string out =
        fmt::format("{}{:<4}{}  {:<{}}  {}\n", colour ? kColours[i] : "", name_of(f.status),
                    colour ? "\033[0m" : "", f.subject, subject_width, f.what);
    if (f.status == Status::ok) return out;
    out += labelled("means", f.advice.means, indent);
    out += labelled("mend", f.advice.mend, indent);
    // A command is copied: whole, however long.
    if (!f.advice.command.empty())
        out += fmt::format("{:{}}{:<7}{}\n", "", indent, "run", f.advice.command);
    return out;
}

}  // namespace

Status Report::worst() const {
    Status worst = Status::ok;
    for (const Finding& f : findings) worst = std::max(worst, f.status);
    return worst;
}

size_t Report::count(Status status) const {
    return static_cast<size_t>(std::ranges::count(findings, status, &Finding::status));
}

nlohmann::ordered_json Report::json() const {
    auto list = nlohmann::ordered_json::array();
    for (const Finding& f : findings)
        list.push_back({{"status", name_of(f.status)},
                        {"check", f.check},
                        {"subject", f.subject},
                        {"what", f.what},
                        {"means", f.advice.means},
                        {"mend", f.advice.mend},
                        {"command", f.advice.command}});
    return {
        {"scope", kScopeNames[static_cast<size_t>(scope)]},
        {"config_file", config_file},
        {"status", name_of(worst())},
        {"counts",
         {{"ok", count(Status::ok)}, {"warn", count(Status::warn)}, {"bad", count(Status::bad)}}},
        {"findings", list}};
}

std::string Report::text(bool colour) const {
    size_t width = 0;
    for (const Finding& f : findings) width = std::max(width, f.subject.size());
    std::string out = head(*this);
    for (const Finding& f : findings) out += lines_of(f, width, colour);
    return out + fmt::format("{} ok, {} warn, {} bad\n", count(Status::ok), count(Status::warn),
                             count(Status::bad));
}

Report examine(const Subject& subject) {
    return {subject.scope, subject.config_file, judge(gather(subject))};
}

}  // namespace vethway::doctor
