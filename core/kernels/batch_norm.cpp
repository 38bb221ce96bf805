#include "core/kernels/batch_norm.h"

#include <algorithm>
#include <vector>

#include "core/allocator.h"
#include "core/kernels/isa.h"
#include "core/parallel.h"

namespace weft::kernels {
namespace {

constexpr std::int64_t chunk_elements = 32 * 1024;  // 128 KB
constexpr std::int64_t min_chunk_rows = 64;         // the chunks' sums stay small against the data
constexpr std::int64_t channel_grain = 16;
constexpr std::int64_t large_elements = 4 << 20;    // 16 MB: by the time it is complete, its first part left the caches

std::int64_t chunk_rows(std::int64_t channels) {
  return std::max(min_chunk_rows, chunk_elements / std::max<std::int64_t>(1, channels));
}

/// Calls body(chunk, first row, rows) for each chunk.
template <class Body>
void for_each_chunk(std::int64_t rows, std::int64_t channels, Body&& body) {
  const std::int64_t grain = chunk_rows(channels);
  parallel_chunks(rows, grain, [&](std::int64_t begin, std::int64_t end) { body(begin / grain, begin, end - begin); });
}

/// The same from the end on: what a pass over the rows read last is still in the caches, and what this one leaves there
/// is what the next operation reads first.
template <class Body>
void for_each_chunk_backwards(std::int64_t rows, std::int64_t channels, Body&& body) {
  const std::int64_t grain = chunk_rows(channels), chunks = (rows + grain - 1) / grain;
  parallel_for(chunks, [&](std::int64_t task) {
    const std::int64_t begin = (chunks - 1 - task) * grain;
    body(begin, std::min(grain, rows - begin));
  });
}

std::int64_t chunk_count(std::int64_t rows, std::int64_t channels) {
  const std::int64_t grain = chunk_rows(channels);
  return (rows + grain - 1) / grain;
}

/// The same for `count` rows from `begin`.
BatchNormBackward<float> part_of(BatchNormBackward<float> b, std::int64_t begin, std::int64_t count) {
  b.rows = count;
  b.x += begin * b.channels;
  b.dy += begin * b.channels;
  if (b.y != nullptr) b.y += begin * b.channels;
  return b;
}

}  // namespace

// Chunk k has n_k rows, the centre c_k, and sums s_k of x - c_k and q_k of its square. Its mean is m_k = c_k + s_k / n_k:
//   mean = sum n_k m_k / R          R var = sum (q_k - s_k^2 / n_k) + n_k (m_k - mean)^2
void batch_norm_statistics(const float* x, std::int64_t rows, std::int64_t channels, float* mean, float* var) {
  const std::int64_t chunks = chunk_count(rows, channels), grain = chunk_rows(channels);
  ScratchBuffer scratch(static_cast<std::size_t>(3 * chunks * channels) * sizeof(float));
  float* centres = scratch.as<float>();
  float* sums = centres + chunks * channels;
  float* squares = sums + chunks * channels;
  const IsaKernels& isa = isa_kernels();
  for_each_chunk(rows, channels, [&](std::int64_t chunk, std::int64_t begin, std::int64_t count) {
    const std::int64_t at = chunk * channels;
    isa.column_deviations(x + begin * channels, count, channels, centres + at, sums + at, squares + at);
  });
  parallel_chunks(channels, channel_grain, [&](std::int64_t first, std::int64_t last) {
    double total[channel_grain] = {}, centre[channel_grain] = {}, deviation[channel_grain] = {};
    const auto rows_of = [&](std::int64_t chunk) { return static_cast<double>(std::min(grain, rows - chunk * grain)); };
    for (std::int64_t k = 0; k < chunks; ++k) {
      for (std::int64_t c = first; c < last; ++c) {
        const std::int64_t at = k * channels + c;
        total[c - first] += rows_of(k) * static_cast<double>(centres[at]) + static_cast<double>(sums[at]);
      }
    }
    for (std::int64_t c = first; c < last; ++c) centre[c - first] = total[c - first] / static_cast<double>(rows);
    for (std::int64_t k = 0; k < chunks; ++k) {
      const double n = rows_of(k), over_n = 1 / n;
      for (std::int64_t c = first; c < last; ++c) {
        const std::int64_t at = k * channels + c;
        const double s = static_cast<double>(sums[at]),
                     d = static_cast<double>(centres[at]) + s * over_n - centre[c - first];
        deviation[c - first] += static_cast<double>(squares[at]) - s * s * over_n + n * d * d;
      }
    }
    for (std::int64_t c = first; c < last; ++c) {
      mean[c] = static_cast<float>(centre[c - first]);
      var[c] = static_cast<float>(std::max(0.0, deviation[c - first]) / static_cast<double>(rows));
    }
  });
}

void scale_shift(const float* x, const float* residual, std::int64_t rows, std::int64_t channels, const float* factor,
                 const float* offset, Activation activation, float* y) {
  const IsaKernels& isa = isa_kernels();
  const bool past_caches = rows * channels >= large_elements;
  for_each_chunk_backwards(rows, channels, [&](std::int64_t begin, std::int64_t count) {
    const std::int64_t at = begin * channels;
    isa.scale_shift_rows(x + at, residual == nullptr ? nullptr : residual + at, count, channels, factor, offset,
                         activation, past_caches, y + at);
  });
}

void batch_norm_parameter_gradients(const BatchNormBackward<float>& b, float* dgamma, float* dbeta, float* dz) {
  const std::int64_t channels = b.channels, chunks = chunk_count(b.rows, channels);
  ScratchBuffer scratch(static_cast<std::size_t>(2 * chunks * channels) * sizeof(float));
  float* sums_dz = scratch.as<float>();
  float* sums_dz_d = sums_dz + chunks * channels;
  const IsaKernels& isa = isa_kernels();
  for_each_chunk(b.rows, channels, [&](std::int64_t chunk, std::int64_t begin, std::int64_t count) {
    isa.column_gradients(part_of(b, begin, count), sums_dz + chunk * channels, sums_dz_d + chunk * channels,
                         dz == nullptr ? nullptr : dz + begin * channels);
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
      dgamma[c] = static_cast<float>(sum_dz_d[c - first] * static_cast<double>(b.inv_std[c]));
    }
  });
}

// dx = factor dz - shift - stretch (x - mean), which gathers the formula's products of per-channel numbers.
void batch_norm_input_gradient(const BatchNormBackward<float>& b, const float* dgamma, const float* dbeta,
                               bool training, float* dx) {
  std::vector<float> coefficients(static_cast<std::size_t>(2 * b.channels), 0.0f);
  float* shift = coefficients.data();
  float* stretch = shift + b.channels;
  for (std::int64_t c = 0; training && c < b.channels; ++c) {
    shift[c] = b.factor[c] * (dbeta[c] / static_cast<float>(b.rows));
    stretch[c] = b.factor[c] * b.inv_std[c] * (dgamma[c] / static_cast<float>(b.rows));
  }
  const IsaKernels& isa = isa_kernels();
  for_each_chunk_backwards(b.rows, b.channels, [&](std::int64_t begin, std::int64_t count) {
    isa.batch_norm_gradient_rows(part_of(b, begin, count), shift, stretch, dx + begin * b.channels);
  });
}

}  // namespace weft::kernels
