#pragma once
// A 3x3 convolution of two images side by side, without the joined image:
//
//   y = conv3x3(concat[a, b], w)        a [n, h, w, c_first], b [n, h, w, c_in - c_first]
//
// A convolution is a sum over input channels, so it falls apart into one for a and one for b. Both are Winograd's
// (conv_winograd.h), and they take turns on the tiles of y. Specification and test: concatenation and convolution.

#include "core/kernels/conv.h"

namespace weft::kernels {

struct JoinedConvProblem {
  ConvProblem conv;  // of the joined image
  std::int64_t c_first = 1;

  std::int64_t c_second() const { return conv.c_in - c_first; }
};

/// True where this is the way to do it: where the joined convolution would be Winograd's.
bool joined_conv_is_preferred(const JoinedConvProblem& p);

/// Filters [c_out, c_in, 3, 3] in the order that forward reads them.
std::int64_t joined_conv_packed_floats(const JoinedConvProblem& p);
void joined_conv_pack(const JoinedConvProblem& p, const float* w, float* packed);
void joined_conv_forward(const JoinedConvProblem& p, const float* a, const float* b, const float* packed,
                         const ConvEpilogue<float>& epilogue, float* y);

}  // namespace weft::kernels
