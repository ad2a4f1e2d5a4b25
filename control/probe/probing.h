// SPDX-License-Identifier: Apache-2.0
// A series of probes that lasts as long as this: for a thread of the API, which says when each is
// sent and reads what comes of it.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "control/controller.h"
#include "control/event_loop.h"
#include "control/probe/schedule.h"

namespace vethway {

class Probing {
public:
    using Clock = ProbeSchedule::Clock;

    // Any thread but the control thread. Throws std::runtime_error where nothing can be sent.
    Probing(EventLoop& loop, Controller& controller, const ProbeSeries& series,
            std::unique_ptr<ProbeSchedule> schedule);
    ~Probing();
    Probing(const Probing&) = delete;
    Probing& operator=(const Probing&) = delete;

    const ProbeWay& way() const { return way_; }
    // The thread that made it: sends what is due, and returns what has happened since.
    std::vector<ProbeNews> next();
    bool is_done() const { return stopping_ || schedule_->is_done(Clock::now()); }
    bool is_stopping() const { return stopping_; }  // the daemon ends
    Clock::time_point due() const { return schedule_->due(); }

private:
    // Outlives both ends: the control thread may have something for a reader that has gone.
    struct Mailbox {
        std::mutex mutex;
        std::vector<ProbeNews> news;
    };
    void send_due(std::vector<ProbeNews>& out);

    EventLoop& loop_;
    Controller& controller_;
    const std::unique_ptr<ProbeSchedule> schedule_;
    const std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>();
    uint32_t id_ = 0;
    ProbeWay way_;
    bool stopping_ = false;
};

}  // namespace vethway
