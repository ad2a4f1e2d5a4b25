// SPDX-License-Identifier: Apache-2.0
// Captured frames as pcapng: an interface a port, one more for what was dropped, and how much was
// lost on the way.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "control/watch/capture.h"
#include "control/watch/pcapng.h"

namespace vethway {

struct WriterOptions {
    std::string application;
    uint32_t snaplen = UINT16_MAX;
    bool lines = false;          // to print, before each packet (pcapng::add_line)
    uint64_t most = UINT64_MAX;  // frames
};

class CaptureWriter {
public:
    using Clock = std::function<uint64_t(uint64_t tsc)>;  // ns since 1970

    CaptureWriter(WriterOptions options, Clock clock);

    // Interfaces for those that have none yet.
    void add_ports(const PortNames& names);
    void add_drop();
    void write(const Captured& frame, const PortNames& names);
    // So many records never came, since the capture began.
    void set_lost(uint64_t total) { lost_ = total; }
    // Of each interface. What nothing came behind is told of the first one.
    void write_statistics(uint64_t tsc);
    bool is_full() const { return written_ >= options_.most; }
    // What there is to send on.
    std::string take() { return std::exchange(out_, {}); }

private:
    struct Counted {
        uint64_t received = 0, lost = 0;
    };
    uint32_t interface_of(const std::string& name, std::string_view description);
    uint32_t interface_of(const Captured& frame, const PortNames& names);
    uint64_t time_of(uint64_t tsc);
    std::string line_of(const Captured& frame, const PortNames& names) const;

    const WriterOptions options_;
    const Clock clock_;
    std::string out_;
    std::map<std::string, uint32_t> interfaces_;
    std::vector<Counted> counted_;  // of each
    uint64_t written_ = 0, lost_ = 0, told_lost_ = 0, last_ns_ = 0;
};

}  // namespace vethway
