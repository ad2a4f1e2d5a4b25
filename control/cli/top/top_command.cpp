// SPDX-License-Identifier: Apache-2.0
// vethway top: reads the API again and again, and shows what moved.
#include <csignal>
#include <iostream>
#include <memory>
#include <thread>

#include "control/cli/commands.h"
#include "control/cli/top/json.h"
#include "control/cli/top/screen.h"

namespace vethway::cli {

namespace {

using namespace top;

struct TopOptions {
    double interval_s = 1;
    bool once = false;
    std::string filter;
};

// Asks the daemon. Keys wait meanwhile, so it must not take long.
class Reader {
public:
    explicit Reader(const Session& session) : client_(session.client().patient_for(1)) {}

    // Throws ClientError.
    Reading read() {
        Answers a;
        a.status = client_.get("/status");
        const double at_s = monotonic_s();
        a.ports = client_.get("/ports");
        a.drops = client_.get("/drops");
        a.lcores = client_.get("/lcores");
        a.neighbours = client_.get("/neighbours");
        const int64_t pid = a.status.value("pid", int64_t{0});
        if (pid != pid_ || flows_) a.flows = flows();
        pid_ = pid;
        try {
            return reading_of(a, at_s);
        } catch (const Json::exception&) {
            throw ClientError({"vethwayd's answers are of another version than this vethway's"});
        }
    }

private:
    // A daemon that does not sample flows refuses; then it is not asked again.
    Json flows() {
        flows_ = true;
        try {
            return client_.get("/flows");
        } catch (const Unreachable&) {
            throw;
        } catch (const ClientError&) {
            flows_ = false;
            return nullptr;
        }
    }

    Client client_;
    int64_t pid_ = 0;
    bool flows_ = false;
};

int print_once(const Session& session, const TopOptions& options) {
    Reader reader(session);
    Model model;
    model.add(reader.read());
    std::this_thread::sleep_for(std::chrono::duration<double>(options.interval_s));
    model.add(reader.read());
    const View view{.filter = options.filter};
    if (session.json) return session.print(json_of(model, view), {});
    const Frame frame = draw(model, view, {.utf8 = locale_is_utf8()});
    for (const auto* lines : {&frame.head, &frame.body})
        for (const Line& line : *lines) std::cout << plain_text(line) << '\n';
    std::cout << std::flush;
    return std::cout ? 0 : 1;
}

void read_into(Model& model, Reader& reader) {
    try {
        model.add(reader.read());
    } catch (const ClientError& e) {
        model.lost(e.what());
    }
}

int show(const Session& session, const TopOptions& options) {
    Reader reader(session);
    Model model;
    View view{.filter = options.filter};
    Screen screen(session.colour);
    double due = monotonic_s();
    bool anew = false;
    while (true) {
        const double now = monotonic_s();
        if (now >= due && !view.paused) {
            read_into(model, reader);
            // In step with the clock, but never several at once to make up for late ones.
            due = std::max(due + options.interval_s, now + options.interval_s / 2);
        }
        screen.show(model, view, std::exchange(anew, false));
        const int key = screen.key(view.paused ? now + 3600 : due);
        if (key == Screen::kEnded) return screen.signal() == 0 ? 0 : 128 + screen.signal();
        if (key == Screen::kResized || key == 0) continue;
        switch (press(view, key)) {
            case Act::quit:
                return 0;
            case Act::read:
                read_into(model, reader);
                due = monotonic_s() + options.interval_s;
                anew = true;
                break;
            case Act::redraw:
                anew = true;
                break;
            case Act::nothing:
                break;
        }
    }
}

}  // namespace

void add_top_command(CLI::App& app, Session& session) {
    CLI::App* command =
        app.add_subcommand("top", "A dashboard: rates, drops, workers, neighbours; h for help");
    auto options = std::make_shared<TopOptions>();
    command->add_option("--interval", options->interval_s, "Seconds between two readings")
        ->check(CLI::Range(0.1, 3600.0))
        ->capture_default_str();
    command->add_option("--filter", options->filter, "Only ports whose name has this in it");
    command->add_flag("--once", options->once, "Print one interval as text; needs no terminal");
    command->callback([&session, options] {
        session.action = [&session, options] {
            if (options->once) return print_once(session, *options);
            if (session.json) throw ClientError({"top: --json goes with --once"});
            return show(session, *options);
        };
    });
}

}  // namespace vethway::cli
