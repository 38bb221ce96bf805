#pragma once
// A convolution, or the gradient of its input, as one kind of work: a grid of pixels to compute, and for each pixel a
// list of taps. A tap is a shift to a source pixel and the matrix of weights that meets it:
//
//   out[pixel(i, j), :] = sum over taps of  source[i step_h + tap.row, j step_w + tap.col, :] W_tap
//
// Source pixels outside the image count as zero. See docs/kernels.md.

#include <cstdint>

namespace weft::kernels {

struct Tap {
  std::int64_t row, col;  // shift in the source
  std::int64_t weight;    // where the tap's matrix starts in w
};

struct TapGrid {
  std::int64_t images;
  std::int64_t source_h, source_w, source_c;
  std::int64_t step_h, step_w;              // source pixels per grid pixel
  std::int64_t grid_h, grid_w;              // pixels to compute, in each image
  std::int64_t out_h, out_w, out_c;         // the image they lie in:
  std::int64_t out_row, out_col;            //   the first one's place
  std::int64_t out_step_h, out_step_w;      //   and the distance between them
  std::int64_t weight_step_k, weight_step_n;  // W_tap[k, n] = w[tap.weight + k weight_step_k + n weight_step_n]
  const Tap* taps;
  std::int64_t tap_count;
};

}  // namespace weft::kernels
