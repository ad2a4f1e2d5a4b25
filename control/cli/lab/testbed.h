// SPDX-License-Identifier: Apache-2.0
// The network of a lab, and the vethwayd in it, for as long as this object lives.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "control/cli/client.h"
#include "control/cli/lab/child.h"
#include "control/cli/lab/lab.h"

namespace vethway::cli {

class Testbed {
public:
    // Makes all, and waits until every port is up. Throws ClientError.
    explicit Testbed(const Lab& lab);
    ~Testbed() { clean_up(); }
    Testbed(const Testbed&) = delete;
    Testbed& operator=(const Testbed&) = delete;

    // The words that run a shell's command where the lab says.
    std::vector<std::string> words(const LabCommand& command) const;
    std::string daemon_log() const;

private:
    void clean_up();
    void make_network(const Lab& lab);
    void start_daemon(const Lab& lab);
    std::string path(const std::string& file) const { return directory_ + '/' + file; }
    std::string full_name(const std::string& name) const;

    std::string directory_;
    std::vector<std::string> made_;  // namespaces, by full name
    std::unique_ptr<Child> daemon_;
};

}  // namespace vethway::cli
