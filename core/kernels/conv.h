#pragma once
// 2D convolution (cross-correlation, as deep learning means it) on raw pointers, and the list of ways to do it.
//
//   y[n, i, j, o] = act( b[o] + r[n, i, j, o] + sum over u, v, c of
//                        w[o, c, u, v] x[n, i s_h - p_h + u d_h, j s_w - p_w + v d_w, c] )        x = 0 outside
//
// Images are NHWC and contiguous, weights OIHW [c_out, c_in / groups, kernel_h, kernel_w]. Every function overwrites
// its whole output. Gradients are those of the sum alone: the caller undoes the activation first.
//
// Where x went elsewhere too, its gradient is a sum, and the residual of the input gradient's epilogue is what is there
// so far, to be added in the same pass.
//
// A transposed convolution needs nothing of its own: it is input_gradient of the problem whose x is its output.

#include <cstdint>
#include <span>

#include "core/kernels/clamp.h"
#include "core/kernels/output_sums.h"
#include "core/kernels/pixel_source.h"

namespace weft::kernels {

/// The shape of a convolution. stride_h is the formula's s_h, padding_h its p_h, dilation_h its d_h.
struct ConvProblem {
  std::int64_t n = 1, h = 1, w = 1, c_in = 1, c_out = 1;
  std::int64_t kernel_h = 1, kernel_w = 1;
  std::int64_t stride_h = 1, stride_w = 1;
  std::int64_t padding_h = 0, padding_w = 0;  // zeros on each side
  std::int64_t dilation_h = 1, dilation_w = 1;
  std::int64_t groups = 1;

  // Not inline: objects of several instruction sets include this header (see isa.h).
  /// floor((h + 2 padding_h - dilation_h (kernel_h - 1) - 1) / stride_h) + 1; 0 where the kernel does not fit.
  std::int64_t out_h() const;
  std::int64_t out_w() const;
  std::int64_t input_count() const;   // elements of x
  std::int64_t weight_count() const;  // elements of w
  std::int64_t output_count() const;  // elements of y
};

/// What happens to the sum before it is stored: bias and residual are added, then the activation applies.
template <class T>
struct ConvEpilogue {
  const T* bias = nullptr;      // [channels stored], or null
  const T* residual = nullptr;  // of the shape stored, or null; may be what is stored to
  Clamp clamp = no_clamp;
  OutputSums* sums = nullptr;  // to take over what is stored, or null
};

/// One way to convolve. Its functions may only be called where supports(problem) holds.
struct ConvAlgorithm {
  const char* name;
  /// Rounding beyond that of a direct sum, relative to the result's largest value; 0 where integers come out exact.
  double rounding;
  bool (*supports)(const ConvProblem& p);
  /// Filters in the order that forward reads them. It depends on the instruction set, channels and kernel, not on
  /// n, h, w, so that a network at work packs each filter once.
  std::int64_t (*packed_floats)(const ConvProblem& p);
  void (*pack)(const ConvProblem& p, const float* w, float* packed);
  void (*forward)(const ConvProblem& p, const float* x, const float* packed, const ConvEpilogue<float>& epilogue,
                  float* y);
  void (*input_gradient)(const ConvProblem& p, const float* dy, const float* w, const ConvEpilogue<float>& epilogue,
                         float* dx);
  void (*weight_gradient)(const ConvProblem& p, const float* x, const float* dy, float* dw);
  /// forward and weight_gradient for an x that may be normalised as it is read, not a gradient; null where an algorithm
  /// can't.
  void (*forward_made)(const ConvProblem& p, const PixelSource& x, const float* packed,
                       const ConvEpilogue<float>& epilogue, float* y) = nullptr;
  void (*weight_gradient_made)(const ConvProblem& p, const PixelSource& x, const float* dy, float* dw) = nullptr;
};

/// Packs the filters and convolves.
void conv_forward(const ConvAlgorithm& algorithm, const ConvProblem& p, const float* x, const float* w,
                  const ConvEpilogue<float>& epilogue, float* y);
/// The same by forward_made, which the algorithm must have.
void conv_forward(const ConvAlgorithm& algorithm, const ConvProblem& p, const PixelSource& x, const float* w,
                  const ConvEpilogue<float>& epilogue, float* y);

/// All algorithms, the preferred ones first. The last, "reference", supports everything.
std::span<const ConvAlgorithm> conv_algorithms();

/// The first algorithm that supports the problem. The environment variable WEFT_CONV=NAME puts NAME before all
/// others; throws Error, with the names there are, where it is none of them.
const ConvAlgorithm& choose_conv(const ConvProblem& p);

/// db[o] = sum over rows of dy[row, o]; rows = n out_h out_w. Sums are carried in double, in a fixed order.
void conv_bias_gradient(std::int64_t rows, std::int64_t channels, const float* dy, float* db);
void conv_bias_gradient(std::int64_t rows, std::int64_t channels, const double* dy, double* db);

}  // namespace weft::kernels
