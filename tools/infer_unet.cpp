// infer_unet: photographs in, masks out.
//
// Three things go on at once: a background thread decodes the next pictures, this thread runs the network, and
// another background thread encodes and writes what came out. A picture that fails is named; the others go on.

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <future>
#include <new>
#include <optional>

#include "core/profile.h"
#include "data/image_io.h"
#include "data/prefetch.h"
#include "tools/common/default_model.h"
#include "tools/common/interrupt.h"
#include "tools/common/masks.h"
#include "tools/common/profile_table.h"
#include "tools/common/progress_bar.h"
#include "tools/common/run_tool.h"

namespace {

using namespace weft;
namespace fs = std::filesystem;

struct Options {
  std::string model, out = ".", output_file, size = "model", arch;
  std::vector<std::string> paths, kinds = {"mask"};
  std::optional<double> threshold;
  bool mirror = false, profile = false;
};

/// "512", "512x384" (height x width), "native", "model".
PredictOptions predict_options(const Options& options) {
  PredictOptions result{.mirror = options.mirror};
  if (options.size == "model") return result;
  result.is_native = options.size == "native";
  if (result.is_native) return result;
  int height = 0, width = 0, used = 0;
  const char* text = options.size.c_str();
  const bool is_pair = std::sscanf(text, "%dx%d%n", &height, &width, &used) == 2 && text[used] == '\0';
  const bool is_single = !is_pair && std::sscanf(text, "%d%n", &height, &used) == 1 && text[used] == '\0';
  if (is_single) width = height;
  const int step = static_cast<int>(UNet::stride);
  if (!(is_pair || is_single) || height < step || width < step || height % step != 0 || width % step != 0 ||
      height > 16384 || width > 16384) {
    throw tools::UsageError(
        fmt::format("--size expects N or HxW in multiples of {}, or 'native', got '{}'", step, options.size));
  }
  result.size = {height, width};
  return result;
}

struct Photograph {
  Image image;
  NetworkInput input;
};

/// What one picture became: how much of it is clothing, and the files that were written.
struct Written {
  fs::path picture;
  double clothing = 0;
  std::vector<fs::path> files;
};

class Run {
 public:
  Run(const Options& options, const Model& model)
      : options_(options),
        model_(model),
        predict_options_(predict_options(options)),
        threshold_(options.threshold.value_or(model.info.threshold)),
        pictures_(tools::list_pictures(options.paths)) {
    if (options.output_file.empty()) {
      std::error_code error;
      fs::create_directories(options.out, error);
      WEFT_CHECK(!error && fs::is_directory(options.out), "{}: cannot make this folder", options.out);
    } else if (pictures_.size() != 1 || options.kinds.size() != 1) {
      throw tools::UsageError("-o names one file: it goes with one picture and one kind of output; use --out DIR");
    }
  }

  /// Exit status: 1 where a picture failed, 130 where Ctrl-C or SIGTERM ended the work; what was written is whole.
  int all() {
    tools::catch_interrupts("\nfinishing the picture in hand; Ctrl-C again stops at once\n");
    OrderedPrefetcher<Photograph> decoded(pictures_.size(), 2, [this](std::size_t i) {
      Image image = load_image(pictures_[i]);
      NetworkInput input = prepare_input(model_.info, image, predict_options_);
      return Photograph{std::move(image), std::move(input)};
    });
    tools::ProgressBar progress("infer", static_cast<std::int64_t>(pictures_.size()), "pictures");
    std::optional<std::future<Written>> writing;
    std::size_t i = 0;
    for (; i < pictures_.size() && !tools::interrupted(); ++i) {
      std::optional<std::future<Written>> next;
      try {
        next = start_writing(i, decoded.next());
      } catch (const std::exception& error) {
        failed(i, error);
      }
      if (writing) finish(*writing, i - 1);
      writing = std::move(next);
      progress.update(static_cast<std::int64_t>(i) + 1);
    }
    if (writing) finish(*writing, i - 1);
    if (i < pictures_.size()) {
      error_line(fmt::format("interrupted after {} of {} pictures", i, pictures_.size()));
      return 130;
    }
    if (failures_ > 0) error_line(fmt::format("{} of {} pictures failed", failures_, pictures_.size()));
    return failures_ > 0 ? 1 : 0;
  }

 private:
  /// Runs the network, and hands its output to a background thread.
  std::future<Written> start_writing(std::size_t i, Photograph photograph) {
    const Tensor logits = canvas_logits(*model_.network, photograph.input, predict_options_.mirror);
    // Where no thread can be started, the work is done by whoever waits for it.
    return std::async(std::launch::async | std::launch::deferred, [this, i, logits, image = std::move(photograph.image),
                                           placement = photograph.input.placement] {
      const Prediction prediction = to_prediction(placement, logits);
      const std::vector<float> probabilities = prediction.probabilities();
      Written written{pictures_[i], 0, {}};
      for (const std::string& kind : options_.kinds) {
        const fs::path path = options_.output_file.empty()
                                  ? fs::path(options_.out) / tools::output_name(pictures_[i].stem().string(), kind)
                                  : fs::path(options_.output_file);
        tools::write_output(kind, path, image, prediction, probabilities, threshold_);
        written.files.push_back(path);
      }
      const auto clothing = std::count_if(probabilities.begin(), probabilities.end(),
                                          [this](float p) { return static_cast<double>(p) >= threshold_; });
      written.clothing = static_cast<double>(clothing) / static_cast<double>(probabilities.size());
      return written;
    });
  }

  void finish(std::future<Written>& writing, std::size_t i) {
    try {
      const Written written = writing.get();
      std::string files;
      for (const fs::path& file : written.files) files += (files.empty() ? "" : ", ") + file.string();
      // Unlike fmt::print it does not throw: masks are written to the last, though nobody reads what is said of them.
      std::fputs(fmt::format("{} -> {} ({:.1f}% clothing)\n", written.picture.string(), files, 100 * written.clothing).c_str(),
                 stdout);
      std::fflush(stdout);
    } catch (const std::exception& error) {
      failed(i, error);
    }
  }

  void failed(std::size_t i, const std::exception& error) {
    ++failures_;
    const bool is_memory = dynamic_cast<const std::bad_alloc*>(&error) != nullptr;
    const std::string name = pictures_[i].string(), message = is_memory ? "out of memory" : error.what();
    error_line(message.starts_with(name) ? message : name + ": " + message);
  }

  static void error_line(const std::string& text) { std::fputs(("error: " + text + "\n").c_str(), stderr); }

  const Options& options_;
  const Model& model_;
  const PredictOptions predict_options_;
  const double threshold_;
  const std::vector<fs::path> pictures_;
  int failures_ = 0;
};

int infer(const Options& options) {
  const std::string path = options.model.empty() ? tools::default_model().string() : options.model;
  const Model model = load_model(path, options.arch.empty() ? std::nullopt : std::optional(options.arch));
  if (!model.is_described) {
    fmt::print(stderr, "note: {} has no description; taken as {} at {} x {}, ImageNet normalisation, threshold {}\n",
               path, model.info.network.arch, model.info.height, model.info.width, model.info.threshold);
  }
  model.network->prepare_inference();
  Run run(options, model);
  if (!options.profile) return run.all();
  const Profile profile;
  const int status = run.all();
  fmt::print(stderr, "{}", tools::profile_table(profile.entries()));
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Cuts clothing out of photographs: for each picture a mask of the picture's own size.", "infer_unet");
  Options options;
  app.add_option("PATH", options.paths, "pictures (JPEG, PNG) and folders of them")->required();
  app.add_option("--model", options.model, "model file [default: the one that comes with weft]");
  app.add_option("--arch", options.arch, "architecture, for model files that don't tell it");
  auto* out = app.add_option("--out", options.out, "folder for STEM.mask.png and the like; made where it is missing")
                  ->capture_default_str();
  app.add_option("-o,--output", options.output_file, "file for the output of a single picture")->excludes(out);
  app.add_option("--write", options.kinds, "outputs, separated by commas: mask, overlay, cutout, panel, prob, logits")
      ->delimiter(',')
      ->check(CLI::IsMember(tools::output_kinds()))
      ->capture_default_str();
  app.add_option("--size", options.size,
                 "the network's input in pixels: N, HxW, native (padded to multiples of 32), model (as trained)")
      ->capture_default_str();
  app.add_option("--threshold", options.threshold, "probability from which a pixel is clothing [default: the model's]")
      ->check(CLI::Range(0.0, 1.0));
  app.add_flag("--tta", options.mirror, "also run on the mirrored picture and take the mean of the logits");
  app.add_flag("--profile", options.profile, "say on stderr where the network's time went");
  return tools::run_tool(app, argc, argv, [&] { return infer(options); });
}
