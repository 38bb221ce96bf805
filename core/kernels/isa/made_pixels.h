#pragma once
// Pixels of an image as a kernel wants them (core/kernels/pixel_source.h).

#include "core/kernels/isa/kernels.h"
#include "core/kernels/pixel_source.h"

namespace weft::kernels::WEFT_ISA {
namespace {

/// Where pixels [first, first + count) lie: in memory already, or in `room`, which has space for them.
inline const float* made_pixels(const PixelSource& source, std::int64_t first, std::int64_t count, float* room) {
  const std::int64_t at = first * source.channels;
  if (source.kind == PixelSource::Kind::stored) return source.values + at;
  BatchNormBackward<float> rows = source.norm;
  rows.rows = count;
  rows.channels = source.channels;
  rows.x += at;
  if (source.kind == PixelSource::Kind::normalised) {
    scale_shift_rows(rows.x, nullptr, count, source.channels, rows.factor, rows.offset, rows.activation, false, room);
  } else {
    rows.dy += at;
    if (rows.y != nullptr) rows.y += at;
    batch_norm_gradient_rows(rows, source.shift, source.stretch, room);
  }
  return room;
}

}  // namespace
}  // namespace weft::kernels::WEFT_ISA
