#pragma once
// What the files of core/kernels/isa define; IsaKernels says what each does.

#include "core/kernels/isa/functions.h"

namespace weft::kernels::WEFT_ISA {

void conv_taps(const TapGrid& grid, const float* source, const float* w, const ConvEpilogue<float>& epilogue, const float* zeros, float* packed,
               float* out);
std::int64_t conv_weight_gradient_scratch(const ConvProblem& p);
void conv_weight_gradient(const ConvProblem& p, const float* x, const float* dy, float* scratch, float* dw);
void depthwise_taps(const TapGrid& grid, const float* source, const float* w, const ConvEpilogue<float>& epilogue, float* packed, float* out);
std::int64_t depthwise_weight_gradient_scratch(const TapGrid& grid);
void depthwise_weight_gradient(const TapGrid& grid, const float* x, const float* dy, float* scratch, float* dw);

}  // namespace weft::kernels::WEFT_ISA
