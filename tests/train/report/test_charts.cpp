#include "train/report/charts.h"

#include <cmath>

#include "tests/catch.h"

using namespace weft;

namespace {

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

/// The y of each text element that holds `name`.
double y_of_label(const std::string& svg, const std::string& name) {
  const std::size_t end = svg.find(name), begin = svg.rfind(" y=\"", end) + 4;
  return std::stod(svg.substr(begin));
}

}  // namespace

TEST_CASE("axis ticks are round numbers that cover the range", "[report]") {
  CHECK(axis_ticks(0, 1, 4) == std::vector<double>{0, 0.25, 0.5, 0.75, 1});
  CHECK(axis_ticks(0, 7, 4) == std::vector<double>{0, 2, 4, 6, 8});
  CHECK(axis_ticks(-3, 12, 4).front() == -5);
  for (const double high : {1e-6, 3e-4, 0.07, 0.93, 17.0, 2.2e5}) {
    const std::vector<double> ticks = axis_ticks(0, high, 4);
    INFO(high);
    CHECK(ticks.size() >= 3);
    CHECK(ticks.size() <= 7);
    CHECK(ticks.back() >= high * (1 - 1e-9));
  }
  CHECK_THROWS(axis_ticks(1, 1, 4));
}

TEST_CASE("neighbours are averaged, and none is lost", "[report]") {
  const auto means = averaged({{1, 2}, {2, 4}, {3, 9}, {4, 11}, {5, 100}}, 3);
  REQUIRE(means.size() == 3);
  CHECK(means[0] == std::array<double, 2>{1.5, 3});
  CHECK(means[2] == std::array<double, 2>{5, 100});
  CHECK(averaged({}, 3).empty());
}

TEST_CASE("a line chart has its axes' names and a label at each line", "[report]") {
  const LineChart chart{"Loss <b>", "epoch", "loss", {{"a & b", {{0, 1}, {1, 0.5}}}, {"c", {{0, 1}, {1, 0.5001}}}}, 0.0};
  const std::string svg = line_chart(chart);
  CHECK(svg.starts_with("<svg "));
  CHECK_THAT(svg, Contains(">epoch<") && Contains(">loss<") && Contains("a &amp; b 0.5") && Contains("Loss &lt;b&gt;"));
  CHECK(count_of(svg, "<polyline") == 2);
  // Two lines that end in one place: the names don't lie on each other.
  CHECK(std::abs(y_of_label(svg, "a &amp; b") - y_of_label(svg, ">c ")) >= 14);
}

TEST_CASE("charts of little or broken data", "[report]") {
  CHECK(line_chart({"t", "x", "y", {{"empty", {}}}, {}}).empty());
  CHECK(line_chart({"t", "x", "y", {{"lost", {{1, NAN}, {2, INFINITY}}}}, {}}).empty());
  const std::string one = line_chart({"t", "x", "y", {{"one", {{1, 0.25}}}}, {}});
  CHECK(count_of(one, "<circle") == 1);
  for (const std::string& svg : {one, line_chart({"t", "x", "y", {{"flat", {{1, 0}, {2, 0}, {3, NAN}}}}, 0.0})}) {
    CHECK_THAT(svg, !Contains("nan") && !Contains("inf"));
  }
}

TEST_CASE("a histogram has a column for each bin that holds a picture", "[report]") {
  std::vector<std::int64_t> counts(20, 0);
  counts[13] = 2;
  counts[19] = 7;
  const std::string svg = histogram_chart(counts, "IoU");
  CHECK(count_of(svg, "<rect") == 2);
  CHECK_THAT(svg, Contains(">7<") && Contains(">pictures<") && Contains(">IoU<"));
  CHECK(histogram_chart(std::vector<std::int64_t>(20, 0), "IoU").empty());
}
