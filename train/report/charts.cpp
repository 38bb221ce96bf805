#include "train/report/charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/check.h"
#include "train/report/html.h"

namespace weft {
namespace {

constexpr double width = 400, height = 250;
constexpr double left = 52, right = 274, top = 24, bottom = 208;  // of the plot; the lines' names stand right of it
constexpr double label_distance = 15;

/// Maps a range of values onto a range of units.
struct Scale {
  double low, high, from, to;
  double operator()(double value) const { return from + (value - low) / (high - low) * (to - from); }
};

/// "1.5e-4"
std::string short_scientific(double value) {
  const double exponent = std::floor(std::log10(std::abs(value)) + 1e-9);
  return fmt::format("{:.3g}e{:.0f}", value / std::pow(10, exponent), exponent);
}

std::string tick_text(double value, double step) {
  if (std::abs(value) < 1e-9 * step) return "0";
  if (step < 1e-3) return short_scientific(value);
  int digits = 0;
  for (double rest = step; std::abs(rest - std::round(rest)) > 1e-6; rest *= 10) ++digits;
  return fmt::format("{:.{}f}", value, digits);
}

/// Ticks that lie within [low, high]; both ends where there are fewer than two.
std::vector<double> inner_ticks(double low, double high) {
  std::vector<double> ticks = axis_ticks(low, high, 5);
  std::erase_if(ticks, [&](double t) { return t < low - 1e-9 || t > high + 1e-9; });
  return ticks.size() < 2 ? std::vector{low, high} : ticks;
}

std::string value_text(double value) {
  if (value != 0 && std::abs(value) < 1e-3) return short_scientific(value);
  return std::abs(value) >= 100 ? fmt::format("{:.0f}", value) : fmt::format("{:.3g}", value);
}

std::string frame(const Scale& x, const Scale& y, const std::vector<double>& x_ticks,
                  const std::vector<double>& y_ticks, const std::string& x_label, const std::string& y_label) {
  std::string svg;
  for (const double tick : y_ticks) {
    svg += fmt::format("<line class=\"grid\" x1=\"{0:.1f}\" x2=\"{1:.1f}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\"/>"
                       "<text x=\"{3:.1f}\" y=\"{4:.1f}\" text-anchor=\"end\">{5}</text>\n",
                       x.from, x.to, y(tick), left - 6, y(tick) + 4, tick_text(tick, y_ticks[1] - y_ticks[0]));
  }
  for (const double tick : x_ticks) {
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n", x(tick), bottom + 18,
                       tick_text(tick, x_ticks[1] - x_ticks[0]));
  }
  svg += fmt::format("<line class=\"axis\" x1=\"{0:.1f}\" x2=\"{1:.1f}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\"/>", x.from, x.to,
                     bottom);
  svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n", (x.from + x.to) / 2,
                     bottom + 38, escape_html(x_label));
  return svg + fmt::format("<text x=\"4\" y=\"12\">{}</text>\n", escape_html(y_label));
}

std::string svg_element(const std::string& title, const std::string& content) {
  return fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n{}</svg>\n", width, height,
                     escape_html(title), content);
}

/// Moves labels apart until neighbours are label_distance away from each other, within the plot where they fit.
void spread(std::vector<double*> labels) {
  std::sort(labels.begin(), labels.end(), [](const double* a, const double* b) { return *a < *b; });
  double lowest = top;
  for (double* y : labels) lowest = (*y = std::max(*y, lowest)) + label_distance;
  double highest = bottom;
  for (auto label = labels.rbegin(); label != labels.rend(); ++label)
    highest = (**label = std::min(**label, highest)) - label_distance;
}

std::vector<Series> drawable(const std::vector<Series>& series) {
  std::vector<Series> result = series;
  for (Series& s : result)
    std::erase_if(s.points, [](const auto& p) { return !std::isfinite(p[0]) || !std::isfinite(p[1]); });
  return result;
}

/// Lowest and highest of coordinate `axis` (0: x, 1: y), a little apart where they are one.
std::array<double, 2> range_of(const std::vector<Series>& series, std::size_t axis) {
  double low = INFINITY, high = -INFINITY;
  for (const Series& s : series) {
    for (const auto& p : s.points) {
      low = std::min(low, p[axis]);
      high = std::max(high, p[axis]);
    }
  }
  if (high <= low) high = low + (low == 0 ? 1 : 0.1 * std::abs(low));
  return {low, high};
}

std::string drawn_line(const Series& series, std::size_t number, const Scale& x, const Scale& y, double label_y) {
  std::string points, svg;
  for (const auto& p : series.points) points += fmt::format("{:.1f},{:.1f} ", x(p[0]), y(p[1]));
  if (!points.empty()) points.pop_back();
  svg = fmt::format("<polyline class=\"line l{}\" points=\"{}\"/>", number, points);
  const bool has_dots = series.points.size() <= 30;
  for (const auto& p : series.points) {
    if (has_dots)
      svg += fmt::format("<circle class=\"f{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.6\"/>", number, x(p[0]), y(p[1]));
  }
  return svg + fmt::format("<text class=\"name f{}\" x=\"{:.1f}\" y=\"{:.1f}\">{} {}</text>\n", number, right + 8,
                           label_y + 4, escape_html(series.name), value_text(series.points.back()[1]));
}

}  // namespace

std::vector<double> axis_ticks(double low, double high, int count) {
  WEFT_CHECK(low < high && count > 0, "[axis_ticks] expected a range and a count, got {} to {} and {}", low, high,
             count);
  const double rough = (high - low) / count, power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {5.0, 2.5, 2.0, 1.0}) {
    if (factor * power >= rough * (1 - 1e-9)) step = factor * power;
  }
  std::vector<double> ticks;
  const double first = std::floor(low / step + 1e-9), last = std::ceil(high / step - 1e-9);
  for (double k = first; k <= last; ++k) ticks.push_back(k * step);
  return ticks;
}

std::vector<std::array<double, 2>> averaged(const std::vector<std::array<double, 2>>& points, std::size_t count) {
  const std::size_t size = std::max<std::size_t>(1, (points.size() + count - 1) / count);
  std::vector<std::array<double, 2>> means;
  for (std::size_t begin = 0; begin < points.size(); begin += size) {
    const std::size_t end = std::min(points.size(), begin + size);
    std::array<double, 2> sum{};
    for (std::size_t i = begin; i < end; ++i) sum = {sum[0] + points[i][0], sum[1] + points[i][1]};
    means.push_back({sum[0] / static_cast<double>(end - begin), sum[1] / static_cast<double>(end - begin)});
  }
  return means;
}

std::string line_chart(const LineChart& chart) {
  const std::vector<Series> series = drawable(chart.series);
  if (std::all_of(series.begin(), series.end(), [](const Series& s) { return s.points.empty(); })) return "";
  const auto [x_low, x_high] = range_of(series, 0);
  auto [y_low, y_high] = range_of(series, 1);
  if (chart.y_low) y_low = std::min(y_low, *chart.y_low);
  const std::vector<double> y_ticks = axis_ticks(y_low, y_high, 4);
  const std::vector<double> x_ticks = inner_ticks(x_low, x_high);
  const Scale x{x_low, x_high, left, right}, y{y_ticks.front(), y_ticks.back(), bottom, top};

  std::vector<double> label_y(series.size());
  std::vector<double*> labels;
  for (std::size_t i = 0; i < series.size(); ++i) {
    if (series[i].points.empty()) continue;
    label_y[i] = y(series[i].points.back()[1]);
    labels.push_back(&label_y[i]);
  }
  spread(labels);
  std::string content = frame(x, y, x_ticks, y_ticks, chart.x_label, chart.y_label);
  for (std::size_t i = 0; i < series.size(); ++i) {
    if (!series[i].points.empty()) content += drawn_line(series[i], i % 6, x, y, label_y[i]);
  }
  return svg_element(chart.title, content);
}

std::string histogram_chart(std::span<const std::int64_t> counts, const std::string& x_label) {
  const std::int64_t most = counts.empty() ? 0 : *std::max_element(counts.begin(), counts.end());
  if (most == 0) return "";
  const auto bins = static_cast<double>(counts.size());
  const auto occupied = std::find_if(counts.begin(), counts.end(), [](std::int64_t n) { return n > 0; });
  const double low = std::min(0.5, static_cast<double>(occupied - counts.begin()) / bins);
  const std::vector<double> y_ticks = axis_ticks(0, static_cast<double>(std::max<std::int64_t>(most, 4)), 4);
  const Scale x{low, 1, left, width - 12}, y{0, y_ticks.back(), bottom, top};
  std::string content = frame(x, y, inner_ticks(low, 1), y_ticks, x_label, "pictures");
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double begin = x(static_cast<double>(i) / bins) + 1, end = x(static_cast<double>(i + 1) / bins) - 1;
    if (counts[i] == 0) continue;
    const double bar_top = y(static_cast<double>(counts[i]));
    content += fmt::format("<rect class=\"bar\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"/>"
                           "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n",
                           begin, bar_top, end - begin, bottom - bar_top, (begin + end) / 2, bar_top - 4, counts[i]);
  }
  return svg_element("histogram of " + x_label, content);
}

}  // namespace weft
