#pragma once
// Convolution and both gradients as implicit matrix products: no column matrix is built. docs/kernels.md explains how;
// core/kernels/isa/conv_igemm.cpp and conv_weight_gradient.cpp hold the loops.

#include "core/kernels/conv.h"

namespace weft::kernels {

/// True for one group.
bool conv_igemm_supports(const ConvProblem& p);
std::int64_t conv_igemm_packed_floats(const ConvProblem& p);
void conv_igemm_pack(const ConvProblem& p, const float* w, float* packed);
void conv_igemm_forward(const ConvProblem& p, const float* x, const float* packed, const ConvEpilogue<float>& epilogue,
                        float* y);
/// Rows [row, row + rows) of y [rows, out_w, c_out], where p is of one image, from its rows [x_row, x_row + x_rows)
/// alone, x. They must be all that the outputs meet. No residual, no sums.
void conv_igemm_forward_rows(const ConvProblem& p, const float* x, std::int64_t x_row, std::int64_t x_rows,
                             const float* packed, const ConvEpilogue<float>& epilogue, std::int64_t row,
                             std::int64_t rows, float* y);
void conv_igemm_input_gradient(const ConvProblem& p, const float* dy, const float* w,
                               const ConvEpilogue<float>& epilogue, float* dx);
void conv_igemm_weight_gradient(const ConvProblem& p, const float* x, const float* dy, float* dw);

}  // namespace weft::kernels
