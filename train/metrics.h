#pragma once
// How good a mask is. All counts are of pixels at the photograph's own resolution.
//
//   IoU  = TP / (TP + FP + FN)            1 where truth and prediction are both empty
//   Dice = 2 TP / (2 TP + FP + FN)        likewise
//
// mIoU is the mean of the pictures' IoUs: a small picture or a small garment counts as much as a large one.
// The IoU of the whole set adds the counts first, so large garments dominate. For one mask
// Dice = 2 IoU / (1 + IoU): they order masks alike, and Dice looks better.
//
// Pixels whose label is to be ignored count nowhere.

#include <array>
#include <cstdint>
#include <span>

#include "data/label_map.h"

namespace weft {

/// Pixels of one class by truth and prediction.
struct Confusion {
  std::int64_t true_positive = 0, false_positive = 0, false_negative = 0, true_negative = 0;

  double iou() const;
  double dice() const;
  Confusion& operator+=(const Confusion& other);
  bool operator==(const Confusion&) const = default;
};

/// How the pixels of one source label (a dress, a face) fared. Of a clothing label predicted / pixels is the recall;
/// of any other label `predicted` are its false positives.
struct LabelCounts {
  std::int64_t pixels = 0;
  std::int64_t predicted = 0;  // as clothing
};

class SegmentationMetrics {
 public:
  explicit SegmentationMetrics(const LabelMap& labels);

  /// Adds a picture: `predicted` is nonzero where clothing is predicted, `ids` holds the truth's source ids, all
  /// of them known to the label map. Returns the picture's own counts. Throws Error where the two differ in length.
  Confusion add(std::span<const std::uint8_t> predicted, std::span<const std::uint8_t> ids);

  std::int64_t pictures() const { return pictures_; }
  /// The mean over the pictures of their IoU; 0 where there are none.
  double mean_iou() const;
  /// All pictures' counts.
  const Confusion& total() const { return total_; }
  /// By source id.
  const std::array<LabelCounts, 256>& labels() const { return labels_; }

 private:
  std::array<bool, 256> is_clothing_{}, is_ignored_{};
  std::int64_t pictures_ = 0;
  double sum_of_iou_ = 0;
  Confusion total_;
  std::array<LabelCounts, 256> labels_{};
};

}  // namespace weft
