// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <limits>

#include "control/metrics.h"

namespace vethway {
namespace {

Families one_of_each() {
    Families f;
    f.gauge("g", "With \\ and\na line.", {}, 0.25);
    f.counter("c_total", "Counts.", {{"port", "p1"}, {"netdev", "a\"b\\c\nd"}}, 1234567);
    f.counter("c_total", "", {{"port", "p2"}}, 0);
    f.histogram("h", "Spreads.", {{"lcore", "1"}}, {{0.5, 2}, {1, 3}}, 2.75);
    return f;
}

TEST(MetricsText, IsWhatPrometheusReads) {
    EXPECT_EQ(to_text(one_of_each().take()), R"(# HELP g With \\ and\na line.
# TYPE g gauge
g 0.25
# HELP c_total Counts.
# TYPE c_total counter
c_total{port="p1",netdev="a\"b\\c\nd"} 1234567
c_total{port="p2"} 0
# HELP h Spreads.
# TYPE h histogram
h_bucket{lcore="1",le="0.5"} 2
h_bucket{lcore="1",le="1"} 5
h_bucket{lcore="1",le="+Inf"} 5
h_sum{lcore="1"} 2.75
h_count{lcore="1"} 5
)");
}

TEST(MetricsText, WritesNumbersWhole) {
    constexpr double kInf = std::numeric_limits<double>::infinity();
    Families f;
    for (const double value :
         {1.8e19, 1764423000.123, 1e-9, kInf, -kInf, std::numeric_limits<double>::quiet_NaN()})
        f.gauge("g", "", {}, value);
    EXPECT_EQ(to_text(f.take()),
              "# HELP g \n# TYPE g gauge\ng 1.8e+19\ng 1764423000.123\ng 1e-09\ng +Inf\ng -Inf\n"
              "g NaN\n");
}

}  // namespace
}  // namespace vethway
