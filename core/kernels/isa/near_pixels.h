#pragma once
// Pixels of an image as a kernel wants them (core/kernels/pixel_source.h), made from what has been fetched into the
// caches already.
//
// Batch norm's passes (batch_norm.cpp) go pixel by pixel, in the order in which memory delivers fast, and load a
// channel's numbers again for each. Where caches deliver, those loads are most of the work. Here they serve four
// pixels; the arithmetic is the same.

#include "core/kernels/isa/limits.h"
#include "core/kernels/pixel_source.h"

namespace weft::kernels::WEFT_ISA {
namespace {

/// Calls body.template operator()<pixels>(part, first float, channel) for pixels, four at a time, and channels.
template <class Body>
WEFT_ALWAYS_INLINE void for_each_four_pixels(std::int64_t count, std::int64_t channels, Body&& body) {
  std::int64_t at = 0;
  for (; count >= 4; count -= 4, at += 4 * channels)
    for_each_vector(channels, [&](auto part, std::int64_t c) { body.template operator()<4>(part, at + c, c); });
  for (; count > 0; --count, at += channels)
    for_each_vector(channels, [&](auto part, std::int64_t c) { body.template operator()<1>(part, at + c, c); });
}

inline void make_normalised(const PixelSource& source, std::int64_t first, std::int64_t count, float* to) {
  const BatchNormBackward<float> b = source.norm;  // a store can't change a copy, as far as the compiler knows
  const Limits limits(b.clamp);
  const std::int64_t channels = source.channels;
  const float* x = b.x + first * channels;
  for_each_four_pixels(count, channels, [&]<int pixels>(auto part, std::int64_t at, std::int64_t c) {
    const Vec factor = part.load_from(b.factor + c), offset = part.load_from(b.offset + c);
    WEFT_UNROLL
    for (int p = 0; p < pixels; ++p, at += channels)
      part.store_to(to + at, clamp(part.load_from(x + at) * factor + offset, limits.low, limits.high));
  });
}

inline void make_gradient(const PixelSource& source, std::int64_t first, std::int64_t count, float* to) {
  const BatchNormBackward<float> b = source.norm;
  const std::int64_t channels = source.channels;
  const float *x = b.x + first * channels, *dz = b.dy + first * channels;
  const float *shifts = source.shift, *stretches = source.stretch;
  for_each_four_pixels(count, channels, [&]<int pixels>(auto part, std::int64_t at, std::int64_t c) {
    const Vec factor = part.load_from(b.factor + c), mean = part.load_from(b.mean + c),
              shift = part.load_from(shifts + c), stretch = part.load_from(stretches + c);
    WEFT_UNROLL
    for (int p = 0; p < pixels; ++p, at += channels)
      part.store_to(to + at, factor * part.load_from(dz + at) - shift - stretch * (part.load_from(x + at) - mean));
  });
}

/// The images in memory that pixels from `first` on are made from; the second is null where there is one.
struct SourcePixels {
  const float* images[2];

  SourcePixels(const PixelSource& source, std::int64_t first)
      : images{(source.kind == PixelSource::Kind::stored ? source.values : source.norm.x) + first * source.channels,
               source.kind == PixelSource::Kind::gradient ? source.norm.dy + first * source.channels : nullptr} {}
};

/// Where pixels [first, first + count) lie: in memory already, or in `room`, which has space for them.
inline const float* near_pixels(const PixelSource& source, std::int64_t first, std::int64_t count, float* room) {
  if (source.kind == PixelSource::Kind::stored) return source.values + first * source.channels;
  if (source.kind == PixelSource::Kind::normalised) {
    make_normalised(source, first, count, room);
  } else {
    make_gradient(source, first, count, room);
  }
  return room;
}

}  // namespace
}  // namespace weft::kernels::WEFT_ISA
