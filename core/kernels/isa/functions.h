#pragma once
// The kernels that exist once per instruction set. core/kernels/isa/table.cpp fills one of these tables for each.

#include <cstdint>

#include "core/kernels/batch_norm_backward.h"
#include "core/kernels/conv.h"
#include "core/kernels/inverted_residual.h"
#include "core/kernels/isa/tap_grid.h"
#include "core/kernels/pointwise.h"
#include "core/kernels/pixel_source.h"
#include "core/kernels/pool2d.h"
#include "core/kernels/winograd_work.h"

namespace weft::kernels {

struct IsaKernels {
  const char* name;
  /// W in the order that conv_taps reads it, which depends on channels and taps alone. `packed` has room for
  /// source_c * tap_count * round_up(out_c, 16) floats.
  void (*pack_taps)(const TapGrid& grid, const float* w, float* packed);
  /// out[grid] = epilogue(sum over taps); `zeros` is source_c zeros.
  void (*conv_taps)(const TapGrid& grid, const float* source, const float* packed, const ConvEpilogue<float>& epilogue,
                    const float* zeros, float* out);
  /// dw of a convolution with one group and at least one output pixel; `scratch` has as many floats as the first says.
  std::int64_t (*conv_weight_gradient_scratch)(const ConvProblem& p);
  void (*conv_weight_gradient)(const ConvProblem& p, const float* x, const float* dy, float* scratch, float* dw);
  /// Minimal filtering. Outputs of a tile along an axis; a source's packed filters: floats, and the filling of them.
  std::int64_t (*winograd_tile)(WinogradForm form);
  std::int64_t (*winograd_packed_floats)(WinogradForm form, std::int64_t c, std::int64_t out_c);
  void (*winograd_pack)(WinogradForm form, std::int64_t c, std::int64_t out_c, const WinogradFilters& filters,
                        float* packed);
  /// out = epilogue(sum over sources); `scratch` has as many floats as the first says.
  std::int64_t (*winograd_scratch)(const WinogradWork& work);
  void (*winograd_convolve)(const WinogradWork& work, const ConvEpilogue<float>& epilogue, float* scratch, float* out);
  /// dw of one source (`same`, `upsampled`, their forms of six, or `strided`) of a convolution of this shape; its
  /// filters are not read.
  std::int64_t (*winograd_weight_gradient_scratch)(const WinogradSource& source, const WinogradWork& work);
  void (*winograd_weight_gradient)(const WinogradSource& source, const WinogradWork& work, const float* dy,
                                   float* scratch, const WinogradGradients& dw);
  /// The stem, what conv_stem_supports: its packed filters, y = epilogue(sums), and dw, whose `scratch` has as many
  /// floats as the function before says.
  std::int64_t (*stem_packed_floats)(const ConvProblem& p);
  void (*stem_pack)(const ConvProblem& p, const float* w, float* packed);
  void (*stem_forward)(const ConvProblem& p, const float* x, const float* packed, const ConvEpilogue<float>& epilogue,
                       float* y);
  std::int64_t (*stem_weight_gradient_scratch)(const ConvProblem& p);
  void (*stem_weight_gradient)(const ConvProblem& p, const float* x, const float* dy, float* scratch, float* dw);
  /// What conv_taps computes, for all phases of an image, with one filter per channel, W_tap being diagonal. `packed`:
  /// round_up(out_c, 16) floats for each tap of each phase.
  void (*depthwise_taps)(const TapGrid* phases, std::int64_t count, const float* source, const float* w,
                         const ConvEpilogue<float>& epilogue, float* packed, float* out);
  /// The same for a depthwise convolution's forward grid and an image that is made as it is read.
  void (*depthwise_forward)(const TapGrid& grid, const PixelSource& x, const float* w,
                            const ConvEpilogue<float>& epilogue, float* packed, float* y);
  /// dw of the depthwise convolution whose forward grid is `grid`.
  std::int64_t (*depthwise_weight_gradient_scratch)(const TapGrid& grid);
  void (*depthwise_weight_gradient)(const TapGrid& grid, const float* x, const float* dy, float* scratch, float* dw);
  /// core/kernels/pointwise.h says what these do; `scratch` has as many floats as the first says.
  std::int64_t (*pointwise_scratch)(const PointwiseProblem& p);
  void (*pointwise_forward)(const PointwiseProblem& p, const PixelSource& x, const float* w,
                            const ConvEpilogue<float>& epilogue, float* scratch, float* y);
  void (*pointwise_backward)(const PointwiseProblem& p, const PixelSource& x, const PixelSource& dy, const float* w,
                             const ConvEpilogue<float>& epilogue, float* scratch, float* dx, float* dw);
  /// dx, dw and sums over dx of what conv_depthwise_backward_supports; `scratch` has as many floats as the first says.
  std::int64_t (*depthwise_backward_scratch)(const ConvProblem& p);
  void (*depthwise_backward)(const ConvProblem& p, const PixelSource& x, const PixelSource& dy, const float* w,
                             float* scratch, float* dx, OutputSums* sums, float* dw);
  /// core/kernels/inverted_residual.h says what these do.
  std::int64_t (*inverted_residual_packed_floats)(const InvertedResidualProblem& p);
  void (*inverted_residual_pack)(const InvertedResidualProblem& p, const InvertedResidualWeights& weights,
                                 float* packed);
  std::int64_t (*inverted_residual_scratch)(const InvertedResidualProblem& p);
  void (*inverted_residual)(const InvertedResidualProblem& p, const float* x, const float* packed, float* scratch,
                            float* y);

  /// Multiply-adds in registers alone, `rounds` times on each of as many registers as hide their latency: the
  /// processor's peak. Returns how many there were.
  std::int64_t (*multiply_adds_in_registers)(std::int64_t rounds);

  // Passes of batch normalisation over some rows, on one thread. Per-channel arrays have `channels` floats.
  /// centre, the mean of the first rows, and the sums of x - centre and of its square.
  void (*column_deviations)(const float* x, std::int64_t rows, std::int64_t channels, float* centre, float* sums,
                            float* squares);
  /// y = act(x factor + offset + residual); residual may be null. `past_caches`: y is stored without being fetched.
  void (*scale_shift_rows)(const float* x, const float* residual, std::int64_t rows, std::int64_t channels,
                           const float* factor, const float* offset, Clamp clamp, bool past_caches, float* y);
  /// Sums of dz and of dz (x - mean); also dz itself, where it is not null. It may be dy.
  void (*column_gradients)(const BatchNormBackward<float>& b, float* sum_dz, float* sum_dz_d, float* dz);
  /// dx = factor dz - shift - stretch (x - mean); it may be dy.
  void (*batch_norm_gradient_rows)(const BatchNormBackward<float>& b, const float* shift, const float* stretch,
                                   float* dx);

  // Max pooling (core/kernels/reference/pooling.h): row `out_row` of y and, where not null, of positions; rows [begin,
  // end) of dx, to which `before` is added, where it is not null, and over which the sums of part `part` are taken.
  void (*max_pool_row)(const Pool2d& p, const float* x, std::int64_t out_row, float* y, std::uint8_t* positions);
  void (*max_pool_gradient_rows)(const Pool2d& p, const float* dy, const std::uint8_t* positions, const float* before,
                                 std::int64_t begin, std::int64_t end, const PartSums& sums, std::int64_t part,
                                 float* dx);

  // core/kernels/reference/sigmoid.h defines both.
  void (*sigmoid)(const float* z, std::int64_t count, float* p);
  void (*softplus_tail)(const float* z, std::int64_t count, float* tail);
};

}  // namespace weft::kernels
