// SPDX-License-Identifier: Apache-2.0
// The spanning trees of the bridges that have one: joins their state machines (stp/) to ports,
// workers and log. Control thread.
#pragma once

#include <rte_mbuf.h>

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "control/ports.h"
#include "control/stp/rstp.h"

namespace vethway {

class SpanningTrees {
public:
    SpanningTrees(Dataplane& dataplane, Ports& ports);
    ~SpanningTrees();

    // After each change of the configuration or of links, when it is published.
    void follow();
    void tick();  // every 100 ms
    // A frame to the bridges' group address, as a worker handed it up; it stays the caller's.
    void take(rte_mbuf& m);

    // Nothing: the bridge has no spanning tree.
    std::optional<RstpStatus> status(const std::string& bridge) const;
    // Opens a port that BPDU guard has shut. False: it is not.
    bool recover(const std::string& port);
    // Tries the new protocol again (17.19.13). False: it is not of a bridge that speaks it.
    bool migrate(const std::string& port);

private:
    class Tree;
    Tree* of_member(uint16_t port) const;
    // False where the port is in no tree, or `work` says so.
    bool ask_tree_of(const std::string& port, bool (Rstp::*work)(uint16_t port));

    Dataplane& dataplane_;
    Ports& ports_;
    std::map<std::string, std::unique_ptr<Tree>> trees_;  // by the bridge's name
};

}  // namespace vethway
