#pragma once
// report.html: a training run, or a model that was judged, as a page that a person likes to read.

#include <string>
#include <utility>
#include <vector>

#include "train/metrics_log.h"
#include "train/report/review.h"

namespace weft {

/// mIoU by strength 1, 2, ... of one stress (data/stress/stress.h).
struct StressScore {
  std::string name;
  std::vector<double> mean_iou;
};

/// Plain texts; the page escapes them.
using Facts = std::vector<std::pair<std::string, std::string>>;

struct Report {
  std::string title, subtitle;
  Facts figures;                    // value and what it is, in large type at the top
  MetricsHistory history;           // empty: no curves
  std::vector<Review> reviews;      // by epoch; all of their samples are shown, and the last one's scores
  std::int64_t best_epoch = 0;      // 0: none
  double clean_mean_iou = 0;        // to compare the stresses with
  std::vector<StressScore> stresses;
  Facts settings;
  std::string machine, command;
};

/// The whole document. It needs no other file, no network and no script.
std::string report_page(const Report& report);

}  // namespace weft
