#pragma once
// Sums over what is being stored, taken from registers (core/kernels/output_sums.h).

#include "core/kernels/isa/limits.h"
#include "core/kernels/isa/vec.h"
#include "core/kernels/output_sums.h"

namespace weft::kernels::WEFT_ISA {
namespace {

/// The sums that are wanted, in so many parts; null where nobody has asked.
WEFT_ALWAYS_INLINE PartSums begin_sums(OutputSums* sums, std::int64_t parts) {
  return sums != nullptr ? sums->begin(parts) : PartSums{};
}

/// The sums of one part's channels from some channel on; null where nobody has asked.
struct StoreSums {
  float *centres = nullptr, *sums = nullptr, *products = nullptr;
  bool is_first = true;  // nothing of the part has been stored yet
  /// For gradients. x and y lie there as what is stored does: at the same distance from the image's first number. y is
  /// null where x tells it.
  const float *x = nullptr, *y = nullptr, *mean = nullptr, *factor = nullptr, *offset = nullptr;
  float low = 0, high = 0;

  WEFT_ALWAYS_INLINE bool are_wanted() const { return sums != nullptr; }
  WEFT_ALWAYS_INLINE bool are_of_gradient() const { return x != nullptr; }
};

/// For channels from `channel` on.
WEFT_ALWAYS_INLINE StoreSums sums_of_part(const PartSums& all, std::int64_t part, std::int64_t channel, bool is_first) {
  if (all.sums == nullptr) return {};
  const std::int64_t at = part * all.stride + channel;
  StoreSums s = {all.centres + at, all.sums + at, all.products + at, is_first};
  if (const BatchNormBackward<float>& b = all.gradient; b.x != nullptr) {
    s.x = b.x + channel, s.y = b.y != nullptr ? b.y + channel : nullptr, s.mean = b.mean + channel;
    s.factor = b.factor + channel, s.offset = b.offset + channel;
    s.low = b.clamp.lower, s.high = b.clamp.upper;
  }
  return s;
}

/// Adds one vector of channels' sums over some pixels to those of the part: a sum of sums rounds less.
WEFT_ALWAYS_INLINE void add_to_part(const StoreSums& part, std::int64_t c, Vec sum, Vec product) {
  if (!part.is_first) {
    sum += load(part.sums + c);
    product += load(part.products + c);
  }
  store(part.sums + c, sum);
  store(part.products + c, product);
}

/// The statistics of a vector of channels, while some of its values are stored.
struct VectorStatistics {
  Vec centre, sum = {}, square = {};

  /// `first`: the first of them.
  WEFT_ALWAYS_INLINE VectorStatistics(const StoreSums& part, std::int64_t c, Vec first)
      : centre(part.centres == nullptr || part.is_first ? first : load(part.centres + c)) {}

  WEFT_ALWAYS_INLINE void add(Vec y) {
    const Vec d = y - centre;
    sum += d;
    square += d * d;
  }

  WEFT_ALWAYS_INLINE void add_to(const StoreSums& part, std::int64_t c) const {
    if (part.is_first) store(part.centres + c, centre);
    add_to_part(part, c, sum, square);
  }
};

/// The same with dz = dy act'(y), which is to be stored, and dz (x - mean); y = x factor + offset where there is no
/// image of it. Without an activation the limits are infinite: all finite y pass.
struct VectorGradientSums {
  bool has_y;
  Vec mean, factor, offset, low, high, sum = {}, product = {};

  WEFT_ALWAYS_INLINE VectorGradientSums(const StoreSums& part, std::int64_t c)
      : has_y(part.y != nullptr),
        mean(part.are_of_gradient() ? load(part.mean + c) : Vec{}),
        factor(part.are_of_gradient() ? load(part.factor + c) : Vec{}),
        offset(part.are_of_gradient() ? load(part.offset + c) : Vec{}),
        low(broadcast(part.low)),
        high(broadcast(part.high)) {}

  /// dz; load_y() is asked for y where it has an image.
  template <class LoadY>
  WEFT_ALWAYS_INLINE Vec add(Vec dy, Vec x, LoadY&& load_y) {
    const Vec y = has_y ? load_y() : x * factor + offset;
    const Vec dz = (y > low) & (y < high) ? dy : Vec{};
    sum += dz;
    product += dz * (x - mean);
    return dz;
  }

  WEFT_ALWAYS_INLINE void add_to(const StoreSums& part, std::int64_t c) const { add_to_part(part, c, sum, product); }
};

/// Takes the statistics of `count` pixels' values at one vector of channels.
template <int count>
WEFT_ALWAYS_INLINE void take_statistics(const StoreSums& part, std::int64_t c, const Vec (&values)[count]) {
  VectorStatistics sums(part, c, values[0]);
  WEFT_UNROLL
  for (int i = 0; i < count; ++i) sums.add(values[i]);
  sums.add_to(part, c);
}

/// Takes the sums that are wanted; load_from(image, i) is pixel i of x or y. Of a gradient, dy becomes dz.
template <int count, class LoadFrom>
WEFT_ALWAYS_INLINE void take_sums(const StoreSums& part, std::int64_t c, Vec (&values)[count], LoadFrom&& load_from) {
  if (part.are_of_gradient()) {
    VectorGradientSums sums(part, c);
    WEFT_UNROLL
    for (int i = 0; i < count; ++i)
      values[i] = sums.add(values[i], load_from(part.x, i), [&] { return load_from(part.y, i); });
    sums.add_to(part, c);
  } else {
    take_statistics(part, c, values);
  }
}

}  // namespace
}  // namespace weft::kernels::WEFT_ISA
