#pragma once
// metrics.jsonl: one json object a line, in the order in which things happened. A step's line and a
// validation's line are told apart by "miou", which only the latter has. Where a run went on with other settings stands
// a line with "changed" and neither.

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <nlohmann/json_fwd.hpp>
#include <vector>

namespace weft {

struct StepRecord {
  std::int64_t epoch = 0;              // from 1
  std::int64_t step = 0;               // from 1, over the whole run
  double loss = 0, dice = 0, bce = 0;  // as computed before this step's update
  double learning_rate = 0;
  double milliseconds = 0;  // waiting for the data included
  // Of the batch, for the display; the file does not hold them. Clothing in prediction and truth, and in at least one.
  std::int64_t pixels_in_both = 0, pixels_in_either = 0;
};

struct ValidationRecord {
  std::int64_t epoch = 0, step = 0;  // epoch 0: the model that the run started from
  double mean_iou = 0, iou = 0, dice = 0;
  double loss = 0;  // mean over the pictures of each one's loss
};

/// What a log holds, in order.
struct MetricsHistory {
  std::vector<StepRecord> steps;
  std::vector<ValidationRecord> validations;
};

/// Reads a log; lines that are not whole records are passed over, and a file that is not there is an empty log.
MetricsHistory read_metrics_log(const std::filesystem::path& path);

class MetricsLog {
 public:
  /// Opens the log for appending. What a run wrote after the checkpoint that it is continued from is cut off first:
  /// steps beyond `steps` and validations beyond epoch `epochs` (-1: of epoch 0 too) will come again. Throws Error
  /// where it can't be written.
  MetricsLog(const std::filesystem::path& path, std::int64_t steps, std::int64_t epochs);

  /// Each throws Error where the disk refuses.
  void write(const StepRecord& record);
  void write(const ValidationRecord& record);
  /// After so many epochs and steps the run goes on with other settings: {"lr": [before, now], ...}.
  void write_change(std::int64_t epochs, std::int64_t steps, const nlohmann::json& changed);

 private:
  void append(const std::string& line);
  const std::filesystem::path path_;
  std::ofstream file_;
};

}  // namespace weft
