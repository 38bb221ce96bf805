// infer_unet: photographs in, masks out. tools/common/picture_run.h says how.

#include <malloc.h>

#include <cstdio>
#include <optional>

#include "core/profile.h"
#include "tools/common/default_model.h"
#include "tools/common/masks.h"
#include "tools/common/picture_run.h"
#include "tools/common/profile_table.h"
#include "tools/common/run_tool.h"

namespace {

using namespace weft;

struct Options {
  std::string model, size = "model", arch;
  std::optional<double> threshold;
  tools::PictureRunOptions run;
};

/// "512", "512x384" (height x width); nothing for "native" and "model".
std::optional<std::array<int, 2>> size_from(const std::string& size) {
  if (size == "native" || size == "model") return std::nullopt;
  int height = 0, width = 0, used = 0;
  const char* text = size.c_str();
  const bool is_pair = std::sscanf(text, "%dx%d%n", &height, &width, &used) == 2 && text[used] == '\0';
  const bool is_single = !is_pair && std::sscanf(text, "%d%n", &height, &used) == 1 && text[used] == '\0';
  if (is_single) width = height;
  const int step = static_cast<int>(UNet::stride);
  if (!(is_pair || is_single) || height < step || width < step || height % step != 0 || width % step != 0 ||
      height > 16384 || width > 16384) {
    throw tools::UsageError(
        fmt::format("--size expects N or HxW in multiples of {}, or 'native', got '{}'", step, size));
  }
  return std::array{height, width};
}

/// Pictures come and go: memory that one leaves is kept for the next. As it is set up, glibc gives blocks of a
/// picture's size back to the system and fetches them again, zeroed page by page: 1.5 ms for a photograph of 550 x 832.
void keep_freed_memory() {
#ifdef __GLIBC__
  ::mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the most that it takes
  ::mallopt(M_TRIM_THRESHOLD, 256 << 20);
#endif
}

int infer(Options options) {
  keep_freed_memory();
  const std::string path = options.model.empty() ? tools::default_model().string() : options.model;
  const Model model = load_model(path, options.arch.empty() ? std::nullopt : std::optional(options.arch));
  if (!model.is_described) {
    fmt::print(stderr, "note: {} has no description; taken as {} at {} x {}, ImageNet normalisation, threshold {}\n",
               path, model.info.network.arch, model.info.height, model.info.width, model.info.threshold);
  }
  const Predictor predictor(*model.network, Predictor::Weights::released);
  options.run.model = path;
  options.run.threshold = options.threshold.value_or(model.info.threshold);
  options.run.predict.size = size_from(options.size);
  options.run.predict.is_native = options.size == "native";
  tools::PictureRun run(options.run, model.info, predictor);
  if (!options.run.is_profiled) return run.all();
  const Profile profile;
  const int status = run.all();
  fmt::print(stderr, "{}", tools::profile_table(profile.entries()));
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Cuts clothing out of photographs: for each picture a mask of the picture's own size.", "infer_unet");
  Options options;
  app.add_option("PATH", options.run.paths, "pictures (JPEG, PNG) and folders of them")->required();
  app.add_option("--model", options.model, "model file [default: the one that comes with weft]");
  app.add_option("--arch", options.arch, "architecture, for model files that don't tell it");
  auto* out =
      app.add_option("--out", options.run.out, "folder for STEM.mask.png and the like; made where it is missing")
          ->capture_default_str();
  app.add_option("-o,--output", options.run.output_file, "file for the output of a single picture")->excludes(out);
  app.add_option("--write", options.run.kinds,
                 "outputs, separated by commas: mask, overlay, cutout, panel, prob, logits")
      ->delimiter(',')
      ->check(CLI::IsMember(tools::output_kinds()))
      ->capture_default_str();
  app.add_option("--size", options.size,
                 "the network's input in pixels: N, HxW, native (padded to multiples of 32), model (as trained)")
      ->capture_default_str();
  app.add_option("--threshold", options.threshold, "probability from which a pixel is clothing [default: the model's]")
      ->check(CLI::Range(0.0, 1.0));
  app.add_flag("--tta", options.run.predict.mirror, "also run on the mirrored picture and take the mean of the logits");
  app.add_flag("--overwrite", options.run.may_overwrite, "replace existing files that weft did not write");
  app.add_flag("--profile", options.run.is_profiled, "say on stderr where the network's time went");
  return tools::run_tool(app, argc, argv, [&] { return infer(options); });
}
