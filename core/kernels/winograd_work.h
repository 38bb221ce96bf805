#pragma once
// What a convolution by minimal filtering consists of; core/kernels/isa/winograd_forms.h has the mathematics.

#include <cstdint>

#include "core/kernels/clamp.h"

namespace weft::kernels {

/// Linear maps that a 3x3 filter g makes of an image d, each with a way to compute it from fewer products.
enum class WinogradForm {
  same,            // y = g * d, stride 1
  same_six,        // the same from fewer products with more filters
  upsampled,       // y = g * (d upsampled x2, nearest), padding 1
  upsampled_six,   // the same from fewer products with more filters; its tiles are as large as those of same_six
  upsampled_wide,  // the same from still fewer products with still more filters
  pooled,          // the adjoint of `upsampled`: y at half of d's resolution
  pooled_six,      // the same from fewer products with more filters
  strided,         // y = g * d, stride 2, padding 1
  spread,          // the adjoint of `strided`: y at twice d's resolution
};

/// 3x3 filters in some larger array: g[n, k, u, v] = w[n step_n + k step_k + 3 u + v], turned by 180 degrees where
/// is_turned says so. n counts output channels, k input channels.
struct WinogradFilters {
  const float* w;
  std::int64_t step_n, step_k;
  bool is_turned;
};

/// Where the gradient of such filters goes: dg[n, k, u, v] to dw[n step_n + 9 k + 3 u + v].
struct WinogradGradients {
  float* dw;
  std::int64_t step_n;
};

/// What becomes of an image's pixels as they are read: act(x factor + offset), or nothing where factor is null.
struct WinogradNorm {
  const float *factor = nullptr, *offset = nullptr;  // [c]
  Clamp clamp = no_clamp;
};

/// One input image; an output is the sum of what its sources make of it.
struct WinogradSource {
  WinogradForm form;
  const float* data;  // [images, h, w, c]
  std::int64_t h, w, c;
  std::int64_t
      padding;  // zeros above and to the left: 0 to 2 for `same` and `same_six`, 0 for `spread`, 1 for the others
  const float* packed;         // its filters, transformed by winograd_pack
  WinogradNorm norm = {};      // the zeros around the image stay zeros
  std::int64_t first_row = 0;  // of the image: where the outputs' first row lies, for those of some rows alone
};

/// A whole convolution. All sources have output tiles of one size: `same` and `upsampled` may meet, and so may
/// `same_six` and `upsampled_six`.
struct WinogradWork {
  std::int64_t images, out_h, out_w, out_c;
  const WinogradSource* sources;
  std::int64_t source_count;  // 1 or 2
};

}  // namespace weft::kernels
