#pragma once
// What one number hides: fine detail, the size of the person, how the pictures' IoUs are spread, and the worst of them.

#include <array>
#include <string>
#include <vector>

#include "train/evaluate.h"
#include "train/mask_shape.h"

namespace weft {

struct ScoredPicture {
  std::string stem;
  double iou = 0;
};

/// Pictures in which the person (all that has not id 0, the background, and is not ignored) covers a share in [low,
/// high).
struct PersonSize {
  double low = 0, high = 1;
  std::int64_t pictures = 0;
  double sum_of_iou = 0;
  double mean_iou() const { return pictures == 0 ? 0 : sum_of_iou / static_cast<double>(pictures); }
};

class DetailMetrics {
 public:
  static constexpr int boundary_tolerance = 2;  // pixels of the photograph
  static constexpr std::size_t bins = 20;       // of IoU, 0.05 wide; the last holds 1 too

  void add(const std::string& stem, const EvaluatedPicture& picture);

  /// The mean over the pictures; 0 where there are none.
  double boundary_f() const;
  /// Over all pictures' thin parts together: many pictures have none.
  const Overlap& thin() const { return thin_; }
  const std::array<PersonSize, 4>& person_sizes() const { return sizes_; }
  const std::array<std::int64_t, bins>& histogram() const { return histogram_; }
  /// In order of evaluation.
  const std::vector<ScoredPicture>& pictures() const { return pictures_; }
  /// The pictures with the lowest IoU, the lowest first.
  std::vector<ScoredPicture> worst(std::size_t count = 10) const;

 private:
  double sum_of_f_ = 0;
  Overlap thin_;
  std::array<PersonSize, 4> sizes_{{{0, 0.1}, {0.1, 0.2}, {0.2, 0.3}, {0.3, 1}}};
  std::array<std::int64_t, bins> histogram_{};
  std::vector<ScoredPicture> pictures_;
};

}  // namespace weft
