#pragma once
// The operations: each checks its shapes, computes, and records its gradient. core/ops/NAME.cpp holds
// all of that for one operation, with its formula on top. Images are [N, H, W, C]. All operations take
// float32 or float64, the same for all inputs, and throw Error for anything else.

#include "core/tensor.h"

namespace weft {

// ---- elementwise, with NumPy's broadcasting ----

/// a + b. Axes are matched from the last; an axis of size 1, or a missing one, repeats.
Tensor add(const Tensor& a, const Tensor& b);
/// a - b, broadcast.
Tensor subtract(const Tensor& a, const Tensor& b);
/// a * b elementwise, broadcast.
Tensor multiply(const Tensor& a, const Tensor& b);
/// a / b elementwise, broadcast.
Tensor divide(const Tensor& a, const Tensor& b);
/// The larger and the smaller of a and b, broadcast.
Tensor maximum(const Tensor& a, const Tensor& b);
Tensor minimum(const Tensor& a, const Tensor& b);
/// factor * x.
Tensor scale(const Tensor& x, double factor);
/// x + number.
Tensor add_scalar(const Tensor& x, double number);
/// Square root, exponential, natural logarithm, absolute value, x to a fixed power. Outside of their domain the result
/// is what <cmath> says: NaN, or an infinity.
Tensor sqrt(const Tensor& x);
Tensor exp(const Tensor& x);
Tensor log(const Tensor& x);
Tensor abs(const Tensor& x);
Tensor pow(const Tensor& x, double exponent);

// ---- activations ----

/// min(max(x, lower), upper). Throws Error where lower > upper. The bounds may be infinite.
Tensor clamp(const Tensor& x, double lower, double upper);
/// max(x, 0).
Tensor relu(const Tensor& x);
/// min(max(x, 0), 6).
Tensor relu6(const Tensor& x);
/// x where x > 0, else slope * x.
Tensor leaky_relu(const Tensor& x, double slope = 0.01);
/// 1 / (1 + exp(-x)).
Tensor sigmoid(const Tensor& x);
Tensor tanh(const Tensor& x);
/// x * sigmoid(x).
Tensor silu(const Tensor& x);
/// x times the normal distribution function of x, in its exact form.
Tensor gelu(const Tensor& x);
/// exp(x) over its sum along the last axis, and the logarithm of that.
Tensor softmax(const Tensor& x);
Tensor log_softmax(const Tensor& x);
/// Inverted dropout: in training each element is kept with probability 1 - p and then divided by it; otherwise x
/// itself. 0 <= p < 1. `stream` int64 [2] is a seed and the number of draws so far, which a call in training moves on.
Tensor dropout(const Tensor& x, double p, bool training, const Tensor& stream);

// ---- shape ----

/// The same elements in row-major order under another shape of equal count. No copy.
Tensor reshape(const Tensor& x, const Shape& shape);
/// y's axis i is x's axis order[i].
Tensor permute(const Tensor& x, const std::vector<int>& order);
/// Joins [N, H, W, Ci] to [N, H, W, sum of Ci].
Tensor concat_channels(const Tensors& parts);
/// Zeros around each image: [N, H, W, C] -> [N, top + H + bottom, left + W + right, C].
Tensor pad2d(const Tensor& x, std::int64_t top, std::int64_t bottom, std::int64_t left, std::int64_t right);
/// The window [top, top + height) x [left, left + width) of each image.
Tensor crop2d(const Tensor& x, std::int64_t top, std::int64_t left, std::int64_t height, std::int64_t width);

// ---- reductions and products ----

/// Sum over the axes (all of them where none is given). Reduced axes vanish, or stay with size 1.
Tensor sum(const Tensor& x, const std::vector<int>& axes = {}, bool keep_axes = false);
/// Mean over the axes, likewise.
Tensor mean(const Tensor& x, const std::vector<int>& axes = {}, bool keep_axes = false);
/// [M, K] x [K, N] -> [M, N].
Tensor matmul(const Tensor& a, const Tensor& b);

// ---- convolution ----

struct Conv2dOptions {
  std::int64_t stride = 1;
  std::int64_t padding = 0;  // zeros on each side, both axes
  std::int64_t dilation = 1;
  std::int64_t groups = 1;
};

/// Cross-correlation, as deep learning calls convolution. x [N, H, W, Cin], weight [Cout, Cin / groups, KH, KW],
/// bias [Cout] or undefined -> [N, OH, OW, Cout] with OH = floor((H + 2 padding - dilation (KH - 1) - 1) / stride) + 1.
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias = Tensor(), const Conv2dOptions& options = {});

/// One filter per channel: conv2d with groups = C. weight [C, 1, KH, KW].
Tensor depthwise_conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias = Tensor(),
                        Conv2dOptions options = {});

struct ConvTranspose2dOptions {
  std::int64_t stride = 1;
  std::int64_t padding = 0;
  std::int64_t output_padding = 0;
};

/// The adjoint of conv2d in x. x [N, H, W, Cin], weight [Cin, Cout, KH, KW] -> [N, OH, OW, Cout],
/// OH = (H - 1) stride - 2 padding + KH + output_padding.
Tensor conv_transpose2d(const Tensor& x, const Tensor& weight, const Tensor& bias = Tensor(),
                        const ConvTranspose2dOptions& options = {});

// ---- normalisation and pooling ----

struct BatchNormOptions {
  bool training = true;   // normalise by the batch's statistics and move the running ones
  double momentum = 0.1;  // running = (1 - momentum) running + momentum batch
  double epsilon = 1e-5;
};

/// y = gamma (x - mean) / sqrt(var + eps) + beta per channel; x [N, H, W, C]; gamma, beta, running_mean, running_var
/// [C]. In training, mean and the biased variance are the batch's, and the running statistics are updated in place, the
/// variance by its unbiased form. Ioffe & Szegedy 2015. Throws Error where a training batch has one value a channel.
Tensor batch_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, const Tensor& running_mean,
                  const Tensor& running_var, const BatchNormOptions& options);

struct Pool2dOptions {
  std::int64_t kernel = 2;
  std::int64_t stride = 2;
  std::int64_t padding = 0;  // at most kernel / 2
};

/// Largest value of each window, [N, H, W, C] -> [N, OH, OW, C] with OH = floor((H + 2 padding - kernel) / stride) + 1;
/// the padding never wins. Throws Error for a window that does not fit, and for a kernel above 16: the winner's place
/// is kept in a byte.
Tensor max_pool2d(const Tensor& x, const Pool2dOptions& options);
/// Mean of each window, of the same shape; the padding's zeros count, as PyTorch's default.
Tensor avg_pool2d(const Tensor& x, const Pool2dOptions& options);
/// [N, H, W, C] -> [N, C].
Tensor global_avg_pool(const Tensor& x);
/// Each pixel four times: [N, H, W, C] -> [N, 2H, 2W, C].
Tensor upsample_nearest2x(const Tensor& x);
/// Bilinear with half-pixel centres (align_corners = false): [N, H, W, C] -> [N, 2H, 2W, C].
Tensor upsample_bilinear2x(const Tensor& x);

// ---- losses ----

/// Mean over all elements of max(z, 0) - z t + log(1 + exp(-|z|)): binary cross-entropy from logits z and
/// targets t in [0, 1] of the same shape. No gradient to the targets.
Tensor bce_with_logits(const Tensor& logits, const Tensor& targets);
/// 1 - 2 sum(p t) / max(sum(p + t), 1e-7), p = sigmoid(logits), over the whole batch; 0 (and no gradient) where
/// the targets have no positive element. No gradient to the targets.
Tensor dice_loss(const Tensor& logits, const Tensor& targets);
/// Mean over rows of -log softmax(logits)[class]. logits [N, K], classes int64 [N], each in [0, K).
Tensor softmax_cross_entropy(const Tensor& logits, const Tensor& classes);

}  // namespace weft
