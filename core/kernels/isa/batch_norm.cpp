// The passes of batch normalisation over some rows of [rows, channels]; core/kernels/batch_norm.cpp cuts the work and
// joins the results. All are bound by memory.
//
// Sums take four rows at a time, so that a channel's running sum is loaded and stored once for four values. Memory
// delivers such a group at a third of its rate, though, where the rows are long: the processor foresees a run of
// addresses, not four that take turns. So each group is asked for in the order of its addresses before it is read.

#include "core/kernels/isa/kernels.h"
#include "core/kernels/isa/limits.h"

namespace weft::kernels::WEFT_ISA {
namespace {

typedef decltype(Vec{} < Vec{}) Mask;

/// Where dz comes from: dy and no activation, dy and x, or dy and y.
enum class Slope { one, of_x, of_y };

/// dz of the vector at element `at`, whose first channel is c.
template <Slope slope, class Part>
WEFT_ALWAYS_INLINE Vec activation_gradient(const BatchNormBackward<float>& b, const Limits& limits, const Part& part,
                                           std::int64_t at, std::int64_t c) {
  const Vec dy = part.load_from(b.dy + at);
  if constexpr (slope == Slope::one) return dy;
  const Vec y = slope == Slope::of_y ? part.load_from(b.y + at)
                                     : part.load_from(b.x + at) * part.load_from(b.factor + c) +
                                           part.load_from(b.offset + c);
  const Mask passed = (y > limits.low) & (y < limits.high);
  return passed ? dy : Vec{};
}

/// Calls body.template operator()<slope>() with the slope that b asks for.
template <class Body>
WEFT_ALWAYS_INLINE void with_slope(const BatchNormBackward<float>& b, Body&& body) {
  if (b.activation == Activation::none) {
    body.template operator()<Slope::one>();
  } else if (b.y == nullptr) {
    body.template operator()<Slope::of_x>();
  } else {
    body.template operator()<Slope::of_y>();
  }
}

template <int rows>
WEFT_ALWAYS_INLINE Vec sum_of(const Vec (&v)[rows]) {
  if constexpr (rows == 4) return (v[0] + v[1]) + (v[2] + v[3]);
  return v[0];
}

/// Asks for `count` floats from p on, in order.
WEFT_ALWAYS_INLINE void prefetch_in_order(const float* p, std::int64_t count) {
  for (std::int64_t i = 0; i < count; i += 16) __builtin_prefetch(p + i);
}

template <int rows>
void add_deviations(const float* x, std::int64_t channels, const float* centre, float* sums, float* squares) {
  prefetch_in_order(x, rows * channels);
  for_each_vector(channels, [&](auto part, std::int64_t c) {
    const Vec middle = part.load_from(centre + c);
    Vec d[rows], d2[rows];
    WEFT_UNROLL
    for (int r = 0; r < rows; ++r) {
      d[r] = part.load_from(x + r * channels + c) - middle;
      d2[r] = d[r] * d[r];
    }
    part.store_to(sums + c, part.load_from(sums + c) + sum_of(d));
    part.store_to(squares + c, part.load_from(squares + c) + sum_of(d2));
  });
}

template <Slope slope, int rows>
void add_gradients(const BatchNormBackward<float>& b, const Limits& limits, std::int64_t first, float* sum_dz,
                   float* sum_dz_d, float* dz_out) {
  prefetch_in_order(b.x + first * b.channels, rows * b.channels);
  prefetch_in_order(b.dy + first * b.channels, rows * b.channels);
  for_each_vector(b.channels, [&](auto part, std::int64_t c) {
    const Vec middle = part.load_from(b.mean + c);
    Vec dz[rows], dz_d[rows];
    WEFT_UNROLL
    for (int r = 0; r < rows; ++r) {
      const std::int64_t at = (first + r) * b.channels + c;
      dz[r] = activation_gradient<slope>(b, limits, part, at, c);
      dz_d[r] = dz[r] * (part.load_from(b.x + at) - middle);
      if (dz_out != nullptr) part.store_to(dz_out + at, dz[r]);
    }
    part.store_to(sum_dz + c, part.load_from(sum_dz + c) + sum_of(dz));
    part.store_to(sum_dz_d + c, part.load_from(sum_dz_d + c) + sum_of(dz_d));
  });
}

/// The rows of scale_shift_rows, with y stored by write(part, p, vector).
template <class Write>
WEFT_ALWAYS_INLINE void scale_shift_each(const float* x, const float* residual, std::int64_t rows,
                                         std::int64_t channels, const float* factor, const float* offset,
                                         const Limits& limits, float* y, Write&& write) {
  for (std::int64_t r = 0; r < rows; ++r) {
    for_each_vector(channels, [&](auto part, std::int64_t c) {
      const std::int64_t at = r * channels + c;
      Vec value = part.load_from(x + at) * part.load_from(factor + c) + part.load_from(offset + c);
      if (residual != nullptr) value += part.load_from(residual + at);
      write(part, y + at, clamp(value, limits.low, limits.high));
    });
  }
}

void set_zero(float* values, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) values[i] = 0;
}

}  // namespace

void column_deviations(const float* x, std::int64_t rows, std::int64_t channels, float* centre, float* sums,
                       float* squares) {
  set_zero(centre, channels);
  set_zero(sums, channels);
  set_zero(squares, channels);
  const std::int64_t samples = min64(rows, 16);
  for (std::int64_t k = 0; k < samples; ++k) {
    for (std::int64_t c = 0; c < channels; ++c) centre[c] += x[k * channels + c];
  }
  for (std::int64_t c = 0; c < channels; ++c) centre[c] /= static_cast<float>(samples);

  std::int64_t r = 0;
  for (; r + 4 <= rows; r += 4) add_deviations<4>(x + r * channels, channels, centre, sums, squares);
  for (; r < rows; ++r) add_deviations<1>(x + r * channels, channels, centre, sums, squares);
}

void scale_shift_rows(const float* x, const float* residual, std::int64_t rows, std::int64_t channels,
                      const float* factor, const float* offset, Activation activation, bool past_caches, float* y) {
  const Limits limits(activation);
  const bool is_aligned = channels % lanes == 0 && reinterpret_cast<std::uintptr_t>(y) % sizeof(Vec) == 0;
  if (past_caches && is_aligned) {
    scale_shift_each(x, residual, rows, channels, factor, offset, limits, y,
                     [](auto, float* p, Vec v) { store_past_caches(p, v); });
    stream_fence();
  } else {
    scale_shift_each(x, residual, rows, channels, factor, offset, limits, y,
                     [](auto part, float* p, Vec v) { part.store_to(p, v); });
  }
}

void column_gradients(const BatchNormBackward<float>& b, float* sum_dz, float* sum_dz_d, float* dz) {
  const Limits limits(b.activation);
  set_zero(sum_dz, b.channels);
  set_zero(sum_dz_d, b.channels);
  with_slope(b, [&]<Slope slope>() {
    std::int64_t r = 0;
    for (; r + 4 <= b.rows; r += 4) add_gradients<slope, 4>(b, limits, r, sum_dz, sum_dz_d, dz);
    for (; r < b.rows; ++r) add_gradients<slope, 1>(b, limits, r, sum_dz, sum_dz_d, dz);
  });
}

void batch_norm_gradient_rows(const BatchNormBackward<float>& b, const float* shift, const float* stretch, float* dx) {
  const Limits limits(b.activation);
  with_slope(b, [&]<Slope slope>() {
    for (std::int64_t r = 0; r < b.rows; ++r) {
      for_each_vector(b.channels, [&](auto part, std::int64_t c) {
        const std::int64_t at = r * b.channels + c;
        const Vec dz = activation_gradient<slope>(b, limits, part, at, c);
        const Vec d = part.load_from(b.x + at) - part.load_from(b.mean + c);
        part.store_to(dx + at,
                      part.load_from(b.factor + c) * dz - part.load_from(shift + c) - part.load_from(stretch + c) * d);
      });
    }
  });
}

}  // namespace weft::kernels::WEFT_ISA
