// SPDX-License-Identifier: Apache-2.0
// A watch that lasts as long as this: for a thread of the API, which reads what workers write down.
#pragma once

#include <functional>
#include <memory>

#include "control/controller.h"
#include "control/event_loop.h"

namespace vethway {

class Watching {
public:
    // Any thread but the control thread. `options` runs on the control thread, where it may look
    // for a port; what it throws comes out here, as does std::runtime_error where too many watch.
    Watching(EventLoop& loop, Controller& controller,
             const std::function<WatchOptions(Controller&)>& options);
    ~Watching();
    Watching(const Watching&) = delete;
    Watching& operator=(const Watching&) = delete;

    // The thread that made it: what there is, at most `most` steps; none if nothing happened.
    std::vector<NotedStep> take(size_t most);
    uint64_t lost() const noexcept { return watch_->lost(); }

private:
    EventLoop& loop_;
    Controller& controller_;
    std::shared_ptr<Watch> watch_;
};

}  // namespace vethway
