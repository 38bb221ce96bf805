#include "train/report/run_report.h"

#include <nlohmann/json.hpp>

#include "core/atomic_file.h"
#include "core/check.h"
#include "train/report/report.h"

namespace weft {
namespace {

Facts settings_of(const TrainConfig& config) {
  Facts facts;
  const nlohmann::json settings = to_json(config);
  for (const auto& [name, value] : settings.items()) {
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    facts.emplace_back(name, text.empty() ? "-" : text);
  }
  return facts;
}

std::string time_text(double seconds) {
  if (seconds < 60) return fmt::format("{:.0f} s", seconds);
  if (seconds < 3600) return fmt::format("{:.0f} min", seconds / 60);
  return fmt::format("{:.1f} h", seconds / 3600);
}

Facts figures_of(const MetricsHistory& history, const TrainConfig& config, const Progress& progress) {
  Facts figures;
  if (progress.best_mean_iou >= 0) {
    figures.emplace_back(fmt::format("{:.4f}", progress.best_mean_iou),
                         progress.best_epoch == 0 ? "best mIoU, the starting model's"
                                                  : fmt::format("best mIoU, epoch {}", progress.best_epoch));
  }
  if (!history.validations.empty()) {
    const ValidationRecord& last = history.validations.back();
    figures.emplace_back(fmt::format("{:.4f}", last.mean_iou), fmt::format("mIoU of epoch {}", last.epoch));
    figures.emplace_back(fmt::format("{:.4f}", last.dice), fmt::format("Dice of epoch {}", last.epoch));
  }
  double milliseconds = 0;
  for (const StepRecord& step : history.steps) milliseconds += step.milliseconds;
  figures.emplace_back(fmt::format("{} of {}", progress.epochs_done, config.epochs), "epochs");
  figures.emplace_back(fmt::format("{}", progress.steps), "steps");
  figures.emplace_back(time_text(milliseconds / 1000), "in training steps");
  return figures;
}

}  // namespace

void write_run_report(const std::filesystem::path& folder, const TrainConfig& config, const Progress& progress,
                      const RunDescription& description, const std::string& state) {
  Report report;
  const auto data = std::filesystem::absolute(config.data).lexically_normal();
  const auto name = data.has_filename() ? data.filename() : data.parent_path().filename();
  report.title = fmt::format("{} U-Net trained on {}", config.network.arch, name.string());
  report.subtitle = state + "; data: " + progress.data_digest;
  report.history = read_metrics_log(folder / "metrics.jsonl");
  report.figures = figures_of(report.history, config, progress);
  report.reviews = load_reviews(folder, progress.epochs_done, progress.best_epoch);
  report.best_epoch = progress.best_epoch;
  report.settings = settings_of(config);
  report.command = description.command;
  report.machine = description.machine;
  write_file(folder / "report.html", report_page(report));
}

}  // namespace weft
