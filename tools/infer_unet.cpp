// infer_unet: photographs in, masks out. tools/common/picture_run.h says how.

#include <malloc.h>
#include <unistd.h>

#include <cstdio>
#include <optional>

#include "core/profile.h"
#include "models/default_model.h"
#include "tools/common/masks.h"
#include "tools/common/output_guard.h"
#include "tools/common/picture_run.h"
#include "tools/common/profile_table.h"
#include "tools/common/run_tool.h"

namespace {

using namespace weft;

struct Options {
  std::string model, size = "model", arch;
  std::string format, background;
  std::optional<double> threshold;
  std::int64_t max_megapixels = default_max_pixels / 1'000'000;
  bool has_kinds = false;  // --write was given
  tools::PictureRunOptions run;
};

constexpr const char* stream = tools::standard_stream;

/// 'in.jpg out.png' and 'in.jpg -' name an input and an output, as other programs take them, where the second is not
/// there yet. What such programs write is a cut-out. A second that is there may be a photograph.
void take_second_path_as_output(Options& options) {
  namespace fs = std::filesystem;
  tools::OutputOptions& output = options.run.output;
  auto& paths = options.run.paths;
  if (paths == std::vector<std::string>{stream} && output.out.empty() && output.output_file.empty())
    output.output_file = stream;
  if (paths.size() != 2 || !output.out.empty() || !output.output_file.empty()) return;
  const std::string first = paths[0], second = paths[1];
  std::error_code ignored;
  const bool is_there = fs::exists(second, ignored);
  if (fs::is_directory(first, ignored)) {
    if (!is_there && second != stream) {
      throw tools::UsageError(
          fmt::format("{}: no such picture or folder; a folder for what is written is named with --out", second));
    }
    return;
  }
  if (second != stream && !output_format(second)) return;
  if (is_there && fs::equivalent(first, second, ignored)) return;
  if (is_there && tools::is_written_by_weft(second)) {
    throw tools::UsageError(
        fmt::format("{}: weft wrote this picture: is it to be written again, or another input? Say -o {} or --out DIR",
                    second, second));
  }
  if (is_there) return;
  output.output_file = second;
  paths.pop_back();
  if (!options.has_kinds) output.kinds = {"cutout"};
  tools::say(fmt::format("note: {} is taken for the output, as with -o{}",
                         second == stream ? "standard output" : second,
                         options.has_kinds ? "" : ", and a cut-out is written; --write mask writes the mask"));
}

void check_stream(const tools::OutputOptions& output) {
  if (output.output_file != stream) return;
  if (output.kinds == std::vector<std::string>{"logits"}) throw tools::UsageError("logits go to a file, not to '-'");
  if (::isatty(STDOUT_FILENO) != 0)
    throw tools::UsageError("a picture is nothing for a terminal: redirect stdout, or name a file with -o");
}

/// "512", "512x384" (height x width); nothing for "native" and "model".
std::optional<std::array<int, 2>> size_from(const std::string& size) {
  if (size == "native" || size == "model") return std::nullopt;
  int height = 0, width = 0, used = 0;
  const char* text = size.c_str();
  const bool is_pair = std::sscanf(text, "%dx%d%n", &height, &width, &used) == 2 && text[used] == '\0';
  const bool is_single = !is_pair && std::sscanf(text, "%d%n", &height, &used) == 1 && text[used] == '\0';
  if (is_single) width = height;
  if (!(is_pair || is_single) || !is_canvas_side(height) || !is_canvas_side(width)) {
    throw tools::UsageError(
        fmt::format("--size expects N or HxW in multiples of {}, or 'native', got '{}'", int{UNet::stride}, size));
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
  take_second_path_as_output(options);
  check_stream(options.run.output);
  if (!options.format.empty()) options.run.output.format = output_format("x." + options.format);
  if (!options.background.empty()) {
    options.run.background = tools::colour_from(options.background);
    if (!options.run.background)
      throw tools::UsageError(fmt::format(
          "--background expects #rrggbb, white, black, grey, red, green or blue, got '{}'", options.background));
  }
  options.run.max_pixels = options.max_megapixels * 1'000'000;
  const std::string path = options.model.empty() ? default_model().string() : options.model;
  const Model model = load_model(path, options.arch.empty() ? std::nullopt : std::optional(options.arch));
  if (!model.is_described) {
    tools::say(fmt::format("note: {} has no description; taken as {} at {} x {}, ImageNet normalisation, threshold {}",
                           path, model.info.network.arch, model.info.height, model.info.width, model.info.threshold));
  }
  const Predictor predictor(*model.network, Predictor::Weights::released);
  options.run.output.model = path;
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
  tools::OutputOptions& output = options.run.output;
  app.add_option(
         "PATH", options.run.paths,
         "pictures (JPEG, PNG, WebP, HEIC, AVIF, BMP, GIF, TGA, PNM, PSD), folders of them, or - for standard input")
      ->required();
  app.add_flag("--recursive", options.run.is_recursive,
               "also the pictures in folders of the folders; --out mirrors them");
  app.add_option("--model", options.model, "model file [default: the one that comes with weft]");
  app.add_option("--arch", options.arch, "architecture, for model files that don't tell it");
  auto* out =
      app.add_option("--out", output.out,
                     "folder for STEM.mask.png and the like, made where it is missing [default: beside a picture "
                     "that is named, the current folder for those of a folder]");
  app.add_option("-o,--output", output.output_file, "file for the output of a single picture; - for standard output")
      ->excludes(out);
  auto* kinds = app.add_option("--write", output.kinds,
                               "outputs, separated by commas: mask, overlay, cutout, panel, prob, logits")
                    ->delimiter(',')
                    ->check(CLI::IsMember(tools::output_kinds()))
                    ->capture_default_str();
  app.add_option("--format", options.format, "png, jpg or webp [default: as -o's ending says, else png]")
      ->check(CLI::IsMember({"png", "jpg", "webp"}));
  app.add_option("--background", options.background,
                 "colour under cut-outs, #rrggbb or white, black, ... [default: none, white for jpg]");
  app.add_option("--size", options.size,
                 "the network's input in pixels: N, HxW, native (padded to multiples of 32), model (as trained)")
      ->capture_default_str();
  app.add_option("--threshold", options.threshold, "probability from which a pixel is clothing [default: the model's]")
      ->check(tools::probability());
  app.add_flag("--tta", options.run.predict.mirror, "also run on the mirrored picture and take the mean of the logits");
  app.add_flag("--overwrite", output.may_overwrite, "replace existing files that weft did not write");
  app.add_flag("--skip-existing", output.skips_existing, "leave outputs that are there as they are: go on with a run");
  app.add_option("--max-pixels", options.max_megapixels, "larger pictures are refused, in megapixels")
      ->check(CLI::Range(1, 4000))
      ->capture_default_str();
  app.add_flag("--profile", options.run.is_profiled, "say on stderr where the network's time went");
  return tools::run_tool(app, argc, argv, [&] {
    options.has_kinds = kinds->count() > 0;
    return infer(options);
  });
}
