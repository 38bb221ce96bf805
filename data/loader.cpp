#include "data/loader.h"

#include <algorithm>
#include <numeric>

#include "core/check.h"
#include "core/random.h"

namespace weft {

namespace {
// First words of the keys of this file's random streams.
const std::uint64_t order_stream = hash_text("loader order"), augment_stream = hash_text("loader augment");
}  // namespace

Loader::Loader(const Dataset& dataset, const LoaderOptions& options) : dataset_(dataset), options_(options) {
  WEFT_CHECK(options.width > 0 && options.height > 0 && options.batch > 0,
             "[loader] expected sizes above 0, got {} x {}, batch {}", options.width, options.height, options.batch);
  WEFT_CHECK(dataset.size() > 0, "[loader] the data set is empty");
}

std::size_t Loader::batches() const {
  const auto batch = static_cast<std::size_t>(options_.batch);
  return options_.drop_last ? dataset_.size() / batch : (dataset_.size() + batch - 1) / batch;
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
    const std::size_t begin = (first + number) * batch, end = std::min(begin + batch, indices.size());
    return make_batch(epoch, {indices.begin() + static_cast<std::ptrdiff_t>(begin),
                              indices.begin() + static_cast<std::ptrdiff_t>(end)});
  };
  return std::make_unique<Batches>(batches() - first, options_.ahead, make, options_.workers);
}

Batch Loader::make_batch(std::uint64_t epoch, const std::vector<std::size_t>& indices) const {
  Batch batch;
  batch.n = static_cast<int>(indices.size());
  batch.h = options_.height;
  batch.w = options_.width;
  batch.indices = indices;
  const std::size_t pixels = static_cast<std::size_t>(batch.h) * static_cast<std::size_t>(batch.w);
  batch.images.resize(indices.size() * pixels * 3);
  batch.masks.resize(indices.size() * pixels);
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const Sample sample = dataset_.load(indices[i]);
    Random random(options_.seed, {augment_stream, epoch, indices[i]});
    const AugmentDraw draw = draw_augmentation(options_.augment, random);
    const Placement placement = place(sample.picture.width, sample.picture.height, batch.w, batch.h, options_.fit);
    normalise(augment_picture(sample.picture, placement, draw), options_.normalisation,
              std::span(batch.images).subspan(i * pixels * 3, pixels * 3));
    const Image mask = augment_mask(sample.clothing, placement, draw);
    std::copy(mask.pixels.begin(), mask.pixels.end(), batch.masks.begin() + static_cast<std::ptrdiff_t>(i * pixels));
  }
  return batch;
}

}  // namespace weft
