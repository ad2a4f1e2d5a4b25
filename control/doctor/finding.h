// SPDX-License-Identifier: Apache-2.0
// What the doctor says. Values: any thread.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace vethway::doctor {

// ok: as it should be. warn: works, but slower, or less safely, than it could. bad: what is
// configured does not work, or works wrongly.
enum class Status : uint8_t { ok, warn, bad };
inline constexpr const char* kStatusNames[] = {"ok", "warn", "bad"};

// Why it matters, what to do, and the command that does it; each may be empty.
struct Advice {
    std::string means, mend, command;
};

struct Finding {
    Status status = Status::ok;
    std::string check;    // which one found it: "capabilities", "addresses", …
    std::string subject;  // "machine", or "port p1"
    std::string what;     // one line
    Advice advice;
};

// What one check has found, of one subject.
class Findings {
public:
    void begin(std::string check, std::string subject) {
        check_ = std::move(check);
        subject_ = std::move(subject);
    }
    void ok(std::string what, Advice advice = {}) {
        add(Status::ok, std::move(what), std::move(advice));
    }
    void warn(std::string what, Advice advice) {
        add(Status::warn, std::move(what), std::move(advice));
    }
    void bad(std::string what, Advice advice) {
        add(Status::bad, std::move(what), std::move(advice));
    }
    void add(Status status, std::string what, Advice advice) {
        all_.push_back({status, check_, subject_, std::move(what), std::move(advice)});
    }

    const std::vector<Finding>& all() const { return all_; }

private:
    std::string check_, subject_;
    std::vector<Finding> all_;
};

}  // namespace vethway::doctor
