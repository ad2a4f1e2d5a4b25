// SPDX-License-Identifier: Apache-2.0
// The doctor's report, for people and for programs. Any thread but the workers'.
//
// As JSON:
//   {"scope": "daemon" | "file" | "machine", "config_file": "…", "status": "ok" | "warn" | "bad",
//    "counts": {"ok": 9, "warn": 1, "bad": 0},
//    "findings": [{"status": "warn", "check": "addresses", "subject": "port p1", "what": "…",
//                  "means": "…", "mend": "…", "command": "…"}, …]}
// `status` is that of the worst finding; means, mend and command may be empty.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "control/doctor/finding.h"
#include "control/doctor/subject.h"

namespace vethway::doctor {

struct Report {
    Scope scope = Scope::machine;
    std::string config_file;
    std::vector<Finding> findings;

    Status worst() const;
    size_t count(Status status) const;
    // 1 if something is bad.
    int exit_status() const { return worst() == Status::bad ? 1 : 0; }
    nlohmann::ordered_json json() const;
    std::string text(bool colour) const;
};

// Looks and judges.
Report examine(const Subject& subject);

}  // namespace vethway::doctor
