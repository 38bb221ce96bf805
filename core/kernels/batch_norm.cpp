#include "core/kernels/batch_norm.h"

#include <vector>

#include "core/kernels/isa.h"
#include "core/kernels/joined_rows.h"

namespace weft::kernels {
namespace {

constexpr std::int64_t channel_grain = 16;
constexpr std::int64_t large_elements = 4 << 20;  // 16 MB: by the time it is complete, its first part left the caches

std::size_t bytes(std::int64_t floats) { return static_cast<std::size_t>(floats) * sizeof(float); }

/// `count` rows of so many channels from element `at` on.
BatchNormBackward<float> part_of(BatchNormBackward<float> b, std::int64_t at, std::int64_t count,
                                 std::int64_t channels) {
  b.rows = count;
  b.channels = channels;
  b.x += at;
  b.dy += at;
  if (b.y != nullptr) b.y += at;
  return b;
}

/// The statistics of R rows in parts. Part k has n_k rows, the centre c_k, and sums s_k of x - c_k and q_k of its
/// square. Its mean is m_k = c_k + s_k / n_k:
///
///   mean = sum n_k m_k / R          R var = sum (q_k - s_k^2 / n_k) + n_k (m_k - mean)^2
///
/// (Chan, Golub, LeVeque 1983). `sums` has the arrays of c, s and q, of [part][stride] each.
template <class RowsOfPart>
void join_statistics(std::int64_t parts, RowsOfPart&& rows_of, const float* sums, std::int64_t stride,
                     std::int64_t channels, float* mean, float* var) {
  const float *centre_of = sums, *sum_of = centre_of + parts * stride, *square_of = sum_of + parts * stride;
  parallel_chunks(channels, channel_grain, [&](std::int64_t first, std::int64_t last) {
    double total[channel_grain] = {}, centre[channel_grain] = {}, deviation[channel_grain] = {}, rows = 0;
    for (std::int64_t k = 0; k < parts; ++k) {
      const double n = static_cast<double>(rows_of(k));
      rows += n;
      for (std::int64_t c = first; c < last; ++c) {
        const std::int64_t at = k * stride + c;
        total[c - first] += n * static_cast<double>(centre_of[at]) + static_cast<double>(sum_of[at]);
      }
    }
    for (std::int64_t c = first; c < last; ++c) centre[c - first] = total[c - first] / rows;
    for (std::int64_t k = 0; k < parts; ++k) {
      const double n = static_cast<double>(rows_of(k)), over_n = 1 / n;
      for (std::int64_t c = first; c < last; ++c) {
        const std::int64_t at = k * stride + c;
        const double s = static_cast<double>(sum_of[at]),
                     d = static_cast<double>(centre_of[at]) + s * over_n - centre[c - first];
        deviation[c - first] += static_cast<double>(square_of[at]) - s * s * over_n + n * d * d;
      }
    }
    for (std::int64_t c = first; c < last; ++c) {
      mean[c] = static_cast<float>(centre[c - first]);
      var[c] = static_cast<float>(std::max(0.0, deviation[c - first]) / rows);
    }
  });
}

/// dbeta and dgamma from the parts' sums of dz and of dz (x - mean), of [part][stride] each.
void join_gradients(std::int64_t parts, const float* sums_dz, const float* sums_dz_d, std::int64_t stride,
                    std::int64_t channels, const float* inv_std, float* dgamma, float* dbeta) {
  parallel_chunks(channels, channel_grain, [&](std::int64_t first, std::int64_t last) {
    double sum_dz[channel_grain] = {}, sum_dz_d[channel_grain] = {};
    for (std::int64_t k = 0; k < parts; ++k) {
      for (std::int64_t c = first; c < last; ++c) {
        sum_dz[c - first] += static_cast<double>(sums_dz[k * stride + c]);
        sum_dz_d[c - first] += static_cast<double>(sums_dz_d[k * stride + c]);
      }
    }
    for (std::int64_t c = first; c < last; ++c) {
      dbeta[c] = static_cast<float>(sum_dz[c - first]);
      dgamma[c] = static_cast<float>(sum_dz_d[c - first] * static_cast<double>(inv_std[c]));
    }
  });
}

}  // namespace

OutputSums::OutputSums(std::int64_t channels) : channels_(channels), stride_(padded_to_lines(channels)) {}

PartSums OutputSums::begin(std::int64_t parts) {
  parts_ = parts;
  const std::int64_t step = parts * stride_;
  pixels_.resize(static_cast<std::size_t>(parts));
  float* sums = sums_.emplace(bytes(3 * step)).as<float>();
  return {pixels_.data(), sums, sums + step, sums + 2 * step, stride_, gradient_};
}

void OutputStatistics::result(float* mean, float* var) const {
  join_statistics(
      parts_, [&](std::int64_t k) { return pixels_[static_cast<std::size_t>(k)]; }, sums(), stride_, channels_, mean,
      var);
}

GradientSums::GradientSums(const BatchNormBackward<float>& b)
    : OutputSums(b.channels), inv_std_(b.inv_std), numbers_(b.channels, 1, {b.mean, b.factor, b.offset}) {
  gradient_ = b;
  gradient_.mean = numbers_[0], gradient_.factor = numbers_[1], gradient_.offset = numbers_[2];
}

void GradientSums::result(float* dgamma, float* dbeta) const {
  const float* sums_dz = sums() + parts_ * stride_;
  join_gradients(parts_, sums_dz, sums_dz + parts_ * stride_, stride_, channels_, inv_std_, dgamma, dbeta);
}

void batch_norm_statistics(const float* x, std::int64_t rows, std::int64_t channels, float* mean, float* var) {
  const JoinedRows joined(rows, channels);
  const std::int64_t step = joined.parts() * channels;
  ScratchBuffer buffer(bytes(3 * step));
  const auto sum_rows = [&](std::int64_t at, std::int64_t count, std::int64_t width, std::int64_t sums_at) {
    float* centres = buffer.as<float>() + sums_at;
    isa_kernels().column_deviations(x + at, count, width, centres, centres + step, centres + 2 * step);
  };
  parallel_for(joined.chunks(), [&](std::int64_t chunk) {
    sum_rows(joined.chunk_begin(chunk) * joined.channels, joined.chunk_size(chunk), joined.channels,
             chunk * joined.channels);
  });
  if (joined.left > 0)
    sum_rows((rows - joined.left) * channels, joined.left, channels, joined.chunks() * joined.channels);
  join_statistics(
      joined.parts(), [&](std::int64_t k) { return joined.part_rows(k); }, buffer.as<float>(), channels, channels, mean,
      var);
}

void scale_shift(const float* x, const float* residual, std::int64_t rows, std::int64_t channels, const float* factor,
                 const float* offset, Clamp clamp, float* y) {
  const JoinedRows joined(rows, channels);
  PerChannel numbers(joined, {factor, offset});
  const IsaKernels& isa = isa_kernels();
  const bool past_caches = rows * channels >= large_elements;
  const auto run = [&](std::int64_t at, std::int64_t count, std::int64_t width) {
    isa.scale_shift_rows(x + at, residual == nullptr ? nullptr : residual + at, count, width, numbers[0], numbers[1],
                         clamp, past_caches, y + at);
  };
  run((rows - joined.left) * channels, joined.left, channels);
  for_each_chunk_backwards(
      joined, [&](std::int64_t begin, std::int64_t count) { run(begin * joined.channels, count, joined.channels); });
}

void batch_norm_parameter_gradients(const BatchNormBackward<float>& problem, float* dgamma, float* dbeta, float* dz) {
  BatchNormBackward<float> b = problem;
  const std::int64_t channels = b.channels;
  const JoinedRows joined(b.rows, channels);
  const std::int64_t parts = joined.parts();
  PerChannel numbers(joined, {b.mean, b.factor, b.offset});
  b.mean = numbers[0], b.factor = numbers[1], b.offset = numbers[2];
  ScratchBuffer sums(bytes(2 * parts * channels));  // [part][channel] each
  float* sums_dz = sums.as<float>();
  float* sums_dz_d = sums_dz + parts * channels;
  const IsaKernels& isa = isa_kernels();
  const auto run = [&](std::int64_t at, std::int64_t count, std::int64_t width, std::int64_t sums_at) {
    isa.column_gradients(part_of(b, at, count, width), sums_dz + sums_at, sums_dz_d + sums_at,
                         dz == nullptr ? nullptr : dz + at);
  };
  parallel_for(joined.chunks(), [&](std::int64_t chunk) {
    run(joined.chunk_begin(chunk) * joined.channels, joined.chunk_size(chunk), joined.channels,
        chunk * joined.channels);
  });
  if (joined.left > 0) run((b.rows - joined.left) * channels, joined.left, channels, joined.chunks() * joined.channels);
  join_gradients(parts, sums_dz, sums_dz_d, channels, channels, b.inv_std, dgamma, dbeta);
}

void batch_norm_gradient_numbers(const BatchNormBackward<float>& b, const float* dgamma, const float* dbeta,
                                 float* shift, float* stretch) {
  for (std::int64_t c = 0; c < b.channels; ++c) {
    shift[c] = b.factor[c] * (dbeta[c] / static_cast<float>(b.rows));
    stretch[c] = b.factor[c] * b.inv_std[c] * (dgamma[c] / static_cast<float>(b.rows));
  }
}

void batch_norm_input_gradient(const BatchNormBackward<float>& problem, const float* dgamma, const float* dbeta,
                               bool training, float* dx) {
  BatchNormBackward<float> b = problem;
  const std::int64_t channels = b.channels;
  std::vector<float> coefficients(static_cast<std::size_t>(2 * channels), 0.0f);
  float* shift = coefficients.data();
  float* stretch = shift + channels;
  if (training) batch_norm_gradient_numbers(b, dgamma, dbeta, shift, stretch);
  const JoinedRows joined(b.rows, channels);
  PerChannel numbers(joined, {b.mean, b.factor, b.offset, shift, stretch});
  b.mean = numbers[0], b.factor = numbers[1], b.offset = numbers[2];
  const IsaKernels& isa = isa_kernels();
  const auto run = [&](std::int64_t at, std::int64_t count, std::int64_t width) {
    isa.batch_norm_gradient_rows(part_of(b, at, count, width), numbers[3], numbers[4], dx + at);
  };
  run((b.rows - joined.left) * channels, joined.left, channels);
  for_each_chunk_backwards(
      joined, [&](std::int64_t begin, std::int64_t count) { run(begin * joined.channels, count, joined.channels); });
}

}  // namespace weft::kernels
