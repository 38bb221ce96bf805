#pragma once
// 3x3 convolution with stride 1 by Winograd's F(m x m, 3x3) with m = 4 or 6: each tile of m x m outputs costs
// (m + 2) x (m + 2) multiplications a channel pair instead of 9 m m (Lavin & Gray 2015, arXiv:1509.09308).
//
//   Y = A' [ (G g G') . (B' d B) ] A          d: tile of (m + 2) x (m + 2) inputs, g: 3x3 filter
//
// The input gradient is the same with the filters turned by 180 degrees. The weight gradient sums over tiles in the
// transformed domain: dg = G' [ sum of (A dY A') . (B' d B) ] G.
//
//        multiplications     error, relative to the output's range
//   m    for each output     (tests/core/kernels/test_conv_fast.cpp)    where
//   4    2.25                below 6e-6                                 everywhere
//   6    1.78                below 2e-5                                 few channels on one side: prefers_six
//
// Not exact on integers (docs/kernels.md). The loops are in core/kernels/isa/conv_winograd.cpp; specification and test:
// core/kernels/reference/conv2d.h.

#include <optional>

#include "core/kernels/conv.h"
#include "core/kernels/pixel_source.h"
#include "core/kernels/winograd_work.h"

namespace weft::kernels {

/// Whether tiles of six outputs an axis beat those of four for a layer with so many channels: at most 32 on one side
/// and 192 on the other. With more, their filters, 1.8 times as many, cost what their products save, or their error,
/// handed from layer to layer, makes that of a gradient several times PyTorch's own.
bool prefers_six(std::int64_t c_in, std::int64_t c_out);
/// `same_six` or `same`, as that says. Images that are added up in one output are convolved in one form, that of all
/// their channels: tiles of one output have one size.
WinogradForm same_form(std::int64_t c_in, std::int64_t c_out);

/// 3x3, stride 1, no dilation, one group, padding up to 2, and at least 8 channels on both sides.
bool conv_winograd_supports(const ConvProblem& p);
/// The same, where prefers_six().
bool conv_winograd_six_supports(const ConvProblem& p);

// For WinogradForm::same (m = 4) and same_six (m = 6).
template <WinogradForm form>
std::int64_t conv_winograd_packed_floats(const ConvProblem& p);
template <WinogradForm form>
void conv_winograd_pack(const ConvProblem& p, const float* w, float* packed);
template <WinogradForm form>
void conv_winograd_forward(const ConvProblem& p, const float* x, const float* packed,
                           const ConvEpilogue<float>& epilogue, float* y);
template <WinogradForm form>
void conv_winograd_input_gradient(const ConvProblem& p, const float* dy, const float* w,
                                  const ConvEpilogue<float>& epilogue, float* dx);
template <WinogradForm form>
void conv_winograd_weight_gradient(const ConvProblem& p, const float* x, const float* dy, float* dw);

/// The form of one of these algorithms, or nothing for any other.
std::optional<WinogradForm> conv_winograd_form(const ConvAlgorithm& algorithm);
/// Rows of outputs in a tile.
std::int64_t conv_winograd_tile(WinogradForm form);
/// Rows [row, row + rows) of y [rows, out_w, c_out], where p is of one image and `row` a multiple of the tile's, from
/// x's rows [x_row, x_row + x_rows) alone. They must be all that the outputs meet. No residual, no sums.
void conv_winograd_forward_rows(WinogradForm form, const ConvProblem& p, const float* x, std::int64_t x_row,
                                std::int64_t x_rows, const float* packed, const ConvEpilogue<float>& epilogue,
                                std::int64_t row, std::int64_t rows, float* y);

// The same for an x that is stored or normalised, not a gradient.
template <WinogradForm form>
void conv_winograd_forward_made(const ConvProblem& p, const PixelSource& x, const float* packed,
                                const ConvEpilogue<float>& epilogue, float* y);
template <WinogradForm form>
void conv_winograd_weight_gradient_made(const ConvProblem& p, const PixelSource& x, const float* dy, float* dw);

}  // namespace weft::kernels
