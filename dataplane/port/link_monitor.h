// SPDX-License-Identifier: Apache-2.0
// Tells the control thread when interfaces come, go and change.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "dataplane/port/kernel_link.h"

namespace vethway {

struct LinkChange {
    unsigned ifindex = 0;
    std::string name;
    bool running = false;  // up, and the other end too
    uint16_t mtu = 0;
    bool deleted = false;
};

// Control thread only. Of the network namespace of the thread that makes it.
class LinkMonitor {
public:
    using Callback = std::function<void(const LinkChange&)>;

    LinkMonitor();                                     // throws PortError
    int fd() const noexcept { return socket_.get(); }  // readable: call drain()
    // Never blocks. When the kernel had to drop messages, every interface there is is reported
    // again, but not what was deleted meanwhile: compare with what you know. True if so.
    bool drain(const Callback& report);

private:
    void ask_for_all();

    Fd socket_;
    bool dumping_ = false;  // a dump is under way; another can't be asked for
    bool dump_again_ = false;
};

}  // namespace vethway
