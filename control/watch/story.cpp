// SPDX-License-Identifier: Apache-2.0
#include "control/watch/story.h"

#include <algorithm>

namespace vethway {

namespace {

using std::chrono::milliseconds;

// All that a burst causes is written within it; what another worker goes on with follows at once.
constexpr milliseconds kQuiet{30};
// Longer than a neighbour is asked before it is given up (three times a second).
constexpr milliseconds kPatience{4000};

bool was_cut(const NotedStep& end) {
    if (end.record.step != Step::consumed) return false;
    const auto what = static_cast<Consumed>(end.record.a);
    return what == Consumed::fragmented || what == Consumed::segmented;
}

bool was_joined(const NotedStep& end) {
    return end.record.step == Step::consumed &&
           static_cast<Consumed>(end.record.a) == Consumed::reassembled;
}

}  // namespace

bool StoryPacket::ended() const {
    const Step step = last().record.step;
    // What was sent on `lo` comes in again.
    if (step == Step::sent) return last().record.egress != kLoopback;
    return step == Step::consumed || step == Step::dropped;
}

Outcome StoryPacket::outcome() const {
    switch (last().record.step) {
        case Step::sent:
            return Outcome::forwarded;
        case Step::consumed:
            return Outcome::consumed;
        case Step::dropped:
            return Outcome::dropped;
        case Step::waits:
        case Step::collected:
            return Outcome::waits;
        default:
            return Outcome::unknown;
    }
}

bool Story::ended() const { return std::ranges::all_of(packets, &StoryPacket::ended); }

Outcome Story::outcome() const {
    const StoryPacket& first = packets.front();
    if (was_joined(first.last())) {  // what became of the whole, if this fragment was the last
        const auto whole = std::ranges::find(packets, first.id, &StoryPacket::parent);
        return whole != packets.end() ? whole->outcome() : Outcome::consumed;
    }
    if (!was_cut(first.last())) return first.outcome();
    // The worst of them is what a user must know of.
    Outcome worst = Outcome::forwarded;
    for (const StoryPacket& p : packets)
        if (p.parent != 0 && !was_cut(p.last())) worst = std::max(worst, p.outcome());
    return worst;
}

bool Story::has_drop(std::optional<Drop> why) const {
    return std::ranges::any_of(packets, [why](const StoryPacket& p) {
        return p.outcome() == Outcome::dropped && (!why || p.last().record.why == *why);
    });
}

std::vector<Story> stories_of(const std::vector<NotedStep>& steps) {
    std::vector<NotedStep> sorted = steps;
    std::ranges::stable_sort(sorted, {}, [](const NotedStep& s) { return s.record.tsc; });
    std::vector<Story> stories;
    for (NotedStep& s : sorted) {
        const Record r = s.record;
        auto story = std::ranges::find(stories, r.story, &Story::id);
        if (story == stories.end())
            story = stories.insert(story, Story{.id = r.story, .packets = {}});
        auto packet = std::ranges::find(story->packets, r.packet, &StoryPacket::id);
        if (packet == story->packets.end())
            packet = story->packets.insert(
                packet, StoryPacket{.id = r.packet, .parent = r.parent, .steps = {}});
        packet->steps.push_back(std::move(s));
    }
    return stories;
}

void Stories::add(NotedStep step, Clock::time_point now) {
    Gathered& to = open_[step.record.story];
    to.last = now;
    to.steps.push_back(std::move(step));
}

std::vector<Story> Stories::take(Clock::time_point now) {
    std::vector<Story> done;
    for (auto i = open_.begin(); i != open_.end();) {
        const auto quiet = now - i->second.last;
        if (quiet < kQuiet) {
            ++i;
            continue;
        }
        std::vector<Story> story = stories_of(i->second.steps);
        if (!story.front().ended() && quiet < kPatience) {
            ++i;
            continue;
        }
        done.push_back(std::move(story.front()));
        i = open_.erase(i);
    }
    std::ranges::sort(done, {},
                      [](const Story& s) { return s.packets.front().steps.front().record.tsc; });
    return done;
}

}  // namespace vethway
