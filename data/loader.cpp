#include "data/loader.h"

#include <algorithm>
#include <numeric>

#include "core/check.h"
#include "core/random.h"
#include "data/ignored.h"

namespace weft {

namespace {
// First words of the keys of this file's random streams.
const std::uint64_t order_stream = hash_text("loader order"), augment_stream = hash_text("loader augment"),
                    shape_stream = hash_text("loader shape");
}  // namespace

Loader::Loader(const Dataset& dataset, const LoaderOptions& options) : dataset_(dataset), options_(options) {
  WEFT_CHECK(options.width > 0 && options.height > 0 && options.batch > 0,
             "[loader] expected sizes above 0, got {} x {}, batch {}", options.width, options.height, options.batch);
  WEFT_CHECK(dataset.size() > 0, "[loader] the data set is empty");
}

std::size_t Loader::batches() const {
  const auto batch = static_cast<std::size_t>(options_.batch);
  const std::size_t whole = dataset_.size() / batch, left_over = dataset_.size() % batch;
  const bool joins = whole > 0 && left_over < static_cast<std::size_t>(options_.smallest_batch);
  return options_.drop_last || left_over == 0 || joins ? whole : whole + 1;
}

std::vector<std::size_t> Loader::order(std::uint64_t epoch) const {
  std::vector<std::size_t> indices(dataset_.size());
  std::iota(indices.begin(), indices.end(), std::size_t{0});
  if (options_.shuffle) Random(options_.seed, {order_stream, epoch}).shuffle(indices);
  return indices;
}

std::unique_ptr<Loader::Batches> Loader::epoch(std::uint64_t epoch, std::size_t first) const {
  WEFT_CHECK(first <= batches(), "[loader] expected a first batch of at most {}, got {}", batches(), first);
  const auto make = [this, epoch, first, indices = order(epoch)](std::size_t number) {
    const auto batch = static_cast<std::size_t>(options_.batch);
    const bool takes_rest = first + number + 1 == batches() && !options_.drop_last;
    const std::size_t begin = (first + number) * batch, end = takes_rest ? indices.size() : begin + batch;
    return make_batch(epoch, {indices.begin() + static_cast<std::ptrdiff_t>(begin),
                              indices.begin() + static_cast<std::ptrdiff_t>(end)});
  };
  return std::make_unique<Batches>(batches() - first, options_.ahead, make, options_.workers);
}

/// All samples of a batch have one size. Where each picture would have a canvas of its own, the batch is as one of them
/// or as the canvas that was asked for: the network meets whole subjects as it will see them later, and crops.
SampleSize Loader::sample_size(std::uint64_t epoch, std::size_t first_index, const Sample& first) const {
  const SampleSize asked{options_.width, options_.height};
  if (options_.fit != Fit::area || !Random(options_.seed, {shape_stream, epoch, first_index}).chance(0.5)) return asked;
  const Placement p = place(first.picture.width, first.picture.height, asked.width, asked.height, options_.fit);
  return {p.canvas_width, p.canvas_height};
}

Batch Loader::make_batch(std::uint64_t epoch, const std::vector<std::size_t>& indices) const {
  std::vector<Sample> samples;
  for (const std::size_t index : indices) samples.push_back(dataset_.load(index));
  const SampleSize size = sample_size(epoch, indices[0], samples[0]);
  Batch batch;
  batch.n = static_cast<int>(indices.size());
  batch.h = size.height;
  batch.w = size.width;
  batch.indices = indices;
  const std::size_t pixels = static_cast<std::size_t>(batch.h) * static_cast<std::size_t>(batch.w);
  batch.images.resize(indices.size() * pixels * 3);
  batch.masks.resize(indices.size() * pixels);
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const auto& [picture, clothing, ids] = samples[i];
    Random random(options_.seed, {augment_stream, epoch, indices[i]});
    const AugmentDraw draw = draw_augmentation(options_.augment, random);
    const Placement placement = place(picture.width, picture.height, options_.width, options_.height, options_.fit);
    const AugmentedPair pair = augment(picture, clothing, placement, draw, size);
    normalise(pair.picture, options_.normalisation, std::span(batch.images).subspan(i * pixels * 3, pixels * 3));
    const auto& mask = pair.mask.pixels;
    const auto begin = static_cast<std::ptrdiff_t>(i * pixels);
    std::copy(mask.begin(), mask.end(), batch.masks.begin() + begin);
    if (!has_ignored(pair.mask)) continue;
    if (batch.known.empty()) batch.known.assign(batch.masks.size(), 1);
    for (std::size_t p = 0; p < pixels; ++p) {
      if (mask[p] == ignored_pixel) batch.masks[i * pixels + p] = batch.known[i * pixels + p] = 0;
    }
  }
  return batch;
}

}  // namespace weft
