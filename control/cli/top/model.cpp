// SPDX-License-Identifier: Apache-2.0
#include "control/cli/top/model.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace vethway::cli::top {

namespace {

template <class T, class Fits>
const T* find(const std::vector<T>& in, Fits fits) {
    const auto found = std::find_if(in.begin(), in.end(), fits);
    return found == in.end() ? nullptr : &*found;
}

// A port that was removed and added again under its name counts from 0.
bool counts_on(const PortReading& before, const PortReading& now) {
    return now.rx_packets >= before.rx_packets && now.tx_packets >= before.tx_packets &&
           now.rx_bytes >= before.rx_bytes && now.tx_bytes >= before.tx_bytes &&
           now.dropped >= before.dropped;
}

PortRates rates_of(const PortReading& before, const PortReading& now, double dt) {
    const auto rate = [dt](uint64_t from, uint64_t to) {
        return to < from ? 0 : static_cast<double>(to - from) / dt;
    };
    return {.rx_pps = rate(before.rx_packets, now.rx_packets),
            .tx_pps = rate(before.tx_packets, now.tx_packets),
            .rx_bits = 8 * rate(before.rx_bytes, now.rx_bytes),
            .tx_bits = 8 * rate(before.tx_bytes, now.tx_bytes),
            .drops = rate(before.dropped, now.dropped),
            .missed = rate(before.missed, now.missed)};
}

// Parts of the time that it accounted for: a worker that is just asleep adds its sleep when it
// wakes, up to half a second later.
std::optional<WorkerUse> use_of(const WorkerReading& before, const WorkerReading& now, double dt) {
    const double busy = now.busy_s - before.busy_s, idle = now.idle_s - before.idle_s;
    const double sleep = now.sleep_s - before.sleep_s, all = busy + idle + sleep;
    if (busy < 0 || idle < 0 || sleep < 0 || now.bursts < before.bursts ||
        now.packets < before.packets || now.wakeups < before.wakeups)
        return std::nullopt;
    if (all <= 0) return WorkerUse{.sleep = 1};
    WorkerUse use{.busy = busy / all, .idle = idle / all, .sleep = sleep / all};
    const auto bursts = static_cast<double>(now.bursts - before.bursts);
    if (bursts > 0) use.burst = static_cast<double>(now.packets - before.packets) / bursts;
    const auto wakeups = static_cast<double>(now.wakeups - before.wakeups);
    use.wakeups = wakeups / dt;
    if (wakeups > 0) use.wakeup_us = (now.wakeup_s - before.wakeup_s) / wakeups * 1e6;
    return use;
}

double value_of(const PortRates& rates, SortBy by) {
    switch (by) {
        case SortBy::rx_pps:
            return rates.rx_pps;
        case SortBy::tx_pps:
            return rates.tx_pps;
        case SortBy::rx_bits:
            return rates.rx_bits;
        case SortBy::tx_bits:
            return rates.tx_bits;
        case SortBy::drops:
            return rates.drops;
        default:
            return 0;
    }
}

// eth2 before eth10: digits count as numbers, as people number their ports.
bool name_less(const std::string& a, const std::string& b) {
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    const auto number_at = [&](const std::string& s, size_t at) {
        size_t end = at;
        while (end < s.size() && digit(s[end])) ++end;
        return s.substr(at, end - at);
    };
    for (size_t i = 0, j = 0;;) {
        if (i == a.size() || j == b.size()) return i == a.size() && j < b.size();
        if (digit(a[i]) && digit(b[j])) {
            const std::string x = number_at(a, i), y = number_at(b, j);
            if (x != y) return std::tuple(x.size(), x) < std::tuple(y.size(), y);
            i += x.size();
            j += y.size();
        } else if (a[i] != b[j]) {
            return a[i] < b[j];
        } else {
            ++i, ++j;
        }
    }
}

bool fits(const std::string& name, const std::string& filter) {
    return name.find(filter) != std::string::npos;
}

}  // namespace

void Model::add(Reading reading) {
    trouble_.clear();
    const double dt = reading_ ? reading.at_s - reading_->at_s : 0;
    if (reading_ && dt < kShortest) return;
    const std::optional<Reading> before = std::exchange(reading_, std::move(reading));
    const bool same_daemon = before && before->pid == reading_->pid;
    if (!same_daemon) history_.clear();
    compare(same_daemon ? *before : Reading{}, dt);
}

void Model::compare(const Reading& before, double dt) {
    ports_.clear();
    drops_.clear();
    workers_.clear();
    std::map<std::string, std::deque<double>> history;
    for (const PortReading& now : reading_->ports) {
        const auto* was = find(before.ports, [&](const auto& p) { return p.name == now.name; });
        PortRow row{.name = now.name, .state = now.state, .reason = now.reason};
        std::deque<double>& past = history[now.name] = history_[now.name];
        if (was != nullptr && counts_on(*was, now)) {
            row.rates = rates_of(*was, now, dt);
            past.push_back(row.rates->rx_pps + row.rates->tx_pps);
            if (past.size() > kHistory) past.pop_front();
        }
        row.history.assign(past.begin(), past.end());
        ports_.push_back(std::move(row));
    }
    history_ = std::move(history);
    for (const DropReading& now : reading_->drops) {
        const auto* was = find(before.drops, [&](const auto& d) {
            return d.port == now.port && d.reason == now.reason;
        });
        DropRow row{now.port, now.reason, now.stage, now.help, now.packets, std::nullopt};
        // A reason is shown from its first drop on: before it there was none.
        const uint64_t base = was == nullptr ? 0 : was->packets;
        if (before.pid != 0 && now.packets >= base)
            row.rate = static_cast<double>(now.packets - base) / dt;
        drops_.push_back(std::move(row));
    }
    for (const WorkerReading& now : reading_->lcores) {
        const auto* was = find(before.lcores, [&](const auto& w) { return w.lcore == now.lcore; });
        workers_.push_back({now.lcore, now.cpu, now.queues,
                            was == nullptr ? std::nullopt : use_of(*was, now, dt)});
    }
}

std::vector<PortRow> Model::ports(SortBy by, bool reverse, const std::string& filter) const {
    std::vector<PortRow> rows;
    for (const PortRow& row : ports_)
        if (fits(row.name, filter)) rows.push_back(row);
    std::stable_sort(rows.begin(), rows.end(),
                     [](const PortRow& a, const PortRow& b) { return name_less(a.name, b.name); });
    if (by == SortBy::name) {
        if (reverse) std::reverse(rows.begin(), rows.end());
        return rows;
    }
    std::stable_sort(rows.begin(), rows.end(), [&](const PortRow& a, const PortRow& b) {
        if (!a.rates || !b.rates) return a.rates.has_value() && !b.rates.has_value();
        const double x = value_of(*a.rates, by), y = value_of(*b.rates, by);
        return reverse ? x < y : x > y;
    });
    return rows;
}

std::vector<DropRow> Model::drops(const std::string& filter) const {
    std::vector<DropRow> rows;
    for (const DropRow& row : drops_)
        if (fits(row.port, filter)) rows.push_back(row);
    std::stable_sort(rows.begin(), rows.end(), [](const DropRow& a, const DropRow& b) {
        return std::tuple(a.rate.value_or(0), a.packets) >
               std::tuple(b.rate.value_or(0), b.packets);
    });
    return rows;
}

std::map<std::string, unsigned> Model::neighbours(const std::string& filter) const {
    std::map<std::string, unsigned> states;
    if (!reading_) return states;
    for (const NeighbourReading& n : reading_->neighbours)
        if (fits(n.port, filter)) ++states[n.state];
    return states;
}

std::vector<Talker> top_talkers(const std::vector<Flow>& sampled, size_t most) {
    std::map<std::tuple<std::string, std::string, std::string, uint16_t, uint16_t>, Talker> flows;
    double all = 0;
    for (const Flow& f : sampled) {
        const auto [at, is_new] = flows.try_emplace(
            {f.src, f.dst, f.protocol, f.src_port, f.dst_port}, Talker{.flow = f});
        if (!is_new) {
            at->second.flow.packets += f.packets;
            at->second.flow.bytes += f.bytes;
        }
        all += static_cast<double>(f.bytes);
    }
    std::vector<Talker> talkers;
    for (auto& [key, talker] : flows) {
        if (all > 0) talker.share = static_cast<double>(talker.flow.bytes) / all;
        talkers.push_back(std::move(talker));
    }
    std::stable_sort(talkers.begin(), talkers.end(), [](const Talker& a, const Talker& b) {
        return std::tuple(a.flow.bytes, a.flow.packets) > std::tuple(b.flow.bytes, b.flow.packets);
    });
    if (talkers.size() > most) talkers.resize(most);
    return talkers;
}

}  // namespace vethway::cli::top
