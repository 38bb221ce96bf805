#include "core/kernels/batch_norm.h"

#include <algorithm>
#include <vector>

#include "core/allocator.h"
#include "core/kernels/isa.h"
#include "core/parallel.h"

namespace weft::kernels {
namespace {

constexpr std::int64_t chunk_elements = 32 * 1024;  // 128 KB: the second pass over a chunk finds it in L2
constexpr std::int64_t min_chunk_rows = 64;         // the chunks' sums stay small against the data
constexpr std::int64_t channel_grain = 16;

std::int64_t chunk_rows(std::int64_t channels) {
  return std::max(min_chunk_rows, chunk_elements / std::max<std::int64_t>(1, channels));
}

/// Calls body(chunk, first row, rows) for each chunk.
template <class Body>
void for_each_chunk(std::int64_t rows, std::int64_t channels, Body&& body) {
  const std::int64_t grain = chunk_rows(channels);
  parallel_chunks(rows, grain, [&](std::int64_t begin, std::int64_t end) { body(begin / grain, begin, end - begin); });
}

std::int64_t chunk_count(std::int64_t rows, std::int64_t channels) {
  const std::int64_t grain = chunk_rows(channels);
  return (rows + grain - 1) / grain;
}

}  // namespace

// With n_k rows, mean m_k + s_k / n_k (s_k: what rounding m_k left over) and squares q_k about m_k in chunk k:
//   mean = sum n_k mean_k / R          R var = sum (q_k - s_k^2 / n_k) + n_k (mean_k - mean)^2
void batch_norm_statistics(const float* x, std::int64_t rows, std::int64_t channels, float* mean, float* var) {
  const std::int64_t chunks = chunk_count(rows, channels), grain = chunk_rows(channels);
  ScratchBuffer scratch(static_cast<std::size_t>(3 * chunks * channels) * sizeof(float));
  float* means = scratch.as<float>();
  float* sums = means + chunks * channels;
  float* squares = sums + chunks * channels;
  const IsaKernels& isa = isa_kernels();
  for_each_chunk(rows, channels, [&](std::int64_t chunk, std::int64_t begin, std::int64_t count) {
    const std::int64_t at = chunk * channels;
    isa.column_deviations(x + begin * channels, count, channels, means + at, sums + at, squares + at);
  });
  parallel_chunks(channels, channel_grain, [&](std::int64_t first, std::int64_t last) {
    double total[channel_grain] = {}, centre[channel_grain] = {}, deviation[channel_grain] = {};
    const auto rows_of = [&](std::int64_t chunk) { return static_cast<double>(std::min(grain, rows - chunk * grain)); };
    for (std::int64_t k = 0; k < chunks; ++k) {
      for (std::int64_t c = first; c < last; ++c) {
        const std::int64_t at = k * channels + c;
        total[c - first] += rows_of(k) * static_cast<double>(means[at]) + static_cast<double>(sums[at]);
      }
    }
    for (std::int64_t c = first; c < last; ++c) centre[c - first] = total[c - first] / static_cast<double>(rows);
    for (std::int64_t k = 0; k < chunks; ++k) {
      const double n = rows_of(k), over_n = 1 / n;
      for (std::int64_t c = first; c < last; ++c) {
        const std::int64_t at = k * channels + c;
        const double s = static_cast<double>(sums[at]),
                     d = static_cast<double>(means[at]) + s * over_n - centre[c - first];
        deviation[c - first] += static_cast<double>(squares[at]) - s * s * over_n + n * d * d;
      }
    }
    for (std::int64_t c = first; c < last; ++c) {
      mean[c] = static_cast<float>(centre[c - first]);
      var[c] = static_cast<float>(std::max(0.0, deviation[c - first]) / static_cast<double>(rows));
    }
  });
}

void scale_shift(const float* x, std::int64_t rows, std::int64_t channels, const float* factor, const float* offset,
                 Activation activation, float* y) {
  const IsaKernels& isa = isa_kernels();
  for_each_chunk(rows, channels, [&](std::int64_t, std::int64_t begin, std::int64_t count) {
    isa.scale_shift_rows(x + begin * channels, count, channels, factor, offset, activation, y + begin * channels);
  });
}

void batch_norm_parameter_gradients(const float* x, const float* y, const float* dy, std::int64_t rows,
                                    std::int64_t channels, const float* mean, const float* inv, Activation activation,
                                    float* dgamma, float* dbeta) {
  const std::int64_t chunks = chunk_count(rows, channels);
  ScratchBuffer scratch(static_cast<std::size_t>(2 * chunks * channels) * sizeof(float));
  float* sums_dz = scratch.as<float>();
  float* sums_dz_d = sums_dz + chunks * channels;
  const IsaKernels& isa = isa_kernels();
  for_each_chunk(rows, channels, [&](std::int64_t chunk, std::int64_t begin, std::int64_t count) {
    const std::int64_t at = begin * channels, to = chunk * channels;
    isa.column_gradients(x + at, y + at, dy + at, count, channels, mean, activation, sums_dz + to, sums_dz_d + to);
  });
  parallel_chunks(channels, channel_grain, [&](std::int64_t first, std::int64_t last) {
    double sum_dz[channel_grain] = {}, sum_dz_d[channel_grain] = {};
    for (std::int64_t k = 0; k < chunks; ++k) {
      for (std::int64_t c = first; c < last; ++c) {
        sum_dz[c - first] += static_cast<double>(sums_dz[k * channels + c]);
        sum_dz_d[c - first] += static_cast<double>(sums_dz_d[k * channels + c]);
      }
    }
    for (std::int64_t c = first; c < last; ++c) {
      dbeta[c] = static_cast<float>(sum_dz[c - first]);
      dgamma[c] = static_cast<float>(sum_dz_d[c - first] * static_cast<double>(inv[c]));
    }
  });
}

// dx = factor dz - shift - stretch (x - mean), which gathers the formula's products of per-channel numbers.
void batch_norm_input_gradient(const float* x, const float* y, const float* dy, std::int64_t rows,
                               std::int64_t channels, const float* mean, const float* inv, const float* gamma,
                               const float* dgamma, const float* dbeta, Activation activation, bool training,
                               float* dx) {
  std::vector<float> coefficients(static_cast<std::size_t>(3 * channels), 0.0f);
  float* factor = coefficients.data();
  float* shift = factor + channels;
  float* stretch = shift + channels;
  for (std::int64_t c = 0; c < channels; ++c) {
    factor[c] = gamma[c] * inv[c];
    if (training) {
      shift[c] = factor[c] * (dbeta[c] / static_cast<float>(rows));
      stretch[c] = factor[c] * inv[c] * (dgamma[c] / static_cast<float>(rows));
    }
  }
  const IsaKernels& isa = isa_kernels();
  for_each_chunk(rows, channels, [&](std::int64_t, std::int64_t begin, std::int64_t count) {
    const std::int64_t at = begin * channels;
    isa.batch_norm_gradient_rows(x + at, y + at, dy + at, count, channels, mean, factor, shift, stretch, activation,
                                 dx + at);
  });
}

}  // namespace weft::kernels
