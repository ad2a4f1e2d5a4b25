// SPDX-License-Identifier: Apache-2.0
// A capture's frames, made of the steps that workers wrote down. What became of a received packet
// is known later than the packet: a frame is kept until its packet has ended, or for a moment.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "dataplane/counters.h"
#include "dataplane/watch/watch.h"

namespace vethway {

// Where a frame was seen.
enum class Point : uint8_t { rx, tx, drop };

using PortNames = std::map<uint16_t, std::string>;  // by index
std::string name_of(const PortNames& names, uint16_t port);

struct CaptureChoice {
    std::vector<uint16_t> ports;  // received, sent or dropped there; empty: anywhere
    bool rx = true, tx = true, drop = true;
    std::optional<Drop> reason;  // only packets that were dropped for it
    uint16_t snaplen = UINT16_MAX;
};

struct Captured {
    Point point;
    Record record;
    std::vector<std::byte> frame;
    std::string outcome;  // in words; empty where it is not known
};

class Capture {
public:
    Capture(CaptureChoice choice, uint64_t hz);  // of the TSC

    // What a worker has to write down for it.
    WatchOptions watch_options() const;
    void name_ports(PortNames names) { names_ = std::move(names); }
    // Their numbers may change while it runs.
    void choose_ports(std::vector<uint16_t> ports) { choice_.ports = std::move(ports); }

    // In any order among workers.
    void add(NotedStep step);
    // No step from before `tsc` is to come: the frames that are ready by then, in order of time.
    std::vector<Captured> advance(uint64_t tsc);
    // The rest.
    std::vector<Captured> finish();

private:
    // A packet, and the last that is known of it.
    struct Known {
        Record last;  // of the steps that decide
        uint16_t received_by = kNoPort;
        std::optional<uint32_t> originated;
        std::optional<Record> told;  // asks_error
        std::optional<uint32_t> answer;
        uint32_t pieces = 0, waited_us = 0;
        uint32_t flooded_to = 0;  // so many ports
        Mac to;
        bool refused = false;  // by the driver, after `sent`
        bool ended() const;
    };

    void take_in(NotedStep& step);
    void note_originated(const Record& r, Known& known);
    void keep_logical(NotedStep& step);
    void keep(Point point, NotedStep& step);
    bool is_wanted(const Captured& frame) const;
    bool is_ready(const Captured& frame, uint64_t tsc) const;
    void release_first(std::vector<Captured>& out);
    void forget_old();
    const Known* find(uint32_t packet) const;

    std::string fate(const Known& known) const;
    std::string drop_words(const Record& r, const Known& known) const;
    std::string consumed_words(const Known& known) const;
    std::string origin(const Captured& frame) const;
    std::string outcome_of(const Captured& frame) const;

    CaptureChoice choice_;
    const uint64_t settle_, quiet_;  // in the TSC's ticks
    PortNames names_;
    std::multimap<uint64_t, NotedStep> steps_;  // not yet in order for sure
    std::deque<Captured> frames_;               // in order of time
    std::unordered_map<uint32_t, Known> packets_;
    std::deque<uint32_t> ages_;  // of packets_, the oldest first
};

}  // namespace vethway
