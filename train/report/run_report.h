#pragma once

#include <filesystem>
#include <string>

#include "train/checkpoint.h"

namespace weft {

/// What the program knows of a run and the trainer does not.
struct RunDescription {
  std::string command;  // that starts it again
  std::string machine;
};

/// Writes FOLDER/report.html from what the run's folder holds (metrics.jsonl, samples/) as of `progress`, so that a
/// continued run shows its whole course. `state` says in words how the run stands. Throws Error where it can't be
/// written.
void write_run_report(const std::filesystem::path& folder, const TrainConfig& config, const Progress& progress,
                      const RunDescription& description, const std::string& state);

}  // namespace weft
