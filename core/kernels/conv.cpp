#include "core/kernels/conv.h"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/allocator.h"
#include "core/check.h"
#include "core/kernels/conv_depthwise.h"
#include "core/kernels/conv_igemm.h"
#include "core/kernels/conv_stem.h"
#include "core/kernels/conv_strided.h"
#include "core/kernels/conv_winograd.h"
#include "core/kernels/reference/conv2d.h"
#include "core/parallel.h"

namespace weft::kernels {
namespace {

bool supports_all(const ConvProblem&) { return true; }
std::int64_t weight_floats(const ConvProblem& p) { return p.weight_count(); }
void copy_weights(const ConvProblem& p, const float* w, float* packed) { std::copy_n(w, p.weight_count(), packed); }

constexpr ConvAlgorithm algorithms[] = {
    {"depthwise", 0, conv_depthwise_supports, conv_depthwise_packed_floats, conv_depthwise_pack, conv_depthwise_forward,
     conv_depthwise_input_gradient, conv_depthwise_weight_gradient},
    {"winograd_six", 2e-5, conv_winograd_six_supports, conv_winograd_packed_floats<WinogradForm::same_six>,
     conv_winograd_pack<WinogradForm::same_six>, conv_winograd_forward<WinogradForm::same_six>,
     conv_winograd_input_gradient<WinogradForm::same_six>, conv_winograd_weight_gradient<WinogradForm::same_six>,
     conv_winograd_forward_made<WinogradForm::same_six>, conv_winograd_weight_gradient_made<WinogradForm::same_six>},
    {"winograd", 6e-6, conv_winograd_supports, conv_winograd_packed_floats<WinogradForm::same>,
     conv_winograd_pack<WinogradForm::same>, conv_winograd_forward<WinogradForm::same>,
     conv_winograd_input_gradient<WinogradForm::same>, conv_winograd_weight_gradient<WinogradForm::same>,
     conv_winograd_forward_made<WinogradForm::same>, conv_winograd_weight_gradient_made<WinogradForm::same>},
    {"strided", 0, conv_strided_supports, conv_strided_packed_floats, conv_strided_pack, conv_strided_forward,
     conv_strided_input_gradient, conv_strided_weight_gradient},
    {"stem", 3e-6, conv_stem_supports, conv_stem_packed_floats, conv_stem_pack, conv_stem_forward,
     conv_stem_input_gradient, conv_stem_weight_gradient},
    {"igemm", 0, conv_igemm_supports, conv_igemm_packed_floats, conv_igemm_pack, conv_igemm_forward,
     conv_igemm_input_gradient, conv_igemm_weight_gradient},
    {"reference", 0, supports_all, weight_floats, copy_weights, reference::conv2d_forward<float>,
     reference::conv2d_input_gradient<float>, reference::conv2d_weight_gradient<float>},
};

/// The algorithm that WEFT_CONV names, or null where it is not set.
const ConvAlgorithm* forced_algorithm() {
  const char* name = std::getenv("WEFT_CONV");
  if (name == nullptr || *name == '\0') return nullptr;
  std::string names;
  for (const ConvAlgorithm& algorithm : algorithms) {
    if (std::string(name) == algorithm.name) return &algorithm;
    names += std::string(names.empty() ? "" : ", ") + algorithm.name;
  }
  fail("[conv2d] WEFT_CONV={} is not an algorithm; there are: {}", name, names);
}

std::int64_t output_extent(std::int64_t size, std::int64_t padding, std::int64_t dilation, std::int64_t kernel,
                           std::int64_t stride) {
  const std::int64_t room = size + 2 * padding - dilation * (kernel - 1) - 1;
  return room < 0 ? 0 : room / stride + 1;
}

/// Filters as an algorithm wants them, for one convolution.
class PackedFilters {
 public:
  PackedFilters(const ConvAlgorithm& algorithm, const ConvProblem& p, const float* w)
      : buffer_(static_cast<std::size_t>(algorithm.packed_floats(p)) * sizeof(float)) {
    algorithm.pack(p, w, buffer_.as<float>());
  }
  const float* data() const { return buffer_.as<float>(); }

 private:
  ScratchBuffer buffer_;
};

/// Rows are summed in blocks of a fixed length, blocks in order.
template <class T>
void sum_rows(std::int64_t rows, std::int64_t channels, const T* dy, T* db) {
  constexpr std::int64_t block_rows = 1024, channel_group = 16;
  const std::int64_t blocks = (rows + block_rows - 1) / block_rows;
  std::vector<double> partial(static_cast<std::size_t>(blocks * channels), 0.0);
  parallel_chunks(rows, block_rows, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t first = 0; first < channels; first += channel_group) {
      const std::int64_t last = std::min(channels, first + channel_group);
      double sums[channel_group] = {};  // not in `partial`, where other threads' sums may share a cache line
      for (std::int64_t row = begin; row < end; ++row) {
        for (std::int64_t c = first; c < last; ++c) sums[c - first] += static_cast<double>(dy[row * channels + c]);
      }
      std::copy_n(sums, last - first, partial.data() + begin / block_rows * channels + first);
    }
  });
  for (std::int64_t c = 0; c < channels; ++c) {
    double sum = 0;
    for (std::int64_t block = 0; block < blocks; ++block)
      sum += partial[static_cast<std::size_t>(block * channels + c)];
    db[c] = static_cast<T>(sum);
  }
}

}  // namespace

std::int64_t ConvProblem::out_h() const { return output_extent(h, padding_h, dilation_h, kernel_h, stride_h); }
std::int64_t ConvProblem::out_w() const { return output_extent(w, padding_w, dilation_w, kernel_w, stride_w); }
std::int64_t ConvProblem::input_count() const { return n * h * w * c_in; }
std::int64_t ConvProblem::weight_count() const { return c_out * (c_in / groups) * kernel_h * kernel_w; }
std::int64_t ConvProblem::output_count() const { return n * out_h() * out_w() * c_out; }

void conv_forward(const ConvAlgorithm& algorithm, const ConvProblem& p, const float* x, const float* w,
                  const ConvEpilogue<float>& epilogue, float* y) {
  const PackedFilters packed(algorithm, p, w);
  algorithm.forward(p, x, packed.data(), epilogue, y);
}

void conv_forward(const ConvAlgorithm& algorithm, const ConvProblem& p, const PixelSource& x, const float* w,
                  const ConvEpilogue<float>& epilogue, float* y) {
  const PackedFilters packed(algorithm, p, w);
  algorithm.forward_made(p, x, packed.data(), epilogue, y);
}

std::span<const ConvAlgorithm> conv_algorithms() { return algorithms; }

const ConvAlgorithm& choose_conv(const ConvProblem& p) {
  if (const ConvAlgorithm* forced = forced_algorithm(); forced != nullptr && forced->supports(p)) return *forced;
  for (const ConvAlgorithm& algorithm : algorithms) {
    if (algorithm.supports(p)) return algorithm;
  }
  fail("[conv2d] no algorithm supports this problem");
}

void conv_bias_gradient(std::int64_t rows, std::int64_t channels, const float* dy, float* db) {
  sum_rows(rows, channels, dy, db);
}
void conv_bias_gradient(std::int64_t rows, std::int64_t channels, const double* dy, double* db) {
  sum_rows(rows, channels, dy, db);
}

}  // namespace weft::kernels
