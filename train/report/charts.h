#pragma once
// Charts as inline SVG. Colours and fonts come from the page (train/report/style.h), so that a chart follows its scheme.
// The drawing area is 400 units wide: a card of about that many pixels shows the text at its own size.

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace weft {

struct Series {
  std::string name;                           // written at the line's right end
  std::vector<std::array<double, 2>> points;  // (x, y) by rising x; those that are not finite are left out
};

struct LineChart {
  std::string title, x_label, y_label;
  std::vector<Series> series;      // at most 6; those without points are left out
  std::optional<double> y_low;     // where the axis must begin, such as 0
};

/// An <svg> of the lines, each with its name and last value at its end; empty text where there is nothing to draw.
std::string line_chart(const LineChart& chart);

/// An <svg> of columns over [0, 1], counts[i] pictures in the i-th of equal bins. Empty bins below the first picture and
/// below 0.5 are cut off.
std::string histogram_chart(std::span<const std::int64_t> counts, const std::string& x_label);

/// Round numbers (1, 2, 2.5 or 5 times a power of ten apart) that cover [low, high], about `count` of them.
std::vector<double> axis_ticks(double low, double high, int count);

/// The mean of every ceil(n / count) neighbours, so that a long noisy curve can be read.
std::vector<std::array<double, 2>> averaged(const std::vector<std::array<double, 2>>& points, std::size_t count);

}  // namespace weft
