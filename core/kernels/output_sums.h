#pragma once
// What batch normalisation sums up over an image that is being stored, taken from the registers that it is stored from:
// no pass over memory, and the image may be stored past the caches.
//
// A kernel cuts the image's pixels into parts, from the shape alone, so that the bits don't depend on who computes
// which. Parts are joined in order, in double.

#include <cstdint>
#include <optional>
#include <vector>

#include "core/allocator.h"
#include "core/kernels/batch_norm_backward.h"
#include "core/kernels/joined_rows.h"

namespace weft::kernels {

/// Where a kernel puts a part's sums: arrays of [part][stride] floats each. Vectors may be stored whole, so the padding
/// is overwritten.
struct PartSums {
  std::int64_t* pixels;  // [part]
  float *centres, *sums, *products;
  std::int64_t stride;  // channels, rounded up to 16
  /// Where its x is null, the statistics of the image are wanted; else the image is dy, and the sums for dgamma and
  /// dbeta are, and dz is to be stored in dy's place. Per-channel arrays have `stride` floats.
  BatchNormBackward<float> gradient;
};

class OutputSums {
 public:
  /// For a kernel, before it stores anything: room for the sums of so many parts.
  PartSums begin(std::int64_t parts);
  /// True where a kernel has begun. Not all do; then it takes a pass.
  bool are_taken() const { return parts_ > 0; }

 protected:
  explicit OutputSums(std::int64_t channels);
  ~OutputSums() = default;

  const std::int64_t channels_, stride_;
  BatchNormBackward<float> gradient_ = {};
  std::int64_t parts_ = 0;
  std::vector<std::int64_t> pixels_;
  std::optional<ScratchBuffer> sums_;  // centres, sums and products: [part][stride] each

  const float* sums() const { return sums_->as<float>(); }
};

/// Statistics. For each part and channel a kernel notes
///
///   c = the value at the part's first pixel        s = sum of y - c        q = sum of (y - c)^2
///
/// Any c would do that is near the mean. This one is off by a standard deviation as a rule, which costs a bit. At most
/// it costs digits like 1 + n, for a part of n pixels (up to some thousands) whose variance is all in the first of
/// them; var is good to 1e-3 then.
class OutputStatistics final : public OutputSums {
 public:
  explicit OutputStatistics(std::int64_t channels) : OutputSums(channels) {}
  /// Once all is stored: mean and biased variance [channels].
  void result(float* mean, float* var) const;
};

/// Sums over the dy that is being stored, for the gradients of batch_norm.h's y = act(x factor + offset + r): of
/// dz = dy act'(y) and of dz (x - mean), for each part and channel. A kernel that takes them stores dz instead of dy.
class GradientSums final : public OutputSums {
 public:
  /// What `b` points to must live until the result is there; its dy is not read.
  explicit GradientSums(const BatchNormBackward<float>& b);
  /// Once all is stored: dgamma and dbeta [channels].
  void result(float* dgamma, float* dbeta) const;

 private:
  const float* inv_std_;
  const PerChannel numbers_;  // mean, factor and offset, padded as `stride` is
};

}  // namespace weft::kernels
