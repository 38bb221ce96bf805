// inspect_model: what a weight file holds, and what its network costs.

#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/atomic_file.h"
#include "core/autograd.h"
#include "core/formats/printable.h"
#include "core/formats/weights_file.h"
#include "core/profile.h"
#include "models/model_file.h"
#include "models/predictor.h"
#include "models/registry.h"
#include "tools/common/diff_weights.h"
#include "tools/common/memory_size.h"
#include "tools/common/plan_text.h"
#include "tools/common/run_tool.h"
#include "train/step_plans.h"

namespace {

using namespace weft;

/// Running statistics and counters are kept, not learned.
bool is_buffer(const std::string& name) {
  return name.ends_with("running_mean") || name.ends_with("running_var") || name.ends_with("num_batches_tracked");
}

void print_tensors(const WeightsFile& file) {
  std::int64_t learned = 0, kept = 0;
  fmt::print("\n{:<52} {:>6}  {:<24} {:>12}\n", "tensor", "type", "shape", "values");
  for (const WeightsEntry& entry : file.tensors()) {
    fmt::print("{:<52} {:>6}  {:<24} {:>12}\n", entry.name, name_of(entry.type), shape_text(entry.shape),
               entry.count());
    (is_buffer(entry.name) ? kept : learned) += entry.count();
  }
  fmt::print("{} tensors: {} parameters, {} values in buffers\n", file.tensors().size(), learned, kept);
}

/// Runs the network once on an empty picture, and prints what each convolution does.
void print_layers(const Model& model, std::int64_t height, std::int64_t width) {
  const NoGrad no_grad;
  const Profile profile;
  model.network->forward(Tensor::zeros({1, height, width, 3}));
  std::int64_t total = 0;
  fmt::print("\n{:>4}  {:<18} {:<64} {:>12}\n", "", "layer", "shapes", "multiply-adds");
  int index = 0;
  for (const ProfileEntry& entry : profile.entries()) {
    fmt::print("{:>4}  {:<18} {:<64} {:>12}\n", ++index, entry.op, entry.shapes,
               tools::counted(static_cast<double>(entry.macs)));
    total += entry.macs;
  }
  fmt::print("{} multiply-adds for a picture of {} x {} ({} a pixel); {} parameters\n",
             tools::counted(static_cast<double>(total)), height, width,
             tools::counted(static_cast<double>(total) / static_cast<double>(height * width)),
             model.network->parameter_count());
}

/// What of a plan is asked for.
struct PlanWish {
  bool is_wanted = false, trains = false;
  std::int64_t batch = 1;
  std::string memory, dot;
};

/// How the network is run on pictures of this size, or how a step of its training is.
void print_plan(const Model& model, std::int64_t height, std::int64_t width, const PlanWish& wish) {
  UNet& network = *model.network;
  const Shape pictures{wish.batch, height, width, 3};
  const auto print = [&](const Plan& plan) {
    fmt::print("\n{}", tools::plan_text(plan, network));
    if (wish.dot.empty()) return;
    write_file(wish.dot, tools::plan_dot(plan, network));
    fmt::print("drawing: {} (dot -Tsvg {} -o plan.svg)\n", wish.dot, wish.dot);
  };
  if (!wish.trains) return print(*Predictor(network, Predictor::Weights::kept).plan(pictures));
  network.train();
  StepPlans plans(network, LossWeights{}, {.memory_bytes = tools::memory_bytes_from(wish.memory)});
  print(plans.plan(pictures, false));
}

/// A U-Net with random weights, for whom the model's name is an architecture's.
Model untrained(const std::string& arch) {
  Model model;
  model.info.network.arch = arch;
  model.network = std::make_unique<UNet>(model.info.network);
  model.network->initialise(0);
  model.network->eval();
  return model;
}

int inspect(const std::string& path, std::optional<std::int64_t> size, bool tensors, const PlanWish& wish) {
  const auto known = architectures();
  if (!std::filesystem::exists(path) && std::find(known.begin(), known.end(), path) != known.end()) {
    const Model model = untrained(path);
    fmt::print("{}: no file, but an architecture: a U-Net with this encoder and random weights\n", path);
    const std::int64_t side = size.value_or(512);
    wish.is_wanted ? print_plan(model, side, side, wish) : print_layers(model, side, side);
    return 0;
  }
  const WeightsFile file = open_weights(path);
  fmt::print("{}: {}, {} tensors\n", path, file.format(), file.tensors().size());
  for (const std::string& note : file.notes()) fmt::print("{}\n", note);
  for (const auto& [key, value] : file.metadata()) fmt::print("  {:<24} {}\n", printable(key), printable(value));

  const bool is_unet = file.format() == "safetensors" && file.find("segmentation_head.0.weight") != nullptr;
  WEFT_CHECK(is_unet || !wish.is_wanted, "{}: --plan needs a U-Net's file, or the name of an architecture: {}",
             printable(path), fmt::join(known, ", "));
  if (tensors || !is_unet) print_tensors(file);
  if (is_unet) {
    const Model model = load_model(path);
    if (!model.is_described)
      fmt::print("no description by weft; recognised as a U-Net with the encoder {}\n", model.info.network.arch);
    const std::int64_t height = size.value_or(model.info.height), width = size.value_or(model.info.width);
    wish.is_wanted ? print_plan(model, height, width, wish) : print_layers(model, height, width);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Prints what a weight file holds (safetensors, sharded safetensors, PyTorch), and the layers of a U-Net; or "
      "compares two files.",
      "inspect_model");
  std::vector<std::string> paths;
  std::optional<std::int64_t> size;
  bool tensors = false, diff = false;
  PlanWish wish;
  app.add_option("MODEL", paths, "the file; with --diff two files")->required()->expected(1, 2);
  app.add_option("--size", size,
                 "count multiply-adds for a picture of this height and width in pixels, a multiple of 32 [default: the "
                 "model's]")
      ->check(CLI::Range(32, 8192));
  app.add_flag("--tensors", tensors, "list the tensors of a U-Net too (of other files they are always listed)");
  auto* plan = app.add_flag("--plan", wish.is_wanted,
                            "print how the network is computed: each step, the rules that made it, what they left "
                            "alone and why, and the memory that it takes");
  auto* trains = app.add_flag("--train", wish.trains, "with --plan: a step of its training")->needs(plan);
  app.add_option("--batch", wish.batch, "with --plan: pictures at once")
      ->check(CLI::Range(1, 1024))
      ->needs(plan)
      ->capture_default_str();
  app.add_option("--memory", wish.memory, "with --plan --train: as train_unet's option of that name")->needs(trains);
  app.add_option("--dot", wish.dot, "with --plan: write the graph there, for Graphviz")->needs(plan);
  app.add_flag("--diff", diff, "compare two files tensor by tensor; exit status 0 where all are equal, else 1");
  return weft::tools::run_tool(app, argc, argv, [&] {
    if (paths.size() != (diff ? 2 : 1))
      throw weft::tools::UsageError(diff ? "--diff takes two files" : "one file at a time (two with --diff)");
    return diff ? weft::tools::diff_weights(open_weights(paths[0]), open_weights(paths[1]))
                : inspect(paths[0], size, tensors, wish);
  });
}
