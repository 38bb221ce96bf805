#pragma once
// report.html: a training run, or a model that was judged, as a page that a person likes to read.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "train/bootstrap.h"
#include "train/metrics_log.h"
#include "train/report/review.h"

namespace weft {

/// mIoU by strength 1, 2, ... of one stress (data/stress/stress.h).
struct StressScore {
  std::string name;
  std::vector<double> mean_iou;
};

/// A model beside others. The first one has no difference.
struct ComparedModel {
  std::string name;
  double threshold = 0, mean_iou = 0, iou = 0, dice = 0, loss = 0, boundary_f = 0;
  std::optional<PairedDifference> against_first = std::nullopt;  // of the pictures' IoUs
};

/// A picture on which models differ: of each its IoU, and a JPEG of the photograph with its mistakes.
struct DifferingPicture {
  std::string stem;
  std::vector<double> iou;
  std::vector<std::string> mistakes;
};

struct Comparison {
  std::vector<ComparedModel> models;
  std::vector<DifferingPicture> pictures;
};

/// Plain texts; the page escapes them.
using Facts = std::vector<std::pair<std::string, std::string>>;

struct Report {
  std::string title, subtitle;
  Facts figures;                // value and what it is, in large type at the top
  MetricsHistory history;       // empty: no curves
  std::vector<Review> reviews;  // by epoch; all of their samples are shown, and the last one's scores
  std::int64_t best_epoch = 0;  // 0: none
  double clean_mean_iou = 0;    // to compare the stresses with
  std::vector<StressScore> stresses;
  Comparison comparison;  // without models: none
  Facts settings;
  std::string machine, command;
};

/// The whole document. It needs no other file, no network and no script.
std::string report_page(const Report& report);

}  // namespace weft
