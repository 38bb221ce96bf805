#pragma once
// Batches for training: the order of an epoch, augmentation, fitting, normalisation, made on background
// threads while the network works on the batch before.
//
// Everything random about a sample depends on (seed, epoch, sample) alone and the order on (seed, epoch): batch k of
// epoch e is the same bytes whoever makes it, with any number of workers, and after a restart in its middle.

#include <cstdint>
#include <memory>
#include <vector>

#include "data/augment.h"
#include "data/dataset.h"
#include "data/fit.h"
#include "data/normalise.h"
#include "data/prefetch.h"

namespace weft {

struct Batch {
  int n = 0, h = 0, w = 0;
  std::vector<float> images;  // [n, h, w, 3], normalised
  std::vector<float> masks;   // [n, h, w, 1], 1 where clothing is, else 0
  std::vector<float> known;   // [n, h, w, 1], 0 where the mask is to be ignored, else 1; empty where it is 1 everywhere
  std::vector<std::size_t> indices;  // of the samples in the data set
};

struct LoaderOptions {
  int width = 512, height = 512;  // of the canvas
  Fit fit = Fit::stretch;         // with Fit::area half of the batches take the canvas of their first picture's shape
  AugmentOptions augment;
  Normalisation normalisation;
  int batch = 4;
  bool shuffle = true;     // false: the order of the data set
  bool drop_last = false;  // leave a last short batch out
  int smallest_batch = 1;  // a last batch of fewer pictures joins the one before it, where there is one
  std::uint64_t seed = 0;
  std::size_t workers = 1;
  std::size_t ahead = 2;  // batches made before they are asked for
};

class Loader {
 public:
  using Batches = OrderedPrefetcher<Batch>;

  /// Keeps a reference to the data set. Throws Error for sizes or a batch below 1, and for an empty data set.
  Loader(const Dataset& dataset, const LoaderOptions& options);

  /// Batches of an epoch.
  std::size_t batches() const;
  /// Indices of the samples in the order of an epoch.
  std::vector<std::size_t> order(std::uint64_t epoch) const;
  /// The batches of an epoch from number `first` on, in order. The loader must outlive them.
  std::unique_ptr<Batches> epoch(std::uint64_t epoch, std::size_t first = 0) const;

 private:
  SampleSize sample_size(std::uint64_t epoch, std::size_t first_index, const Sample& first) const;
  Batch make_batch(std::uint64_t epoch, const std::vector<std::size_t>& indices) const;

  const Dataset& dataset_;
  LoaderOptions options_;
};

}  // namespace weft
