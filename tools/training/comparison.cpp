#include "tools/training/comparison.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numeric>

#include "core/atomic_file.h"
#include "core/formats/printable.h"
#include "data/ignored.h"
#include "tools/common/machine.h"
#include "tools/common/progress_bar.h"
#include "train/detail_metrics.h"
#include "train/report/pictures.h"
#include "train/report/report.h"

namespace weft::tools {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t pictures_shown = 10;
constexpr int picture_side = 300;  // pixels, in the report

/// What one model made of the pictures.
struct Judgement {
  ComparedModel scores;
  std::vector<double> iou;  // by picture
};

Judgement judge(const Contender& contender, const Dataset& pictures, const EvaluationOptions& options,
                std::string& rows) {
  ProgressBar progress(printable(contender.name), static_cast<std::int64_t>(pictures.size()), "pictures");
  Judgement result;
  DetailMetrics details;
  const Evaluation evaluation =
      evaluate(*contender.model.network, contender.model.info, pictures, options, [&](const EvaluatedPicture& p) {
        const Confusion& c = p.counts;
        const std::string& stem = pictures.files(p.index).stem;
        result.iou.push_back(c.iou());
        details.add(stem, p);
        rows += fmt::format("{},{},{},{},{},{},{},{},{}\n", csv_field(contender.name), csv_field(stem), c.iou(),
                            c.dice(), c.true_positive, c.false_positive, c.false_negative, c.true_negative, p.loss);
        progress.update(static_cast<std::int64_t>(p.index + 1));
      });
  const SegmentationMetrics& metrics = evaluation.metrics;
  result.scores = {contender.name,         contender.model.info.threshold,
                   metrics.mean_iou(),     metrics.total().iou(),
                   metrics.total().dice(), evaluation.loss,
                   details.boundary_f(),   {}};
  return result;
}

/// The pictures on which the best and the worst model lie farthest apart, those first.
std::vector<std::size_t> most_different(const std::vector<Judgement>& judgements, std::size_t count) {
  std::vector<double> spread;
  for (std::size_t i = 0; i < judgements[0].iou.size(); ++i) {
    double low = 1, high = 0;
    for (const Judgement& j : judgements) {
      low = std::min(low, j.iou[i]);
      high = std::max(high, j.iou[i]);
    }
    spread.push_back(high - low);
  }
  std::vector<std::size_t> order(spread.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return spread[a] > spread[b]; });
  order.resize(std::min(count, order.size()));
  std::erase_if(order, [&](std::size_t i) { return spread[i] == 0; });
  return order;
}

std::string difference_text(const PairedDifference& d) {
  return fmt::format("{:+.4f} ({:+.4f} to {:+.4f})", d.mean, d.low, d.high);
}

void print_table(const std::vector<Judgement>& judgements, std::size_t pictures) {
  std::size_t width = 5;
  for (const Judgement& j : judgements) width = std::max(width, j.scores.name.size());
  fmt::print("pictures {}\n{:<{}} {:>8} {:>8} {:>8} {:>8} {:>8} {:>9}  {}\n", pictures, "model", width, "mIoU", "IoU",
             "Dice", "loss", "boundary", "threshold", "mIoU against the first (95 of 100 draws)");
  for (const Judgement& j : judgements) {
    const ComparedModel& m = j.scores;
    fmt::print("{:<{}} {:>8.4f} {:>8.4f} {:>8.4f} {:>8.4f} {:>8.4f} {:>9}  {}\n", m.name, width, m.mean_iou, m.iou,
               m.dice, m.loss, m.boundary_f, m.threshold, m.against_first ? difference_text(*m.against_first) : "");
  }
}

void print_pictures(const std::vector<std::size_t>& indices, const std::vector<Judgement>& judgements,
                    const Dataset& pictures) {
  if (indices.empty()) return fmt::print("the models agree on every picture\n");
  fmt::print("they differ most on\n");
  for (const std::size_t i : indices) {
    std::vector<std::string> scores;
    for (const Judgement& j : judgements) scores.push_back(fmt::format("{:.4f}", j.iou[i]));
    fmt::print("{:<20} {}\n", printable(pictures.files(i).stem), fmt::join(scores, "  "));
  }
}

ordered_json to_json(const std::vector<Judgement>& judgements, const std::vector<std::size_t>& indices,
                     const Dataset& pictures) {
  ordered_json models = ordered_json::array(), different = ordered_json::array();
  for (const Judgement& j : judgements) {
    const ComparedModel& m = j.scores;
    ordered_json model{{"model", m.name}, {"threshold", m.threshold}, {"miou", m.mean_iou},        {"iou", m.iou},
                       {"dice", m.dice},  {"loss", m.loss},           {"boundary_f", m.boundary_f}};
    if (m.against_first) {
      const PairedDifference& d = *m.against_first;
      model["against_first"] = {{"miou", d.mean}, {"low", d.low}, {"high", d.high}, {"share_better", d.share_better}};
    }
    models.push_back(model);
  }
  for (const std::size_t i : indices) {
    std::vector<double> scores;
    for (const Judgement& j : judgements) scores.push_back(j.iou[i]);
    different.push_back({{"stem", pictures.files(i).stem}, {"iou", scores}});
  }
  return {{"pictures", pictures.size()}, {"models", models}, {"most_different", different}};
}

/// The pictures again, to be drawn: only now is known which ones.
std::vector<DifferingPicture> draw(const std::vector<std::size_t>& indices, const std::vector<Judgement>& judgements,
                                   const std::vector<Contender>& contenders, const Dataset& pictures,
                                   const EvaluationOptions& options) {
  std::vector<DifferingPicture> drawn(indices.size());
  const Dataset few = pictures.subset(indices);
  for (std::size_t k = 0; k < contenders.size(); ++k) {
    evaluate(*contenders[k].model.network, contenders[k].model.info, few, options, [&](const EvaluatedPicture& p) {
      DifferingPicture& picture = drawn[p.index];
      const Sample& sample = p.sample;
      picture.stem = few.files(p.index).stem;
      picture.iou.push_back(judgements[k].iou[indices[p.index]]);
      picture.mistakes.push_back(mistakes_jpeg(sample.picture, without_ignored(sample.clothing, sample.clothing),
                                               without_ignored(p.prediction, sample.clothing), picture_side));
    });
  }
  return drawn;
}

}  // namespace

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

void compare_models(const std::vector<Contender>& contenders, const Dataset& pictures, const EvaluationOptions& options,
                    const ComparisonOutputs& outputs, const std::string& title, const std::string& command) {
  std::string rows = "model,stem,iou,dice,true_positive,false_positive,false_negative,true_negative,loss\n";
  std::vector<Judgement> judgements;
  for (const Contender& contender : contenders) {
    judgements.push_back(judge(contender, pictures, options, rows));
    if (judgements.size() > 1)
      judgements.back().scores.against_first = paired_bootstrap(judgements[0].iou, judgements.back().iou);
  }
  const auto indices = most_different(judgements, pictures_shown);
  print_table(judgements, pictures.size());
  print_pictures(indices, judgements, pictures);
  std::fflush(stdout);

  if (!outputs.per_image.empty()) write_file(outputs.per_image, rows);
  if (!outputs.json.empty()) write_file(outputs.json, to_json(judgements, indices, pictures).dump(2) + "\n");
  if (outputs.report.empty()) return;
  Report report;
  report.title = title;
  report.subtitle = "trained models, judged on the same photographs at their own resolution";
  report.figures = {{fmt::format("{}", pictures.size()), "pictures"}};
  for (const Judgement& j : judgements) report.comparison.models.push_back(j.scores);
  report.comparison.pictures = draw(indices, judgements, contenders, pictures, options);
  report.machine = machine_text();
  report.command = command;
  std::error_code error;
  std::filesystem::create_directories(outputs.report, error);
  WEFT_CHECK(!error, "{}: cannot make the folder: {}", outputs.report, error.message());
  write_file(std::filesystem::path(outputs.report) / "report.html", report_page(report));
}

}  // namespace weft::tools
