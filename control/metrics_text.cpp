// SPDX-License-Identifier: Apache-2.0
// Prometheus's text format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats). In place of
// prometheus-cpp's TextSerializer, which puts each character of a label into a stream by itself:
// of the 13262 samples of 100 ports that was two thirds of what a scrape took.
#include <fmt/format.h>

#include <cmath>
#include <iterator>
#include <string_view>
#include <utility>

#include "control/metrics.h"

namespace vethway {

namespace {

using prometheus::MetricType;

// Of a help text quotes stay as they are, and are escaped in a label's value.
void append_escaped(std::string& out, std::string_view text, bool is_label) {
    const std::string_view special = is_label ? "\\\n\"" : "\\\n";
    for (size_t at = text.find_first_of(special); at != text.npos;
         at = text.find_first_of(special)) {
        out += text.substr(0, at);
        out += '\\';
        out += text[at] == '\n' ? 'n' : text[at];
        text.remove_prefix(at + 1);
    }
    out += text;
}

void append_number(std::string& out, double value) {
    if (std::isinf(value))
        out += value < 0 ? "-Inf" : "+Inf";
    else if (std::isnan(value))
        out += "NaN";
    else
        fmt::format_to(std::back_inserter(out), "{}", value);
}

// One family's lines.
class Lines {
public:
    Lines(const prometheus::MetricFamily& family, std::string& out) : family_(family), out_(out) {}

    void write() {
        const char* type = family_.type == MetricType::Counter ? "counter"
                           : family_.type == MetricType::Gauge ? "gauge"
                                                               : "histogram";
        out_ += "# HELP " + family_.name + ' ';
        append_escaped(out_, family_.help, false);
        out_ += "\n# TYPE " + family_.name + ' ' + type + '\n';
        for (const prometheus::ClientMetric& metric : family_.metric) {
            if (family_.type == MetricType::Histogram)
                histogram(metric);
            else
                line("", metric, nullptr,
                     family_.type == MetricType::Counter ? metric.counter.value
                                                         : metric.gauge.value);
        }
    }

private:
    void histogram(const prometheus::ClientMetric& metric) {
        const auto& of = metric.histogram;
        for (const auto& bucket : of.bucket)
            line("_bucket", metric, &bucket.upper_bound,
                 static_cast<double>(bucket.cumulative_count));
        line("_sum", metric, nullptr, of.sample_sum);
        line("_count", metric, nullptr, static_cast<double>(of.sample_count));
    }

    // `le`: a bucket's upper bound; null: it is none.
    void line(std::string_view suffix, const prometheus::ClientMetric& metric, const double* le,
              double value) {
        out_ += family_.name;
        out_ += suffix;
        char before = '{';
        const auto begin_label = [&](std::string_view name) {
            out_ += std::exchange(before, ',');
            out_ += name;
            out_ += "=\"";
        };
        for (const auto& label : metric.label) {
            begin_label(label.name);
            append_escaped(out_, label.value, true);
            out_ += '"';
        }
        if (le != nullptr) {
            begin_label("le");
            append_number(out_, *le);
            out_ += '"';
        }
        if (before == ',') out_ += '}';
        out_ += ' ';
        append_number(out_, value);
        out_ += '\n';
    }

    const prometheus::MetricFamily& family_;
    std::string& out_;
};

}  // namespace

std::string to_text(const std::vector<prometheus::MetricFamily>& families) {
    std::string text;
    for (const prometheus::MetricFamily& family : families) Lines(family, text).write();
    return text;
}

}  // namespace vethway
