#pragma once
// Photographs into masks, on all threads. What infer_unet does once its model is loaded.
//
// There are two ways to keep the threads busy.
//
// Side by side: each thread takes a picture all the way from its file to its mask, with a network of one thread, then
// the next picture. Nothing is shared but the weights, so no thread waits for another, at a layer's end or for what
// lies in the other's caches; one decodes while others multiply. A picture takes as long as on one thread, but a folder
// is done sooner: docs/performance.md. Each thread needs the memory of a run of its own.
//
// In groups: threads write what came out of the last group and decode the next, a picture each, then all of them run
// the network on one picture after the other. For canvases that are large or of any size, for what is left when there
// are fewer pictures than threads, and for a profile. Only where there are more cores than threads does a thread of its
// own work on the files meanwhile. Else it would take a core from the network's team in the middle of a layer, and all
// others would wait for that one.

#include <cstdint>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "models/model_file.h"
#include "models/predict.h"
#include "tools/common/masks.h"
#include "tools/common/output_plan.h"
#include "tools/common/picture_list.h"
#include "tools/common/progress_bar.h"

namespace weft::tools {

struct PictureRunOptions {
  std::vector<std::string> paths;  // pictures, and folders of them
  bool is_recursive = false;       // enters folders in folders
  OutputOptions output;
  std::optional<Colour> background;  // under cut-outs
  double threshold = 0.5;            // the probability from which a pixel is clothing
  std::int64_t max_pixels = default_max_pixels;
  PredictOptions predict;
  bool is_profiled = false;  // the network is to run on this thread and its team
};

class PictureRun {
 public:
  /// `options`, `info` and `predictor` must live as long. Lists the pictures and plans their outputs. Throws Error
  /// where the folder for them can't be made, UsageError for options that contradict each other.
  PictureRun(const PictureRunOptions& options, const ModelInfo& info, const Predictor& predictor);

  /// A line on stdout for each picture, in order, once its files are on disk. A picture that fails is named on stderr,
  /// and the others go on; so are, at the end, the files that were passed over. Exit status: 1 where a picture failed,
  /// 130 where Ctrl-C or SIGTERM ended the work; what was written is whole.
  int all();

 private:
  /// A picture on its way: read, run, written, reported.
  struct Item {
    std::size_t index = 0;
    Subject subject;
    NetworkInput input;
    Tensor logits;
    double clothing = 0;  // share of the picture
    std::exception_ptr error;
  };

  std::size_t side_by_side_count() const;
  void side_by_side(std::size_t count);
  void in_turn();
  void overlapped();

  std::vector<Item> next_group(std::size_t first) const;
  void run_group(std::vector<Item>& group);
  void work_on_files(std::vector<Item>& done, std::vector<Item>& next) const;

  const PlannedPicture& planned(std::size_t i) const { return plan_.pictures[i]; }
  std::string name_of(std::size_t i) const;
  void announce(std::size_t i) const;
  void read(Item& item) const;
  void run_network(Item& item) const;
  void write(Item& item) const;
  void report(const Item& item);
  void failed(std::size_t i, const std::exception& error);
  void say_what_was_left();

  const PictureRunOptions& options_;
  const ModelInfo& info_;
  const Predictor& predictor_;
  const PictureList list_;
  const OutputPlan plan_;
  ProgressBar progress_;
  std::size_t done_ = 0;  // pictures that went through the network
  std::size_t failures_ = 0;
};

}  // namespace weft::tools
