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
  const Limits limits(b.activation);
  const std::int64_t channels = source.channels;
  const float* x = b.x + first * channels;
  for_each_four_pixels(count, channels, [&]<int pixels>(auto part, std::int64_t at, std::int64_t c) {
    const Vec factor = part.load_from(b.factor + c), offset = part.load_from(b.offset + c);
    WEFT_UNROLL
    for (int p = 0; p < pixels; ++p, at += channels)
      part.store_to(to + at, clamp(part.load_from(x + at) * factor + offset, limits.low, limits.high));
  });
}

/// `has_y`: the slope is told from a y in memory. Without an activation the limits are infinite: all finite y pass.
template <bool has_y>
void make_gradient(const PixelSource& source, std::int64_t first, std::int64_t count, float* to) {
  const BatchNormBackward<float> b = source.norm;
  const Limits limits(b.activation);
  const std::int64_t channels = source.channels, start = first * channels;
  const float *x = b.x + start, *dy = b.dy + start, *stored_y = has_y ? b.y + start : nullptr;
  const float *shifts = source.shift, *stretches = source.stretch;
  for_each_four_pixels(count, channels, [&]<int pixels>(auto part, std::int64_t at, std::int64_t c) {
    const Vec factor = part.load_from(b.factor + c), offset = part.load_from(b.offset + c),
              mean = part.load_from(b.mean + c), shift = part.load_from(shifts + c),
              stretch = part.load_from(stretches + c);
    WEFT_UNROLL
    for (int p = 0; p < pixels; ++p, at += channels) {
      const Vec value = part.load_from(x + at), g = part.load_from(dy + at);
      const Vec y = has_y ? part.load_from(stored_y + at) : value * factor + offset;
      const Vec dz = (y > limits.low) & (y < limits.high) ? g : Vec{};
      part.store_to(to + at, factor * dz - shift - stretch * (value - mean));
    }
  });
}

/// Where pixels [first, first + count) lie: in memory already, or in `room`, which has space for them.
inline const float* near_pixels(const PixelSource& source, std::int64_t first, std::int64_t count, float* room) {
  if (source.kind == PixelSource::Kind::stored) return source.values + first * source.channels;
  if (source.kind == PixelSource::Kind::normalised) {
    make_normalised(source, first, count, room);
  } else if (source.norm.y != nullptr) {
    make_gradient<true>(source, first, count, room);
  } else {
    make_gradient<false>(source, first, count, room);
  }
  return room;
}

}  // namespace
}  // namespace weft::kernels::WEFT_ISA
