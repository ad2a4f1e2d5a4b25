// SPDX-License-Identifier: Apache-2.0
#include "control/watch/capture_session.h"

#include <rte_cycles.h>

#include <algorithm>
#include <map>
#include <stdexcept>

#include "control/watch/filter.h"

namespace vethway {

namespace {

PortNames names_of(const Ports& ports) {
    PortNames names{{kLoopback, "lo"}};
    for (const auto& [name, port] : ports.all()) names[port.index] = name;
    return names;
}

// What is in no ring any more: where the rings were emptied, all from before that; else no more
// than the busiest worker has told.
uint64_t complete_until(const std::vector<NotedStep>& steps, bool emptied, uint64_t before) {
    // A worker reads the clock just before it writes.
    if (emptied) return before - rte_get_tsc_hz() / 1000;
    std::map<uint16_t, uint64_t> last;
    for (const NotedStep& s : steps) last[s.record.worker] = s.record.tsc;
    uint64_t least = before;
    for (const auto& [worker, tsc] : last) least = std::min(least, tsc);
    return least;
}

}  // namespace

CaptureSession::CaptureSession(EventLoop& loop, Controller& controller, CaptureRequest request)
    : loop_(loop),
      controller_(controller),
      request_(std::move(request)),
      capture_(request_.choice, rte_get_tsc_hz()),
      writer_({.application = "vethway " VETHWAY_VERSION,
               .snaplen = request_.choice.snaplen,
               .lines = request_.lines,
               .most = request_.count},
              [this](uint64_t tsc) { return clock_.ns(tsc); }) {
    Filter filter = compile_filter(request_.filter);
    watching_.emplace(loop, controller,
                      [&](Controller& c) { return options(c, std::move(filter)); });
    if (request_.choice.drop) writer_.add_drop();
}

// Control thread, while the constructor waits for it.
WatchOptions CaptureSession::options(Controller& controller, Filter filter) {
    for (const std::string& name : request_.ports)
        if (name != "lo" && controller.ports().find(name) == nullptr)
            throw std::invalid_argument("there is no port \"" + name + '"');
    look_at_ports(controller.ports());
    WatchOptions options = capture_.watch_options();
    options.filter = std::move(filter);
    return options;
}

// Control thread, too. A port that was removed and came back has another number, perhaps.
void CaptureSession::look_at_ports(const Ports& ports) {
    names_ = names_of(ports);
    PortNames shown = names_;
    if (!request_.ports.empty()) {
        std::erase_if(shown, [&](const auto& port) {
            return std::ranges::find(request_.ports, port.second) == request_.ports.end();
        });
        std::vector<uint16_t> chosen{kNoPort};  // not empty, which would be all
        for (const auto& [index, name] : shown) chosen.push_back(index);
        capture_.choose_ports(std::move(chosen));
    }
    capture_.name_ports(names_);
    writer_.add_ports(shown);
}

void CaptureSession::look() {
    if (Clock::now() - looked_ < kLook) return;
    looked_ = Clock::now();
    clock_.set();
    try {
        loop_.call([this] { look_at_ports(controller_.ports()); }, kLook);
    } catch (const std::runtime_error&) {
        return;  // busy, or ending: the names are as they were
    }
    if (watching_->lost() == lost_) return;
    lost_ = watching_->lost();
    writer_.set_lost(lost_);
    writer_.write_statistics(rte_rdtsc());
}

void CaptureSession::write(const std::vector<Captured>& frames) {
    writer_.set_lost(watching_->lost());
    for (const Captured& frame : frames) writer_.write(frame, names_);
}

std::string CaptureSession::next() {
    look();
    const uint64_t before = rte_rdtsc();
    std::vector<NotedStep> steps = watching_->take(kBatch);
    const uint64_t until = complete_until(steps, steps.size() < kBatch, before);
    for (NotedStep& step : steps) capture_.add(std::move(step));
    write(capture_.advance(until));
    return writer_.take();
}

bool CaptureSession::is_done() const {
    return writer_.is_full() || (request_.lasts && Clock::now() - began_ >= *request_.lasts);
}

// Workers write on meanwhile: what they do from now on is not waited for.
std::string CaptureSession::end() {
    const uint64_t now = rte_rdtsc();
    for (bool more = true; more;) {
        std::vector<NotedStep> steps = watching_->take(kBatch);
        more = steps.size() == kBatch && steps.back().record.tsc < now;
        for (NotedStep& step : steps) capture_.add(std::move(step));
    }
    write(capture_.finish());
    writer_.write_statistics(rte_rdtsc());
    return writer_.take();
}

}  // namespace vethway
