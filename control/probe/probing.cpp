// SPDX-License-Identifier: Apache-2.0
#include "control/probe/probing.h"

#include <utility>

namespace vethway {

Probing::Probing(EventLoop& loop, Controller& controller, const ProbeSeries& series,
                 std::unique_ptr<ProbeSchedule> schedule)
    : loop_(loop), controller_(controller), schedule_(std::move(schedule)) {
    const auto opened = loop_.call([this, &series] {
        return controller_.prober().open(series, [mailbox = mailbox_](const ProbeNews& news) {
            const std::lock_guard lock(mailbox->mutex);
            mailbox->news.push_back(news);
        });
    });
    id_ = opened.id;
    way_ = opened.way;
}

// Where the control thread has ended, there is nothing to close.
Probing::~Probing() {
    loop_.post([&controller = controller_, id = id_] { controller.prober().close(id); });
}

// One turn of the control thread for as many as are due.
void Probing::send_due(std::vector<ProbeNews>& out) {
    constexpr size_t kAtOnce = 64;
    std::vector<Probe> due;
    const auto now = Clock::now();
    while (due.size() < kAtOnce) {
        const auto probe = schedule_->take(now);
        if (!probe) break;
        due.push_back(*probe);
    }
    if (due.empty()) return;
    const auto sent = loop_.call([&] {
        std::vector<ProbeNews> news;
        news.reserve(due.size());
        for (const Probe& probe : due) news.push_back(controller_.prober().send(id_, probe));
        return news;
    });
    out.insert(out.end(), sent.begin(), sent.end());
}

std::vector<ProbeNews> Probing::next() {
    std::vector<ProbeNews> out;
    send_due(out);
    {
        const std::lock_guard lock(mailbox_->mutex);
        out.insert(out.end(), mailbox_->news.begin(), mailbox_->news.end());
        mailbox_->news.clear();
    }
    const auto now = Clock::now();
    for (const ProbeNews& news : out) {
        schedule_->note(news, now);
        stopping_ |= news.what == ProbeNews::What::stopping;
    }
    for (const ProbeNews& news : schedule_->give_up(now)) out.push_back(news);
    return out;
}

}  // namespace vethway
