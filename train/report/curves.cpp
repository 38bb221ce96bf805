#include "train/report/curves.h"

#include <algorithm>

#include "train/report/charts.h"
#include "train/report/html.h"

namespace weft {
namespace {

constexpr std::size_t points_drawn = 100;

/// Where on the x axis a step lies.
struct Axis {
  double steps_per_unit = 1;
  std::string label = "step";

  explicit Axis(const MetricsHistory& history) {
    const auto in_first = std::count_if(history.steps.begin(), history.steps.end(),
                                        [](const StepRecord& r) { return r.epoch == 1; });
    const bool has_second = !history.steps.empty() && history.steps.back().epoch > 1;
    if (in_first > 0 && (has_second || !history.validations.empty())) {
      steps_per_unit = static_cast<double>(in_first);
      label = "epoch";
    }
  }
  double operator()(std::int64_t step) const { return static_cast<double>(step) / steps_per_unit; }
};

template <class Records, class Value>
Series series(const std::string& name, const Records& records, const Axis& axis, Value value) {
  Series result{name, {}};
  for (const auto& r : records) result.points.push_back({axis(r.step), value(r)});
  return result;
}

std::string card(const LineChart& chart) {
  const std::string svg = line_chart(chart);
  if (svg.empty()) return "";
  return "<figure class=\"card\"><h3>" + escape_html(chart.title) + "</h3>" + svg + "</figure>\n";
}

}  // namespace

std::string curves_html(const MetricsHistory& history) {
  if (history.steps.empty() && history.validations.empty()) return "";
  const Axis axis(history);
  const auto of_steps = [&](const char* name, auto value) {
    Series s = series(name, history.steps, axis, value);
    s.points = averaged(s.points, points_drawn);
    return s;
  };
  const auto of_validations = [&](const char* name, auto value) {
    return series(name, history.validations, axis, value);
  };
  std::string html = "<h2>How it learned</h2>\n<p class=\"soft\">The training's figures are of augmented pictures, and means "
                     "over neighbouring steps where there are many. The validation's are of whole photographs.</p>\n"
                     "<div class=\"charts\">\n";
  html += card({"Loss", axis.label, "loss",
                {of_steps("training", [](const auto& r) { return r.loss; }),
                 of_validations("validation", [](const auto& r) { return r.loss; })},
                0.0});
  html += card({"Mean IoU of the validation", axis.label, "mIoU",
                {of_validations("mIoU", [](const auto& r) { return r.mean_iou; })}, {}});
  html += card({"IoU and Dice of all pixels", axis.label, "share",
                {of_validations("IoU", [](const auto& r) { return r.iou; }),
                 of_validations("Dice", [](const auto& r) { return r.dice; })}, {}});
  html += card({"The two parts of the training loss", axis.label, "loss",
                {of_steps("Dice", [](const auto& r) { return r.dice; }),
                 of_steps("BCE", [](const auto& r) { return r.bce; })},
                0.0});
  html += card({"Learning rate", axis.label, "rate",
                {of_steps("rate", [](const auto& r) { return r.learning_rate; })}, 0.0});
  html += card({"Time of a step", axis.label, "seconds",
                {of_steps("time", [](const auto& r) { return r.milliseconds / 1000; })}, 0.0});
  return html + "</div>\n";
}

}  // namespace weft
