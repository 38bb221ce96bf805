#pragma once
// 3x3 convolutions of a picture that follow each other, in one pass: the end of a segmentation network.
//
//   h1 = act1(conv(x, w1) + b1)      h2 = act2(conv(h1, w2) + b2)      ...      y = act(conv(h, w) + b)
//
// The first may be of x upsampled by two (conv_upsample.h); the last has few channels, as a head has. At full
// resolution, with 16 channels, each h has 17 MB, written to memory and read again for a few products a number. Here a
// thread walks down a run of rows. Each convolution makes its next row of tiles when the one behind it needs it, into a
// buffer of some rows that stays in the thread's caches (with 16 channels and 512 pixels a row, 1.1 MB). Where two runs
// meet, both make the rows between them.
//
// The sums are those of the convolutions one after another, to the bit; that is the specification and the test.

#include <span>

#include "core/kernels/conv.h"

namespace weft::kernels {

/// One of them. `packed` are its filters as its algorithm packs them.
struct ConvStep {
  const ConvAlgorithm* algorithm;  // null: convolves x upsampled, packed by upsample_conv_pack
  ConvProblem problem;             // then of the upsampled picture
  const float* packed;
  const float* bias;  // [c_out], or null
  Clamp clamp;
};

/// True where they can run so: two or more, all with stride 1 and padding 1, by Winograd's algorithm or, in the first
/// place, upsampling, and the last by the implicit product, in images of 48 rows or more.
bool conv_chain_fits(std::span<const ConvStep> steps);
/// True where that is also worth it. Where threads share an image: only two of them, none upsampling, and 192 rows or
/// more for each thread.
bool conv_chain_supports(std::span<const ConvStep> steps);
/// x is the first step's, y the last one's. Only where conv_chain_supports.
void conv_chain_forward(std::span<const ConvStep> steps, const float* x, float* y);

}  // namespace weft::kernels
