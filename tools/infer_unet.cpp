// infer_unet: photographs in, masks out.
//
// Pictures go in groups, one for each thread but at most four: threads write what came out of the last group and
// decode the next, a picture each, then all of them run the network on one picture after the other. Only where there
// are more cores than threads does a thread of its own work on the files meanwhile. Else it would take a core from the
// network's team in the middle of a layer, and all others would wait for that one. A picture that fails is named; the
// others go on.

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <new>
#include <optional>

#include "core/parallel.h"
#include "core/profile.h"
#include "data/image_io.h"
#include "data/read_file.h"
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

/// A picture on its way: read, run, written, reported.
struct Item {
  std::size_t index = 0;
  Image image;
  NetworkInput input;
  Tensor logits;
  std::vector<fs::path> files;
  double clothing = 0;  // share of the picture
  std::exception_ptr error;
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
    tools::catch_interrupts("\nfinishing the pictures in hand; Ctrl-C again stops at once\n");
    tools::ProgressBar progress("infer", static_cast<std::int64_t>(pictures_.size()), "pictures");
    const std::size_t done = available_cores() > num_threads() ? overlapped(progress) : in_turn(progress);
    if (done < pictures_.size()) {
      error_line(fmt::format("interrupted after {} of {} pictures", done, pictures_.size()));
      return 130;
    }
    if (failures_ > 0) error_line(fmt::format("{} of {} pictures failed", failures_, pictures_.size()));
    return failures_ > 0 ? 1 : 0;
  }

 private:
  /// The network and the files take turns. Returns how many pictures went through the network.
  std::size_t in_turn(tools::ProgressBar& progress) {
    std::vector<Item> before, group = next_group(0);
    work_on_files(before, group);
    std::size_t done = 0;
    while (!group.empty()) {
      done += run_group(group, progress, done);
      before = std::move(group);
      group = tools::interrupted() ? std::vector<Item>{} : next_group(done);
      work_on_files(before, group);
      for (const Item& item : before) report(item);
    }
    return done;
  }

  /// The same, with one group in the network while another thread writes the one before and reads the next.
  std::size_t overlapped(tools::ProgressBar& progress) {
    std::vector<Item> before, group = next_group(0), next;
    work_on_files(before, group);
    std::size_t done = 0;
    while (!group.empty()) {
      next = next_group(group.back().index + 1);
      run_beside([&] { work_on_files(before, next); }, [&] { done += run_group(group, progress, done); });
      for (const Item& item : before) report(item);
      before = std::move(group);
      group = tools::interrupted() ? std::vector<Item>{} : std::move(next);
    }
    work_on_files(before, group);
    for (const Item& item : before) report(item);
    return done;
  }

  /// Runs the network on a group, or on its first pictures where Ctrl-C comes, and leaves those in it. Returns how
  /// many.
  std::size_t run_group(std::vector<Item>& group, tools::ProgressBar& progress, std::size_t done_before) {
    std::size_t done = 0;
    while (done < group.size() && !tools::interrupted()) {
      run_network(group[done]);
      progress.update(static_cast<std::int64_t>(done_before + ++done));
    }
    group.resize(done);
    return done;
  }

  /// The items of the pictures from `first`: one for each thread, but few, as a photograph takes 11 bytes a pixel while
  /// its masks are made.
  std::vector<Item> next_group(std::size_t first) const {
    const std::size_t end = std::min(pictures_.size(), first + static_cast<std::size_t>(std::min(num_threads(), 4)));
    std::vector<Item> group;
    for (std::size_t i = first; i < end; ++i) group.emplace_back().index = i;
    // The disk may bring the pictures after these while the network runs.
    for (std::size_t i = end; i < std::min(pictures_.size(), end + group.size()); ++i) announce_read(pictures_[i]);
    return group;
  }

  /// Writes what came out of one group and reads the next. A task is a picture of each, so that threads have equal
  /// shares.
  void work_on_files(std::vector<Item>& done, std::vector<Item>& next) {
    parallel_for(static_cast<std::int64_t>(std::max(done.size(), next.size())), [&](std::int64_t task) {
      const auto i = static_cast<std::size_t>(task);
      if (i < done.size()) attempt(done[i], [&] { write(done[i]); });
      if (i < next.size()) attempt(next[i], [&] { read(next[i]); });
    });
  }

  void read(Item& item) const {
    item.image = load_image(pictures_[item.index]);
    item.input = prepare_input(model_.info, item.image, predict_options_);
  }

  void run_network(Item& item) const {
    attempt(item, [&] {
      item.logits = canvas_logits(*model_.network, item.input, predict_options_.mirror);
      item.input.values = Tensor();
    });
  }

  void write(Item& item) const {
    const Prediction prediction = to_prediction(item.input.placement, item.logits);
    const std::vector<float> probabilities = prediction.probabilities();
    const Image mask = threshold_mask(probabilities, item.image.width, item.image.height, threshold_);
    const fs::path& picture = pictures_[item.index];
    for (const std::string& kind : options_.kinds) {
      const fs::path path = options_.output_file.empty()
                                ? fs::path(options_.out) / tools::output_name(picture.stem().string(), kind)
                                : fs::path(options_.output_file);
      tools::write_output(kind, path, item.image, prediction, probabilities, mask, threshold_);
      item.files.push_back(path);
    }
    const auto clothing = std::count(mask.pixels.begin(), mask.pixels.end(), 1);
    item.clothing = static_cast<double>(clothing) / static_cast<double>(mask.pixels.size());
  }

  /// A step of an item's way, which ends where a step fails.
  template <class Step>
  static void attempt(Item& item, Step&& step) {
    if (item.error) return;
    try {
      step();
    } catch (...) {
      item.error = std::current_exception();
    }
  }

  void report(const Item& item) {
    try {
      if (item.error) std::rethrow_exception(item.error);
      std::string files;
      for (const fs::path& file : item.files) files += (files.empty() ? "" : ", ") + file.string();
      const std::string picture = pictures_[item.index].string();
      // Unlike fmt::print it does not throw: masks are written to the last, though nobody reads what is said of them.
      std::fputs(fmt::format("{} -> {} ({:.1f}% clothing)\n", picture, files, 100 * item.clothing).c_str(), stdout);
      std::fflush(stdout);
    } catch (const std::exception& error) {
      failed(item.index, error);
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

/// Pictures come and go: memory that one leaves is kept for the next. As it is set up, glibc gives blocks of a
/// picture's size back to the system and fetches them again, zeroed page by page: 1.5 ms for a photograph of 550 x 832.
void keep_freed_memory() {
#ifdef __GLIBC__
  ::mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the most that it takes
  ::mallopt(M_TRIM_THRESHOLD, 256 << 20);
#endif
}

int infer(const Options& options) {
  keep_freed_memory();
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
