// inspect_model: what a weight file holds, and what its network costs.

#include <optional>
#include <string>
#include <vector>

#include "core/autograd.h"
#include "core/formats/printable.h"
#include "core/formats/weights_file.h"
#include "core/profile.h"
#include "models/model_file.h"
#include "tools/common/diff_weights.h"
#include "tools/common/run_tool.h"

namespace {

using namespace weft;

/// Running statistics and counters are kept, not learned.
bool is_buffer(const std::string& name) {
  return name.ends_with("running_mean") || name.ends_with("running_var") || name.ends_with("num_batches_tracked");
}

std::string counted(double count) {
  if (count >= 1e9) return fmt::format("{:.2f} G", count * 1e-9);
  if (count >= 1e6) return fmt::format("{:.2f} M", count * 1e-6);
  if (count >= 1e3) return fmt::format("{:.1f} k", count * 1e-3);
  return fmt::format("{:.0f}", count);
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
               counted(static_cast<double>(entry.macs)));
    total += entry.macs;
  }
  fmt::print("{} multiply-adds for a picture of {} x {} ({} a pixel); {} parameters\n",
             counted(static_cast<double>(total)), height, width,
             counted(static_cast<double>(total) / static_cast<double>(height * width)),
             model.network->parameter_count());
}

int inspect(const std::string& path, std::optional<std::int64_t> size, bool tensors) {
  const WeightsFile file = open_weights(path);
  fmt::print("{}: {}, {} tensors\n", path, file.format(), file.tensors().size());
  for (const std::string& note : file.notes()) fmt::print("{}\n", note);
  for (const auto& [key, value] : file.metadata()) fmt::print("  {:<24} {}\n", printable(key), printable(value));

  const bool is_unet = file.format() == "safetensors" && file.find("segmentation_head.0.weight") != nullptr;
  if (tensors || !is_unet) print_tensors(file);
  if (is_unet) {
    const Model model = load_model(path);
    if (!model.is_described)
      fmt::print("no description by weft; recognised as a U-Net with the encoder {}\n", model.info.network.arch);
    print_layers(model, size.value_or(model.info.height), size.value_or(model.info.width));
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
  app.add_option("MODEL", paths, "the file; with --diff two files")->required()->expected(1, 2);
  app.add_option("--size", size,
                 "count multiply-adds for a picture of this height and width in pixels, a multiple of 32 [default: the "
                 "model's]")
      ->check(CLI::Range(32, 8192));
  app.add_flag("--tensors", tensors, "list the tensors of a U-Net too (of other files they are always listed)");
  app.add_flag("--diff", diff, "compare two files tensor by tensor; exit status 0 where all are equal, else 1");
  return weft::tools::run_tool(app, argc, argv, [&] {
    if (paths.size() != (diff ? 2 : 1))
      throw weft::tools::UsageError(diff ? "--diff takes two files" : "one file at a time (two with --diff)");
    return diff ? weft::tools::diff_weights(open_weights(paths[0]), open_weights(paths[1]))
                : inspect(paths[0], size, tensors);
  });
}
