// SPDX-License-Identifier: Apache-2.0
#include "control/watch/watching.h"

#include <spdlog/spdlog.h>

namespace vethway {

Watching::Watching(EventLoop& loop, Controller& controller,
                   const std::function<WatchOptions(Controller&)>& options)
    : loop_(loop), controller_(controller) {
    watch_ = loop_.call([&] {
        // One more than workers: the control thread writes down what it gives up.
        auto watch =
            std::make_shared<Watch>(options(controller_), controller_.dataplane().workers() + 1);
        controller_.dataplane().add(watch);
        return watch;
    });
}

// The workers' set has a hold on the watch as well: where the control thread has ended, or is too
// busy to take it out at once, it goes later.
Watching::~Watching() {
    loop_.post(
        [&controller = controller_, watch = watch_] { controller.dataplane().remove(watch); });
}

std::vector<NotedStep> Watching::take(size_t most) {
    std::vector<NotedStep> steps;
    while (steps.size() < most) {
        NotedStep step;
        if (!watch_->pop(step.record, step.frame)) break;
        steps.push_back(std::move(step));
    }
    return steps;
}

}  // namespace vethway
