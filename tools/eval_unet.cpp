// Judges a model on a folder of photographs and label masks.

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/atomic_file.h"
#include "core/listed_error.h"
#include "data/check_files.h"
#include "data/stress/stress.h"
#include "tools/common/command_text.h"
#include "tools/training/comparison.h"
#include "tools/common/data_options.h"
#include "tools/common/machine.h"
#include "tools/common/progress_bar.h"
#include "tools/common/run_tool.h"
#include "train/config.h"
#include "train/detail_metrics.h"
#include "train/report/report.h"

namespace {

using namespace weft;
using namespace weft::tools;
using nlohmann::ordered_json;

struct Options {
  DataOptions data;
  std::vector<std::string> models;
  std::string arch, list, per_image, json, report;
  std::vector<std::string> stresses;
  std::int64_t size = 0, seed = 0;
  std::optional<double> threshold;
  bool mirror = false;
};

Model open_model(const std::string& path, const Options& options) {
  Model model = load_model(path, options.arch.empty() ? std::nullopt : std::optional(options.arch));
  if (!model.is_described) {
    tools::say(
        fmt::format("{}: no description of weft's in it; taken for a {} U-Net at {} x {} with ImageNet's normalisation",
                    path, model.info.network.arch, model.info.height, model.info.width));
  }
  if (options.size > 0) model.info.height = model.info.width = options.size;
  model.info.threshold = options.threshold.value_or(model.info.threshold);
  return model;
}

Dataset open_data(const Options& options, const ModelInfo& info) {
  const std::string map = !options.data.labels.empty()            ? options.data.labels
                          : options.data.mask_rules.threshold > 0 ? "binary"
                                                                  : info.label_map;
  try {
    check_mask_rules(options.data.mask_rules, map);
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
  const LabelMap labels = LabelMap::load(map);
  std::vector<std::string> problems;
  Dataset pictures = options.list.empty() ? Dataset(options.data.folders(), labels, &problems)
                                          : Dataset(options.data.folders(), labels, options.list, &problems);
  std::optional<ProgressBar> progress;
  const FilesChecked checked =
      check_files(pictures, checked_files_cache(options.data.data), [&](std::size_t done, std::size_t of) {
        if (!progress) progress.emplace("looking at masks", static_cast<std::int64_t>(of), "pictures");
        progress->update(static_cast<std::int64_t>(done));
        return true;
      });
  progress.reset();
  problems.insert(problems.end(), checked.problems.begin(), checked.problems.end());
  const std::size_t count = problems.size();
  throw_listed(std::move(problems), fmt::format("{}: {} pictures or masks can't be used", options.data.data, count));
  return pictures;
}

ordered_json labels_json(const Evaluation& evaluation, const LabelMap& labels) {
  ordered_json list = ordered_json::array();
  for (const LabelMap::Label& label : labels.labels()) {
    const LabelCounts& counts = evaluation.metrics.labels()[static_cast<std::size_t>(label.id)];
    if (counts.pixels == 0) continue;
    list.push_back({{"id", label.id},
                    {"name", label.name},
                    {"clothing", label.is_clothing},
                    {"pixels", counts.pixels},
                    {"predicted_clothing", counts.predicted}});
  }
  return list;
}

void print_results(const Evaluation& evaluation, const LabelMap& labels, double threshold) {
  const SegmentationMetrics& metrics = evaluation.metrics;
  fmt::print("threshold {}\npictures {}\nmIoU {:.4f}\nIoU {:.4f}\nDice {:.4f}\nloss {:.4f}\n", threshold,
             metrics.pictures(), metrics.mean_iou(), metrics.total().iou(), metrics.total().dice(), evaluation.loss);
  fmt::print("{:<20} {:>12} {:>10}\n", "clothing", "pixels", "found");
  for (const bool clothing : {true, false}) {
    if (!clothing) fmt::print("{:<20} {:>12} {:>10}\n", "not clothing", "pixels", "mistaken");
    for (const LabelMap::Label& label : labels.labels()) {
      const LabelCounts& counts = metrics.labels()[static_cast<std::size_t>(label.id)];
      if (label.is_clothing != clothing || counts.pixels == 0) continue;
      fmt::print("{:<20} {:>12} {:>9.2f}%\n", label.name, counts.pixels,
                 100.0 * static_cast<double>(counts.predicted) / static_cast<double>(counts.pixels));
    }
  }
}

void print_details(const DetailMetrics& details) {
  fmt::print("boundary F-score at {} pixels {:.4f}\nthin parts found {:.2f}%\n", DetailMetrics::boundary_tolerance,
             details.boundary_f(), 100 * details.thin().share());
  fmt::print("{:<20} {:>12} {:>10}\n", "person's share", "pictures", "mIoU");
  for (const PersonSize& size : details.person_sizes()) {
    if (size.pictures > 0)
      fmt::print("{:<20} {:>12} {:>10.4f}\n", fmt::format("{:.0f}% to {:.0f}%", 100 * size.low, 100 * size.high),
                 size.pictures, size.mean_iou());
  }
  fmt::print("{:<20} {:>12}\n", "IoU", "pictures");
  for (std::size_t i = 0; i < DetailMetrics::bins; ++i) {
    const std::int64_t count = details.histogram()[i];
    if (count == 0) continue;
    const double low = static_cast<double>(i) / DetailMetrics::bins;
    fmt::print("{:<20} {:>12} {}\n", fmt::format("{:.2f} to {:.2f}", low, low + 1.0 / DetailMetrics::bins), count,
               std::string(static_cast<std::size_t>(std::min<std::int64_t>(count, 60)), '#'));
  }
  fmt::print("worst pictures\n");
  for (const ScoredPicture& picture : details.worst()) fmt::print("{:<20} {:.4f}\n", picture.stem, picture.iou);
}

ordered_json details_json(const DetailMetrics& details) {
  ordered_json sizes = ordered_json::array(), worst = ordered_json::array();
  for (const PersonSize& s : details.person_sizes())
    sizes.push_back({{"from", s.low}, {"to", s.high}, {"pictures", s.pictures}, {"miou", s.mean_iou()}});
  for (const ScoredPicture& p : details.worst()) worst.push_back({{"stem", p.stem}, {"iou", p.iou}});
  return {{"boundary_f", details.boundary_f()},
          {"boundary_tolerance", DetailMetrics::boundary_tolerance},
          {"thin_pixels", details.thin().pixels},
          {"thin_recall", details.thin().share()},
          {"person_sizes", sizes},
          {"iou_histogram", details.histogram()},
          {"worst", worst}};
}

/// Judges the model on the pictures under each stress at each strength.
std::vector<StressScore> judge_stresses(const Options& options, const Model& model, const Dataset& pictures) {
  const auto total = static_cast<std::int64_t>(options.stresses.size() * stress_strengths * pictures.size());
  ProgressBar progress("stress", total, "pictures");
  std::vector<StressScore> results;
  std::int64_t done = 0;
  for (const std::string& name : options.stresses) {
    results.push_back({name, {}});
    for (int strength = 1; strength <= stress_strengths; ++strength) {
      const Evaluation evaluation = evaluate(
          *model.network, model.info, pictures, {.mirror = options.mirror},
          [&](const EvaluatedPicture&) { progress.update(++done, fmt::format("{} {}", name, strength)); },
          [&](std::size_t i, Sample sample) {
            return stressed(std::move(sample), pictures.files(i).stem, name, strength,
                            static_cast<std::uint64_t>(options.seed));
          });
      results.back().mean_iou.push_back(evaluation.metrics.mean_iou());
    }
  }
  return results;
}

void print_stresses(const std::vector<StressScore>& results, double clean) {
  if (results.empty()) return;
  fmt::print("{:<12}", "stress");
  for (int strength = 1; strength <= stress_strengths; ++strength) fmt::print(" {:>15}", strength);
  fmt::print("   mIoU, and its share of the clean {:.4f}\n", clean);
  for (const StressScore& result : results) {
    fmt::print("{:<12}", result.name);
    for (const double miou : result.mean_iou)
      fmt::print(" {:>7.4f} {:>6.1f}%", miou, clean > 0 ? 100 * miou / clean : 0);
    fmt::print("\n");
  }
}

ordered_json stresses_json(const std::vector<StressScore>& results, double clean) {
  ordered_json json = ordered_json::object();
  for (const StressScore& result : results) {
    std::vector<double> kept;
    for (const double miou : result.mean_iou) kept.push_back(clean > 0 ? miou / clean : 0);
    json[result.name] = {{"miou", result.mean_iou}, {"kept", kept}};
  }
  return json;
}

/// What was judged on, for titles.
std::string pictures_name(const Options& options) {
  return options.list.empty() ? options.data.data : std::filesystem::path(options.list).filename().string();
}

void write_report(const Options& options, const std::string& command, const ModelInfo& info,
                  const SegmentationMetrics& metrics, Review review, const std::vector<StressScore>& stresses) {
  Report report;
  report.title = std::filesystem::path(options.models[0]).filename().string() + " on " + pictures_name(options);
  report.subtitle = "a trained model, judged at the photographs' own resolution";
  report.figures = {{fmt::format("{:.4f}", metrics.mean_iou()), "mIoU, the mean over the pictures"},
                    {fmt::format("{:.4f}", metrics.total().iou()), "IoU of all pixels"},
                    {fmt::format("{:.4f}", metrics.total().dice()), "Dice of all pixels"},
                    {fmt::format("{}", metrics.pictures()), "pictures"},
                    {fmt::format("{}", info.threshold), "threshold"}};
  report.reviews.push_back(std::move(review));
  report.clean_mean_iou = metrics.mean_iou();
  report.stresses = stresses;
  report.settings = {{"architecture", info.network.arch},
                     {"input", fmt::format("{} x {}, {}", info.width, info.height, info.fit)},
                     {"label map", info.label_map}};
  for (const auto& [name, value] : info.notes) report.settings.emplace_back("model's " + name, value);
  report.machine = machine_text();
  report.command = command;
  std::error_code error;
  std::filesystem::create_directories(options.report, error);
  WEFT_CHECK(!error, "{}: cannot make the folder: {}", options.report, error.message());
  write_file(std::filesystem::path(options.report) / "report.html", report_page(report));
}

/// One label map must hold what occlusion writes: id 0, not clothing.
void check_background(const LabelMap& labels) {
  for (const LabelMap::Label& label : labels.labels()) {
    if (label.id == 0 && !label.is_clothing && !label.is_ignored) return;
  }
  fail("label map '{}' has no id 0 that is not clothing: occlusion can't be judged with it", labels.name());
}

int compare(const Options& options, const std::string& command) {
  if (!options.stresses.empty()) throw UsageError("--stress: judges one model at a time");
  std::vector<Contender> contenders;
  for (const std::string& path : options.models) {
    contenders.push_back({path, open_model(path, options)});
    const std::string &first = contenders[0].model.info.label_map, &other = contenders.back().model.info.label_map;
    WEFT_CHECK(!options.data.labels.empty() || other == first,
               "{} was trained with label map '{}', {} with '{}'; say by --labels which one the masks have",
               contenders[0].name, first, path, other);
  }
  const Dataset pictures = open_data(options, contenders[0].model.info);
  compare_models(contenders, pictures, {.mirror = options.mirror}, {options.per_image, options.json, options.report},
                 fmt::format("{} models on {}", contenders.size(), pictures_name(options)), command);
  return 0;
}

int judge(const Options& options, const std::string& command) {
  if (options.size % UNet::stride != 0)
    throw UsageError(fmt::format("--size: expected a multiple of {}, got {}", UNet::stride, options.size));
  if (options.models.size() > 1) return compare(options, command);
  const Model model = open_model(options.models[0], options);
  const Dataset pictures = open_data(options, model.info);
  if (std::count(options.stresses.begin(), options.stresses.end(), "occlusion") > 0)
    check_background(pictures.labels());

  std::string rows = "stem,iou,dice,true_positive,false_positive,false_negative,true_negative,loss\n";
  Evaluation evaluation{SegmentationMetrics(pictures.labels())};
  DetailMetrics details;
  Reviewer reviewer;
  {
    ProgressBar progress("evaluation", static_cast<std::int64_t>(pictures.size()), "pictures");
    evaluation =
        evaluate(*model.network, model.info, pictures, {.mirror = options.mirror}, [&](const EvaluatedPicture& p) {
          const Confusion& c = p.counts;
          const std::string& stem = pictures.files(p.index).stem;
          rows += fmt::format("{},{},{},{},{},{},{},{}\n", csv_field(stem), c.iou(), c.dice(), c.true_positive,
                              c.false_positive, c.false_negative, c.true_negative, p.loss);
          details.add(stem, p);
          if (!options.report.empty()) reviewer.add(stem, p);
          progress.update(static_cast<std::int64_t>(p.index + 1));
        });
  }
  const SegmentationMetrics& metrics = evaluation.metrics;
  // First: a file that can't be written must not cost the figures.
  print_results(evaluation, pictures.labels(), model.info.threshold);
  print_details(details);
  std::fflush(stdout);
  const std::vector<StressScore> stresses = judge_stresses(options, model, pictures);
  print_stresses(stresses, metrics.mean_iou());
  if (!options.per_image.empty()) write_file(options.per_image, rows);
  if (!options.json.empty()) {
    ordered_json report{{"model", options.models[0]},     {"data", options.data.data},
                        {"pictures", metrics.pictures()}, {"miou", metrics.mean_iou()},
                        {"iou", metrics.total().iou()},   {"dice", metrics.total().dice()},
                        {"loss", evaluation.loss},        {"threshold", model.info.threshold},
                        {"tta", options.mirror},          {"labels", labels_json(evaluation, pictures.labels())}};
    report["details"] = details_json(details);
    if (!stresses.empty()) report["stress"] = stresses_json(stresses, metrics.mean_iou());
    write_file(options.json, report.dump(2) + "\n");
  }
  if (!options.report.empty()) {
    write_report(options, command, model.info, metrics, reviewer.finish(0, evaluation, pictures.labels()), stresses);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Judges a model: the IoU of its masks with those of a data set, at the photographs' own resolution.",
               "eval_unet");
  Options options;
  app.add_option("--model", options.models, "model file (safetensors); given several times: the models are compared")
      ->required()
      ->allow_extra_args(false)
      ->type_name("FILE");
  app.add_option("--arch", options.arch, "its architecture, where the file does not tell")->type_name("A");
  add_data_options(app, options.data, "the map that the model was trained with");
  app.add_option("--list", options.list, "stems to judge on, one a line; default: all")->type_name("FILE");
  app.add_option("--size", options.size,
                 "height and width of the network's input, a multiple of 32; default: the model's")
      ->check(CLI::Range(32, 16384))
      ->type_name("N");
  app.add_option("--threshold", options.threshold, "probability from which a pixel is clothing; default: the model's")
      ->check(tools::probability())
      ->type_name("P");
  app.add_flag("--tta", options.mirror, "also run on the mirrored picture and take the mean of the logits");
  app.add_option("--stress", options.stresses,
                 "judge also under these, at five strengths each, separated by commas: low_light, backlight, "
                 "occlusion, blur, noise, jpeg")
      ->delimiter(',')
      ->check(CLI::IsMember(stress_names()))
      ->type_name("NAME,...");
  app.add_option("--seed", options.seed, "of what is random in the stresses")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->type_name("K");
  app.add_option("--per-image", options.per_image, "write a line a picture to this file")->type_name("CSV");
  app.add_option("--json", options.json, "write the figures to this file")->type_name("FILE");
  app.add_option("--report", options.report, "write the results as a page, report.html, into this folder")
      ->type_name("DIR");
  return run_tool(app, argc, argv, [&] { return judge(options, command_text(argc, argv)); });
}
