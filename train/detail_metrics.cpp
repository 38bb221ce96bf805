#include "train/detail_metrics.h"

#include <algorithm>

#include "data/ignored.h"

namespace weft {

void DetailMetrics::add(const std::string& stem, const EvaluatedPicture& p) {
  const double iou = p.counts.iou();
  pictures_.push_back({stem, iou});
  sum_of_f_ += boundary_f_score(p.prediction, p.sample.clothing, boundary_tolerance);
  thin_ += overlap(thin_parts(p.sample.clothing, thin_radius(p.prediction.width, p.prediction.height)), p.prediction);
  ++histogram_[std::min(bins - 1, static_cast<std::size_t>(iou * static_cast<double>(bins)))];

  const auto &ids = p.sample.ids.pixels, &truth = p.sample.clothing.pixels;
  std::int64_t known = 0, person = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    known += truth[i] != ignored_pixel;
    person += truth[i] != ignored_pixel && ids[i] != 0;
  }
  const double share = known == 0 ? 0 : static_cast<double>(person) / static_cast<double>(known);
  const auto size = std::find_if(sizes_.begin(), sizes_.end() - 1, [&](const PersonSize& s) { return share < s.high; });
  ++size->pictures;
  size->sum_of_iou += iou;
}

double DetailMetrics::boundary_f() const {
  return pictures_.empty() ? 0 : sum_of_f_ / static_cast<double>(pictures_.size());
}

std::vector<ScoredPicture> DetailMetrics::worst(std::size_t count) const {
  std::vector<ScoredPicture> sorted = pictures_;
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.iou < b.iou; });
  sorted.resize(std::min(count, sorted.size()));
  return sorted;
}

}  // namespace weft
