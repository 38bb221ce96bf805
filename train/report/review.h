#pragma once
// What a report shows of one pass over a validation set, and how a run keeps it on disk, so that the page can be made
// again from the run's folder alone, by a continuation too:
//
//   samples/photographs/K.jpg, samples/truth/K.jpg     the first pictures of the validation set
//   samples/epoch_0003/K.jpg, review.json              what epoch 3 saw in them; every picture's IoU, the labels' counts
//   samples/worst/K.jpg                                the worst pictures of the last validation

#include <filesystem>
#include <string>
#include <vector>

#include "train/detail_metrics.h"

namespace weft {

struct LabelScore {
  std::string name;
  bool is_clothing = false;
  LabelCounts counts;
};

/// A picture that is shown again after each epoch.
struct SampleView {
  std::string stem;
  double iou = 0;
  std::string photograph, truth, prediction;  // JPEG files
};

struct WorstPicture {
  ScoredPicture score;
  std::string mistakes;  // JPEG file
};

struct Review {
  std::int64_t epoch = 0;                 // 0: not of a training
  std::vector<ScoredPicture> pictures;    // in order of evaluation
  std::vector<LabelScore> labels;         // those that occur
  std::vector<SampleView> samples;
  std::vector<WorstPicture> worst;        // the lowest IoU first
};

inline constexpr std::size_t samples_in_review = 8, worst_in_review = 10, reviews_in_report = 6;

/// Collects a Review while a model is judged.
class Reviewer {
 public:
  void add(const std::string& stem, const EvaluatedPicture& picture);
  /// `epoch` and the labels' counts are put in.
  Review finish(std::int64_t epoch, const Evaluation& evaluation, const LabelMap& labels);

 private:
  Review review_;
};

/// Writes it below `folder` as above. Throws Error where the disk refuses.
void save_review(const std::filesystem::path& folder, const Review& review);

/// Of `epochs`, in order, those that a report shows: the first, the last, the best, and others evenly between, at most
/// `count` (3 or more).
std::vector<std::int64_t> shown_epochs(const std::vector<std::int64_t>& epochs, std::int64_t best_epoch,
                                       std::size_t count);

/// The reviews that a report shows of epochs 1 to `last_epoch`, by epoch: a long run's would fill the memory. One that
/// can't be read is left out: a report must not stop a training. Only the last one has its worst pictures.
std::vector<Review> load_reviews(const std::filesystem::path& folder, std::int64_t last_epoch, std::int64_t best_epoch);

}  // namespace weft
