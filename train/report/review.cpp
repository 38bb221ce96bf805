#include "train/report/review.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

#include "core/atomic_file.h"
#include "core/check.h"
#include "core/formats/json.h"
#include "data/ignored.h"
#include "train/report/pictures.h"

namespace weft {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int sample_side = 240, worst_side = 420;  // pixels

fs::path epoch_folder(const fs::path& folder, std::int64_t epoch) {
  return folder / "samples" / fmt::format("epoch_{:04}", epoch);
}

fs::path jpeg_path(const fs::path& folder, std::size_t number) { return folder / fmt::format("{}.jpg", number); }

/// Empty where there is no such file.
std::string content_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

json scores_to_json(const Review& review) {
  json pictures = json::array(), labels = json::array();
  for (const ScoredPicture& p : review.pictures) pictures.push_back({{"stem", p.stem}, {"iou", p.iou}});
  for (const LabelScore& l : review.labels) {
    labels.push_back({{"name", l.name},
                      {"clothing", l.is_clothing},
                      {"pixels", l.counts.pixels},
                      {"predicted", l.counts.predicted}});
  }
  return {{"epoch", review.epoch}, {"pictures", pictures}, {"labels", labels}};
}

/// Throws json's exceptions where something is missing.
Review scores_from_json(const json& j) {
  Review review;
  review.epoch = whole_number(j.at("epoch"));
  for (const json& p : j.at("pictures"))
    review.pictures.push_back({p.at("stem").get<std::string>(), p.at("iou").get<double>()});
  for (const json& l : j.at("labels")) {
    review.labels.push_back({l.at("name").get<std::string>(),
                             l.at("clothing").get<bool>(),
                             {whole_number(l.at("pixels")), whole_number(l.at("predicted"))}});
  }
  return review;
}

Review load_review(const fs::path& folder, std::int64_t epoch) {
  Review review = scores_from_json(json::parse(content_of(epoch_folder(folder, epoch) / "review.json")));
  for (std::size_t i = 0; i < std::min(samples_in_review, review.pictures.size()); ++i) {
    review.samples.push_back({review.pictures[i].stem, review.pictures[i].iou,
                              content_of(jpeg_path(folder / "samples" / "photographs", i)),
                              content_of(jpeg_path(folder / "samples" / "truth", i)),
                              content_of(jpeg_path(epoch_folder(folder, epoch), i))});
  }
  return review;
}

void load_worst(const fs::path& folder, Review& review) {
  std::vector<ScoredPicture> scores = review.pictures;
  const std::size_t count = std::min(worst_in_review, scores.size());
  std::stable_sort(scores.begin(), scores.end(), [](const auto& a, const auto& b) { return a.iou < b.iou; });
  for (std::size_t i = 0; i < count; ++i)
    review.worst.push_back({scores[i], content_of(jpeg_path(folder / "samples" / "worst", i))});
}

}  // namespace

void Reviewer::add(const std::string& stem, const EvaluatedPicture& picture) {
  const double iou = picture.counts.iou();
  const Sample& sample = picture.sample;
  const Image truth = without_ignored(sample.clothing, sample.clothing),
              prediction = without_ignored(picture.prediction, sample.clothing);
  review_.pictures.push_back({stem, iou});
  if (review_.samples.size() < samples_in_review) {
    review_.samples.push_back({stem, iou, photograph_jpeg(sample.picture, sample_side),
                               overlay_jpeg(sample.picture, truth, sample_side),
                               overlay_jpeg(sample.picture, picture.prediction, sample_side)});
  }
  auto& worst = review_.worst;
  if (worst.size() == worst_in_review && iou >= worst.back().score.iou) return;
  const auto place = std::upper_bound(worst.begin(), worst.end(), iou,
                                      [](double value, const WorstPicture& w) { return value < w.score.iou; });
  worst.insert(place, {{stem, iou}, mistakes_jpeg(sample.picture, truth, prediction, worst_side)});
  if (worst.size() > worst_in_review) worst.pop_back();
}

Review Reviewer::finish(std::int64_t epoch, const Evaluation& evaluation, const LabelMap& labels) {
  review_.epoch = epoch;
  for (const LabelMap::Label& label : labels.labels()) {
    const LabelCounts& counts = evaluation.metrics.labels()[static_cast<std::size_t>(label.id)];
    if (counts.pixels > 0) review_.labels.push_back({label.name, label.is_clothing, counts});
  }
  return std::move(review_);
}

void save_review(const fs::path& folder, const Review& review) {
  const fs::path samples = folder / "samples", here = epoch_folder(folder, review.epoch);
  for (const fs::path& path : {samples / "photographs", samples / "truth", samples / "worst", here})
    fs::create_directories(path);
  for (std::size_t i = 0; i < review.samples.size(); ++i) {
    write_file(jpeg_path(samples / "photographs", i), review.samples[i].photograph);
    write_file(jpeg_path(samples / "truth", i), review.samples[i].truth);
    write_file(jpeg_path(here, i), review.samples[i].prediction);
  }
  for (std::size_t i = 0; i < review.worst.size(); ++i)
    write_file(jpeg_path(samples / "worst", i), review.worst[i].mistakes);
  write_file(here / "review.json", scores_to_json(review).dump(1, ' ', false, json::error_handler_t::replace) + "\n");
}

std::vector<std::int64_t> shown_epochs(const std::vector<std::int64_t>& epochs, std::int64_t best_epoch,
                                       std::size_t count) {
  std::set<std::size_t> chosen;
  if (!epochs.empty()) chosen = {0, epochs.size() - 1};
  for (std::size_t i = 0; i < epochs.size(); ++i) {
    if (epochs[i] == best_epoch) chosen.insert(i);
  }
  // Fill the widest gap, nearer to its beginning: most happens early.
  while (chosen.size() < std::min(count, epochs.size())) {
    std::size_t after = 0, widest = 0;
    for (auto i = chosen.begin(); std::next(i) != chosen.end(); ++i) {
      const std::size_t gap = *std::next(i) - *i;
      if (gap > widest) {
        widest = gap;
        after = *i;
      }
    }
    chosen.insert(after + widest / 2);
  }
  std::vector<std::int64_t> shown;
  for (const std::size_t i : chosen) shown.push_back(epochs[i]);
  return shown;
}

std::vector<Review> load_reviews(const fs::path& folder, std::int64_t last_epoch, std::int64_t best_epoch) {
  std::vector<std::int64_t> epochs;
  for (std::int64_t epoch = 1; epoch <= last_epoch; ++epoch) {
    if (fs::exists(epoch_folder(folder, epoch) / "review.json")) epochs.push_back(epoch);
  }
  std::vector<Review> reviews;
  for (const std::int64_t epoch : shown_epochs(epochs, best_epoch, reviews_in_report)) {
    try {
      reviews.push_back(load_review(folder, epoch));
    } catch (const json::exception&) {
      continue;
    }
  }
  if (!reviews.empty()) load_worst(folder, reviews.back());
  return reviews;
}

}  // namespace weft
