// Judges a model on a folder of photographs and label masks.

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "core/atomic_file.h"
#include "tools/common/data_options.h"
#include "tools/common/progress_bar.h"
#include "tools/common/run_tool.h"
#include "train/evaluate.h"

namespace {

using namespace weft;
using namespace weft::tools;
using nlohmann::ordered_json;

struct Options {
  DataOptions data;
  std::string model, arch, list, per_image, json;
  std::int64_t size = 0;
};

Model open_model(const Options& options) {
  Model model = load_model(options.model, options.arch.empty() ? std::nullopt : std::optional(options.arch));
  if (!model.is_described) {
    fmt::print(stderr,
               "{}: no description of weft's in it; taken for a {} U-Net at {} x {} with ImageNet's normalisation\n",
               options.model, model.info.network.arch, model.info.height, model.info.width);
  }
  if (options.size > 0) model.info.height = model.info.width = options.size;
  return model;
}

Dataset open_data(const Options& options, const ModelInfo& info) {
  const LabelMap labels = LabelMap::load(options.data.labels.empty() ? info.label_map : options.data.labels);
  return options.list.empty() ? Dataset(options.data.folders(), labels)
                              : Dataset(options.data.folders(), labels, options.list);
}

/// A stem as a csv field: quoted where it holds a separator or a quote.
std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

ordered_json labels_json(const Evaluation& evaluation, const LabelMap& labels) {
  ordered_json list = ordered_json::array();
  for (const LabelMap::Label& label : labels.labels()) {
    const LabelCounts& counts = evaluation.metrics.labels()[static_cast<std::size_t>(label.id)];
    if (counts.pixels == 0) continue;
    list.push_back({{"id", label.id}, {"name", label.name}, {"clothing", label.is_clothing}, {"pixels", counts.pixels},
                    {"predicted_clothing", counts.predicted}});
  }
  return list;
}

void print_results(const Evaluation& evaluation, const LabelMap& labels) {
  const SegmentationMetrics& metrics = evaluation.metrics;
  fmt::print("pictures {}\nmIoU {:.4f}\nIoU {:.4f}\nDice {:.4f}\nloss {:.4f}\n", metrics.pictures(), metrics.mean_iou(),
             metrics.total().iou(), metrics.total().dice(), evaluation.loss);
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

int judge(const Options& options) {
  if (options.size % UNet::stride != 0)
    throw UsageError(fmt::format("--size: expected a multiple of {}, got {}", UNet::stride, options.size));
  const Model model = open_model(options);
  const Dataset pictures = open_data(options, model.info);

  std::string rows = "stem,iou,dice,true_positive,false_positive,false_negative,true_negative,loss\n";
  Evaluation evaluation{SegmentationMetrics(pictures.labels())};
  {
    ProgressBar progress("evaluation", static_cast<std::int64_t>(pictures.size()), "pictures");
    evaluation = evaluate(*model.network, model.info, pictures, {}, [&](const EvaluatedPicture& p) {
      const Confusion& c = p.counts;
      rows += fmt::format("{},{},{},{},{},{},{},{}\n", csv_field(pictures.files(p.index).stem), c.iou(), c.dice(),
                          c.true_positive, c.false_positive, c.false_negative, c.true_negative, p.loss);
      progress.update(static_cast<std::int64_t>(p.index + 1));
    });
  }
  print_results(evaluation, pictures.labels());  // first: a file that can't be written must not cost the figures
  if (!options.per_image.empty()) write_file(options.per_image, rows);
  if (!options.json.empty()) {
    const SegmentationMetrics& metrics = evaluation.metrics;
    const ordered_json report{{"model", options.model},         {"data", options.data.data},
                              {"pictures", metrics.pictures()}, {"miou", metrics.mean_iou()},
                              {"iou", metrics.total().iou()},   {"dice", metrics.total().dice()},
                              {"loss", evaluation.loss},        {"labels", labels_json(evaluation, pictures.labels())}};
    write_file(options.json, report.dump(2) + "\n");
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Judges a model: the IoU of its masks with those of a data set, at the photographs' own resolution.",
               "eval_unet");
  Options options;
  app.add_option("--model", options.model, "model file (safetensors)")->required()->type_name("FILE");
  app.add_option("--arch", options.arch, "its architecture, where the file does not tell")->type_name("A");
  add_data_options(app, options.data, "the map that the model was trained with");
  app.add_option("--list", options.list, "stems to judge on, one a line; default: all")->type_name("FILE");
  app.add_option("--size", options.size,
                 "height and width of the network's input, a multiple of 32; default: the model's")
      ->check(CLI::Range(32, 16384))
      ->type_name("N");
  app.add_option("--per-image", options.per_image, "write a line a picture to this file")->type_name("CSV");
  app.add_option("--json", options.json, "write the figures to this file")->type_name("FILE");
  return run_tool(app, argc, argv, [&] { return judge(options); });
}
