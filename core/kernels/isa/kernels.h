#pragma once
// What the files of core/kernels/isa define; IsaKernels says what each does.

#include "core/kernels/isa/functions.h"

namespace weft::kernels::WEFT_ISA {

void pack_taps(const TapGrid& grid, const float* w, float* packed);
void conv_taps(const TapGrid& grid, const float* source, const float* packed, const ConvEpilogue<float>& epilogue,
               const float* zeros, float* out);
std::int64_t conv_weight_gradient_scratch(const ConvProblem& p);
void conv_weight_gradient(const ConvProblem& p, const float* x, const float* dy, float* scratch, float* dw);
std::int64_t winograd_tile(WinogradForm form);
std::int64_t winograd_packed_floats(WinogradForm form, std::int64_t c, std::int64_t out_c);
void winograd_pack(WinogradForm form, std::int64_t c, std::int64_t out_c, const WinogradFilters& filters,
                   float* packed);
std::int64_t winograd_scratch(const WinogradWork& work);
void winograd_convolve(const WinogradWork& work, const ConvEpilogue<float>& epilogue, float* scratch, float* out);
std::int64_t winograd_weight_gradient_scratch(const WinogradSource& source, const WinogradWork& work);
void winograd_weight_gradient(const WinogradSource& source, const WinogradWork& work, const float* dy, float* scratch,
                              const WinogradGradients& dw);
std::int64_t stem_packed_floats(const ConvProblem& p);
void stem_pack(const ConvProblem& p, const float* w, float* packed);
void stem_forward(const ConvProblem& p, const float* x, const float* packed, const ConvEpilogue<float>& epilogue,
                  float* y);
std::int64_t stem_weight_gradient_scratch(const ConvProblem& p);
void stem_weight_gradient(const ConvProblem& p, const float* x, const float* dy, float* scratch, float* dw);
void depthwise_taps(const TapGrid* phases, std::int64_t count, const float* source, const float* w,
                    const ConvEpilogue<float>& epilogue, float* packed, float* out);
void depthwise_forward(const TapGrid& grid, const PixelSource& x, const float* w, const ConvEpilogue<float>& epilogue,
                       float* packed, float* y);
std::int64_t depthwise_weight_gradient_scratch(const TapGrid& grid);
void depthwise_weight_gradient(const TapGrid& grid, const float* x, const float* dy, float* scratch, float* dw);
std::int64_t pointwise_scratch(const PointwiseProblem& p);
void pointwise_forward(const PointwiseProblem& p, const PixelSource& x, const float* w,
                       const ConvEpilogue<float>& epilogue, float* scratch, float* y);
void pointwise_backward(const PointwiseProblem& p, const PixelSource& x, const PixelSource& dy, const float* w,
                        const ConvEpilogue<float>& epilogue, float* scratch, float* dx, float* dw);
std::int64_t depthwise_backward_scratch(const ConvProblem& p);
void depthwise_backward(const ConvProblem& p, const PixelSource& x, const PixelSource& dy, const float* w,
                        float* scratch, float* dx, OutputSums* sums, float* dw);
std::int64_t inverted_residual_packed_floats(const InvertedResidualProblem& p);
void inverted_residual_pack(const InvertedResidualProblem& p, const InvertedResidualWeights& weights, float* packed);
std::int64_t inverted_residual_scratch(const InvertedResidualProblem& p);
void inverted_residual(const InvertedResidualProblem& p, const float* x, const float* packed, float* scratch, float* y);

std::int64_t multiply_adds_in_registers(std::int64_t rounds);

void column_deviations(const float* x, std::int64_t rows, std::int64_t channels, float* centre, float* sums,
                       float* squares);
void scale_shift_rows(const float* x, const float* residual, std::int64_t rows, std::int64_t channels,
                      const float* factor, const float* offset, Clamp clamp, bool past_caches, float* y);
void column_gradients(const BatchNormBackward<float>& b, float* sum_dz, float* sum_dz_d, float* dz);
void batch_norm_gradient_rows(const BatchNormBackward<float>& b, const float* shift, const float* stretch, float* dx);

void max_pool_row(const Pool2d& p, const float* x, std::int64_t out_row, float* y, std::uint8_t* positions);
void max_pool_gradient_rows(const Pool2d& p, const float* dy, const std::uint8_t* positions, const float* before,
                            std::int64_t begin, std::int64_t end, const PartSums& sums, std::int64_t part, float* dx);

void sigmoid(const float* z, std::int64_t count, float* p);
void softplus_tail(const float* z, std::int64_t count, float* tail);

}  // namespace weft::kernels::WEFT_ISA
