#pragma once
// What a decoder block of the U-Net begins with: nearest x2 upsampling, concatenation with a skip, a 3x3 convolution.
//
//   y = conv3x3(concat[up2(x), skip], w), padding 1        x [n, h, w, c_up], skip [n, 2h, 2w, c_skip]
//
// Neither the upsampled nor the joined tensor exists. The convolution is a sum over input channels, so it falls apart
// into one for x and one for the skip; they take turns on tiles of y. The skip's is Winograd's (conv_winograd.h). The
// upsampled one reads x itself: only 3 x 3 pixels of it meet an output, and minimal filtering needs 25 products for a
// tile of 4x4 outputs, where a direct way needs 144 and Winograd's on the upsampled picture 36; with few channels tiles
// are of 6x6, or of 8x8 where there is no skip (core/kernels/isa/winograd_forms.h). Specification and test: upsampling,
// concatenation and convolution one by one.

#include "core/kernels/conv.h"

namespace weft::kernels {

struct UpsampleConvProblem {
  std::int64_t n = 1, h = 1, w = 1;  // of x; y and skip are 2h x 2w
  std::int64_t c_up = 1, c_skip = 0, c_out = 1;

  /// The convolution that follows the concatenation.
  ConvProblem joined() const;
  /// The problem without a skip whose joined() that is; its height and width are even.
  static UpsampleConvProblem of_joined(const ConvProblem& joined);
};

/// True where this is the way to do it: where the joined convolution would be Winograd's.
bool upsample_conv_is_preferred(const UpsampleConvProblem& p);

/// Filters [c_out, c_up + c_skip, 3, 3] in the order that forward reads them.
std::int64_t upsample_conv_packed_floats(const UpsampleConvProblem& p);
void upsample_conv_pack(const UpsampleConvProblem& p, const float* w, float* packed);
/// `skip` may be null where c_skip is 0.
void upsample_conv_forward(const UpsampleConvProblem& p, const float* x, const float* skip, const float* packed,
                           const ConvEpilogue<float>& epilogue, float* y);
/// Rows of outputs in a tile.
std::int64_t upsample_conv_tile(const UpsampleConvProblem& p);
/// Rows [row, row + rows) of y [rows, 2w, c_out], where p is of one image and without a skip, and `row` a multiple of
/// the tile's. No residual, no sums.
void upsample_conv_forward_rows(const UpsampleConvProblem& p, const float* x, const float* packed,
                                const ConvEpilogue<float>& epilogue, std::int64_t row, std::int64_t rows, float* y);
void upsample_conv_input_gradient(const UpsampleConvProblem& p, const float* dy, const float* w,
                                  const ConvEpilogue<float>& epilogue, float* dx);
void upsample_conv_skip_gradient(const UpsampleConvProblem& p, const float* dy, const float* w,
                                 const ConvEpilogue<float>& epilogue, float* dskip);
void upsample_conv_weight_gradient(const UpsampleConvProblem& p, const float* x, const float* skip, const float* dy,
                                   float* dw);

}  // namespace weft::kernels
