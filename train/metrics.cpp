#include "train/metrics.h"

#include "core/check.h"

namespace weft {

double Confusion::iou() const {
  const std::int64_t either = true_positive + false_positive + false_negative;
  return either == 0 ? 1 : static_cast<double>(true_positive) / static_cast<double>(either);
}

double Confusion::dice() const {
  const std::int64_t both = 2 * true_positive + false_positive + false_negative;
  return both == 0 ? 1 : static_cast<double>(2 * true_positive) / static_cast<double>(both);
}

Confusion& Confusion::operator+=(const Confusion& other) {
  true_positive += other.true_positive;
  false_positive += other.false_positive;
  false_negative += other.false_negative;
  true_negative += other.true_negative;
  return *this;
}

SegmentationMetrics::SegmentationMetrics(const LabelMap& labels) {
  for (const LabelMap::Label& label : labels.labels()) {
    is_clothing_[static_cast<std::size_t>(label.id)] = label.is_clothing;
    is_ignored_[static_cast<std::size_t>(label.id)] = label.is_ignored;
  }
}

Confusion SegmentationMetrics::add(std::span<const std::uint8_t> predicted, std::span<const std::uint8_t> ids) {
  WEFT_CHECK(predicted.size() == ids.size(), "[metrics] prediction has {} pixels, truth has {}", predicted.size(),
             ids.size());
  std::array<LabelCounts, 256> labels{};
  for (std::size_t i = 0; i < ids.size(); ++i) {
    ++labels[ids[i]].pixels;
    labels[ids[i]].predicted += predicted[i] != 0;
  }

  Confusion picture;
  for (std::size_t id = 0; id < labels.size(); ++id) {
    if (is_ignored_[id]) continue;
    const auto [pixels, hits] = labels[id];
    (is_clothing_[id] ? picture.true_positive : picture.false_positive) += hits;
    (is_clothing_[id] ? picture.false_negative : picture.true_negative) += pixels - hits;
    labels_[id].pixels += pixels;
    labels_[id].predicted += hits;
  }
  ++pictures_;
  sum_of_iou_ += picture.iou();
  total_ += picture;
  return picture;
}

double SegmentationMetrics::mean_iou() const {
  return pictures_ == 0 ? 0 : sum_of_iou_ / static_cast<double>(pictures_);
}

}  // namespace weft
