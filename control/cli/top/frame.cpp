// SPDX-License-Identifier: Apache-2.0
#include "control/cli/top/frame.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace vethway::cli::top {

namespace {

constexpr size_t kTalkersShown = 10;
constexpr size_t kBar = 20;  // columns

bool starts_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }
size_t columns(const std::string& text) {
    return static_cast<size_t>(std::ranges::count_if(text, starts_character));
}
std::string left(const std::string& text, size_t width) {
    return text + std::string(width - std::min(width, columns(text)), ' ');
}
std::string right(const std::string& text, size_t width) {
    return std::string(width - std::min(width, columns(text)), ' ') + text;
}

std::string duration(double seconds) {
    const auto s = static_cast<int64_t>(seconds);
    if (s < 60) return fmt::format("{} s", s);
    if (s < 3600) return fmt::format("{} min {} s", s / 60, s % 60);
    if (s < 86400) return fmt::format("{} h {} min", s / 3600, s % 3600 / 60);
    return fmt::format("{} d {} h", s / 86400, s % 86400 / 3600);
}

std::string rate_text(const std::optional<PortRates>& rates, double PortRates::*which) {
    return rates ? short_number((*rates).*which) : "-";
}

std::string pool_text(const Pool& p) {
    const double part =
        p.total == 0 ? 0 : static_cast<double>(p.used) / static_cast<double>(p.total);
    return fmt::format("{}/{} ({:.0f}%)", p.used, p.total, 100 * part);
}

void heading(std::vector<Line>& body, const std::string& text) {
    body.push_back({});
    body.push_back({{text, Style::strong}});
}

Line first_line(const Reading& r) {
    Line line{{"vethway " + r.version, Style::strong},
              {fmt::format("  up {}  {} worker{}  ", duration(r.uptime_s), r.workers,
                           r.workers == 1 ? "" : "s")}};
    if (r.imbalance == 0)
        line.push_back({"books balanced", Style::good});
    else
        line.push_back({fmt::format("books OUT OF BALANCE by {}", r.imbalance), Style::bad});
    line.push_back({fmt::format("  mbufs {}  large {}  held {}", pool_text(r.mbufs),
                                pool_text(r.large_mbufs), r.held)});
    return line;
}

Line second_line(const Model& model, const View& view) {
    if (!model.trouble().empty()) return {{"trying again: " + model.trouble(), Style::bad}};
    Line line{{fmt::format("sorted by {}{}", kSortNames[static_cast<size_t>(view.sort)],
                           view.reverse ? ", reversed" : "")}};
    if (!view.filter.empty()) line.push_back({"  ports with \"" + view.filter + '"'});
    if (view.paused) line.push_back({"  PAUSED", Style::bad});
    return line;
}

struct Column {
    const char* title;
    SortBy sort;
    double PortRates::*value;
};
constexpr Column kColumns[] = {{"RX pps", SortBy::rx_pps, &PortRates::rx_pps},
                               {"TX pps", SortBy::tx_pps, &PortRates::tx_pps},
                               {"RX bit/s", SortBy::rx_bits, &PortRates::rx_bits},
                               {"TX bit/s", SortBy::tx_bits, &PortRates::tx_bits},
                               {"DROP/s", SortBy::drops, &PortRates::drops},
                               {"MISS/s", SortBy::kCount, &PortRates::missed}};
constexpr size_t kNumber = 9;  // columns of a rate, the space before it included
constexpr size_t kState = 6;

void draw_ports(const Model& model, const View& view, Canvas canvas, std::vector<Line>& body) {
    const auto rows = model.ports(view.sort, view.reverse, view.filter);
    size_t name = 6;
    for (const PortRow& row : rows) name = std::max(name, columns(row.name) + 1);
    const auto title = [&](SortBy sort) { return sort == view.sort ? Style::strong : Style::dim; };
    Line header{{left("PORT", name), title(SortBy::name)}, {left("STATE", kState), Style::dim}};
    for (const Column& c : kColumns) header.push_back({right(c.title, kNumber), title(c.sort)});
    const size_t used = name + kState + std::size(kColumns) * kNumber + 2;
    const size_t room = canvas.width > used ? std::min(canvas.width - used, kHistory) : 0;
    if (room >= 8) header.push_back({"  RX AND TX", Style::dim});
    body.push_back(header);
    for (const PortRow& row : rows) {
        Line line{{left(row.name, name)},
                  {left(row.state, kState), row.state == "up" ? Style::good : Style::bad}};
        for (const Column& c : kColumns) {
            const bool bad = c.sort >= SortBy::drops && row.rates && (*row.rates).*c.value > 0;
            line.push_back(
                {right(rate_text(row.rates, c.value), kNumber), bad ? Style::bad : Style::plain});
        }
        std::vector<double> past = row.history;
        if (past.size() > room) past.erase(past.begin(), past.end() - static_cast<long>(room));
        if (!row.reason.empty())
            line.push_back({"  " + row.reason, Style::bad});
        else if (room >= 8)
            line.push_back(
                {"  " + std::string(room - past.size(), ' ') + sparkline(past, canvas.utf8)});
        body.push_back(std::move(line));
    }
    if (rows.empty()) body.push_back({{"no port's name has that in it"}});
}

void draw_drops(const Model& model, const View& view, std::vector<Line>& body) {
    const auto rows = model.drops(view.filter);
    heading(body, "DROPS");
    if (rows.empty()) {
        body.push_back({{"none"}});
        return;
    }
    size_t port = 6, reason = 8;
    for (const DropRow& row : rows) {
        port = std::max(port, columns(row.port) + 1);
        reason = std::max(reason, columns(row.reason) + 1);
    }
    body.push_back({{left("PORT", port) + left("REASON", reason) + right("PER s", kNumber) +
                         right("TOTAL", 12) + "  MEANING",
                     Style::dim}});
    for (const DropRow& row : rows)
        body.push_back({{left(row.port, port) + left(row.reason, reason)},
                        {right(row.rate ? short_number(*row.rate) : "-", kNumber),
                         row.rate.value_or(0) > 0 ? Style::bad : Style::plain},
                        {right(std::to_string(row.packets), 12)},
                        {"  " + row.help, Style::dim}});
}

std::string bar(const WorkerUse& use, bool utf8) {
    const auto cells = [](double part) { return static_cast<size_t>(std::lround(part * kBar)); };
    const size_t busy = std::min(cells(use.busy), kBar);
    const size_t idle = std::min(cells(use.idle), kBar - busy);
    std::string text;
    for (size_t i = 0; i < kBar; ++i)
        text += i < busy ? (utf8 ? "█" : "#") : i < busy + idle ? (utf8 ? "░" : ".") : " ";
    return text;
}

void draw_workers(const Model& model, Canvas canvas, std::vector<Line>& body) {
    heading(body, "WORKERS");
    body.push_back({{left("LCORE", 7) + left("CPU", 5) + right("BUSY", 7) + right("IDLE", 7) +
                         right("SLEEP", 7) + "  " + left("", kBar) + right("BURST", 7) +
                         right("WAKES/s", kNumber) + right("WAKE us", kNumber) + "  QUEUES",
                     Style::dim}});
    const auto percent = [](double part) { return right(fmt::format("{:.1f}%", 100 * part), 7); };
    const auto number = [](const std::optional<double>& value, size_t width) {
        return right(value ? fmt::format("{:.1f}", *value) : "-", width);
    };
    for (const WorkerRow& row : model.workers()) {
        Line line{{left(std::to_string(row.lcore), 7) + left(std::to_string(row.cpu), 5)}};
        if (!row.use) {
            line.push_back({right("-", 7)});
        } else {
            const WorkerUse& use = *row.use;
            line.push_back({percent(use.busy), use.busy > 0.9 ? Style::bad : Style::plain});
            line.push_back({percent(use.idle) + percent(use.sleep) + "  " + bar(use, canvas.utf8) +
                            number(use.burst, 7) + right(short_number(use.wakeups), kNumber) +
                            number(use.wakeup_us, kNumber)});
            line.push_back({"  " + row.queues, Style::dim});
        }
        body.push_back(std::move(line));
    }
}

void draw_neighbours(const Model& model, const View& view, std::vector<Line>& body) {
    heading(body, "NEIGHBOURS");
    Line line;
    for (const auto& [state, count] : model.neighbours(view.filter))
        line.push_back({fmt::format("{}{} {}", line.empty() ? "" : "  ", state, count),
                        state == "failed" ? Style::bad : Style::plain});
    if (line.empty()) line.push_back({"none"});
    body.push_back(std::move(line));
}

void draw_talkers(const std::vector<Flow>& flows, std::vector<Line>& body) {
    heading(body, "TOP TALKERS");
    const auto end = [](const std::string& address, uint16_t port) {
        return port == 0 ? address : address + ':' + std::to_string(port);
    };
    body.push_back({{left("FROM", 23) + left("TO", 23) + left("PROTO", 7) + right("PKT/S", 10) +
                         right("BYTES/S", 10) + right("SHARE", 8),
                     Style::dim}});
    for (const Talker& t : top_talkers(flows, kTalkersShown))
        body.push_back(
            {{left(end(t.flow.src, t.flow.src_port), 22) + ' ' +
              left(end(t.flow.dst, t.flow.dst_port), 22) + ' ' + left(t.flow.protocol, 7) +
              right(short_number(static_cast<double>(t.flow.packets)), 10) +
              right(short_number(static_cast<double>(t.flow.bytes)), 10) +
              right(fmt::format("{:.1f}%", 100 * t.share), 8)}});
    if (flows.empty()) body.push_back({{"none sampled"}});
}

const std::vector<Line>& help_lines() {
    static const std::vector<Line> kLines = [] {
        std::vector<Line> lines{{{"KEYS", Style::strong}}};
        for (const char* text :
             {"q          quit", "s          sort the ports by the next column",
              "r          turn the order round", "/          only ports whose name has this in it",
              "Escape     all ports again", "p          pause, and go on",
              "space      look again at once, and draw the screen anew",
              "arrows, PgUp, PgDn, Home, End   scroll", "h ?        this"})
            lines.push_back({{text}});
        lines.push_back({});
        for (const char* text :
             {"DROP/s     packets that vethway dropped; each has its reason below",
              "MISS/s     packets that the kernel or a device lost before vethway saw them",
              "BURST      packets that a worker took from a queue at a time, on average",
              "WAKE us    how long the frame waited that woke a worker, on average"})
            lines.push_back({{text}});
        return lines;
    }();
    return kLines;
}

Line foot(const View& view) {
    if (view.typing) return {{"ports with: ", Style::strong}, {view.filter + '_'}};
    if (view.help) return {{"any key: back", Style::dim}};
    return {{"q quit  s sort  r reverse  / filter  p pause  space now  h help", Style::dim}};
}

}  // namespace

std::string short_number(double value) {
    if (value <= 0) return "0";
    if (value < 9.95) return fmt::format("{:.1f}", value);
    if (value < 999.5) return fmt::format("{:.0f}", value);
    const char* units = "kMGTPE";
    for (value /= 1000; value >= 999.5 && units[1] != '\0'; value /= 1000) ++units;
    const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    return fmt::format("{:.{}f}{}", value, decimals, *units);
}

std::string sparkline(const std::vector<double>& values, bool utf8) {
    static constexpr const char* kBlocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static constexpr const char* kAscii[] = {" ", ".", ":", "-", "=", "+", "*", "%", "#"};
    const double highest = values.empty() ? 0 : *std::ranges::max_element(values);
    std::string text;
    for (const double value : values) {
        // Whatever is not nothing can be seen.
        const size_t level =
            value <= 0 ? 0
                       : std::max<size_t>(1, static_cast<size_t>(std::lround(8 * value / highest)));
        text += utf8 ? kBlocks[level] : kAscii[level];
    }
    return text;
}

Line clipped(const Line& line, size_t width) {
    Line out;
    for (const Span& span : line) {
        size_t end = 0;
        while (end < span.text.size() && (width > 0 || !starts_character(span.text[end])))
            if (starts_character(span.text[end++])) --width;
        out.push_back({span.text.substr(0, end), span.style});
        if (end < span.text.size()) break;
    }
    return out;
}

std::string plain_text(const Line& line) {
    std::string text;
    for (const Span& span : line) text += span.text;
    return text.substr(0, text.find_last_not_of(' ') + 1);
}

Frame draw(const Model& model, const View& view, Canvas canvas) {
    Frame frame;
    frame.foot = foot(view);
    if (!model.any()) {
        frame.head = {{{"vethway", Style::strong}}, second_line(model, view)};
        if (view.help) frame.body = help_lines();
        return frame;
    }
    frame.head = {first_line(model.reading()), second_line(model, view), {}};
    if (view.help) {
        frame.body = help_lines();
        return frame;
    }
    draw_ports(model, view, canvas, frame.body);
    draw_drops(model, view, frame.body);
    draw_workers(model, canvas, frame.body);
    draw_neighbours(model, view, frame.body);
    if (model.reading().flows) draw_talkers(*model.reading().flows, frame.body);
    return frame;
}

}  // namespace vethway::cli::top
