#pragma once
// The options that say which pictures, the same for training and judging.

#include <CLI/CLI.hpp>
#include <string>

#include "data/dataset.h"

namespace weft::tools {

struct DataOptions {
  std::string data, images, masks, labels;
  MaskRules mask_rules = {};

  DatasetFolders folders() const { return {data, images, masks, mask_rules}; }
};

/// --data, --images, --masks, --mask-suffix, --mask-ext, --mask-threshold, --labels. `default_labels` is shown in the
/// help; where it is empty, so is `labels` until given.
void add_data_options(CLI::App& app, DataOptions& options, const std::string& default_labels);

}  // namespace weft::tools
