#pragma once
// eval_unet with several models: one table, the pictures on which they differ most, and whether the difference is more
// than luck.

#include <string>
#include <vector>

#include "data/dataset.h"
#include "models/model_file.h"
#include "train/evaluate.h"

namespace weft::tools {

/// A model and what it is called in tables.
struct Contender {
  std::string name;
  Model model;
};

/// Files to write; empty: not that one.
struct ComparisonOutputs {
  std::string per_image, json, report;
};

/// Judges all on the same pictures and compares each with the first. The figures go to stdout before any file is
/// written. `title` and `command` are for the report.
void compare_models(const std::vector<Contender>& contenders, const Dataset& pictures, const EvaluationOptions& options,
                    const ComparisonOutputs& outputs, const std::string& title, const std::string& command);

/// A text as a csv field: quoted where it holds a separator or a quote.
std::string csv_field(const std::string& text);

}  // namespace weft::tools
