// The passes of batch normalisation over some rows of [rows, channels]; core/kernels/batch_norm.cpp cuts the work and
// joins the results. All are bound by memory. Sums take four rows at a time, so that a channel's running sum is
// loaded and stored once for four values.

#include "core/kernels/isa/kernels.h"
#include "core/kernels/isa/vec.h"

namespace weft::kernels::WEFT_ISA {
namespace {

typedef decltype(Vec{} < Vec{}) Mask;

/// dy where the activation passed its input on, told from its output y, else 0.
struct Slope {
  bool has_activation;
  Vec high;

  explicit Slope(Activation activation)
      : has_activation(activation != Activation::none),
        high(broadcast(activation == Activation::relu6 ? 6 : __builtin_inff())) {}

  template <class Part>
  WEFT_ALWAYS_INLINE Vec apply(const Part& part, const float* y, const float* dy) const {
    const Vec gradient = part.load_from(dy);
    if (!has_activation) return gradient;
    const Vec value = part.load_from(y);
    const Mask passed = (value > Vec{}) & (value < high);
    return passed ? gradient : Vec{};
  }
};

template <int rows>
WEFT_ALWAYS_INLINE Vec sum_of(const Vec (&v)[rows]) {
  if constexpr (rows == 4) return (v[0] + v[1]) + (v[2] + v[3]);
  return v[0];
}

template <int rows>
void add_deviations(const float* x, std::int64_t channels, const float* centre, float* sums, float* squares) {
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

template <int rows>
void add_values(const float* x, std::int64_t channels, float* sums) {
  for_each_vector(channels, [&](auto part, std::int64_t c) {
    Vec v[rows];
    WEFT_UNROLL
    for (int r = 0; r < rows; ++r) v[r] = part.load_from(x + r * channels + c);
    part.store_to(sums + c, part.load_from(sums + c) + sum_of(v));
  });
}

struct GradientRows {
  const float* x;
  const float* y;
  const float* dy;
};

template <int rows>
void add_gradients(const GradientRows& in, std::int64_t channels, const float* mean, const Slope& slope, float* sum_dz,
                   float* sum_dz_d) {
  for_each_vector(channels, [&](auto part, std::int64_t c) {
    const Vec middle = part.load_from(mean + c);
    Vec dz[rows], dz_d[rows];
    WEFT_UNROLL
    for (int r = 0; r < rows; ++r) {
      const std::int64_t at = r * channels + c;
      dz[r] = slope.apply(part, in.y + at, in.dy + at);
      dz_d[r] = dz[r] * (part.load_from(in.x + at) - middle);
    }
    part.store_to(sum_dz + c, part.load_from(sum_dz + c) + sum_of(dz));
    part.store_to(sum_dz_d + c, part.load_from(sum_dz_d + c) + sum_of(dz_d));
  });
}

void set_zero(float* values, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) values[i] = 0;
}

}  // namespace

void column_deviations(const float* x, std::int64_t rows, std::int64_t channels, float* mean, float* sums,
                       float* squares) {
  set_zero(mean, channels);
  set_zero(sums, channels);
  set_zero(squares, channels);
  std::int64_t r = 0;
  for (; r + 4 <= rows; r += 4) add_values<4>(x + r * channels, channels, mean);
  for (; r < rows; ++r) add_values<1>(x + r * channels, channels, mean);
  for (std::int64_t c = 0; c < channels; ++c) mean[c] /= static_cast<float>(rows);
  for (r = 0; r + 4 <= rows; r += 4) add_deviations<4>(x + r * channels, channels, mean, sums, squares);
  for (; r < rows; ++r) add_deviations<1>(x + r * channels, channels, mean, sums, squares);
}

void scale_shift_rows(const float* x, std::int64_t rows, std::int64_t channels, const float* factor,
                      const float* offset, Activation activation, float* y) {
  const Vec low = broadcast(activation == Activation::none ? -__builtin_inff() : 0);
  const Vec high = broadcast(activation == Activation::relu6 ? 6 : __builtin_inff());
  for (std::int64_t r = 0; r < rows; ++r, x += channels, y += channels) {
    for_each_vector(channels, [&](auto part, std::int64_t c) {
      const Vec value = part.load_from(x + c) * part.load_from(factor + c) + part.load_from(offset + c);
      part.store_to(y + c, clamp(value, low, high));
    });
  }
}

void column_gradients(const float* x, const float* y, const float* dy, std::int64_t rows, std::int64_t channels,
                      const float* mean, Activation activation, float* sum_dz, float* sum_dz_d) {
  const Slope slope(activation);
  set_zero(sum_dz, channels);
  set_zero(sum_dz_d, channels);
  std::int64_t r = 0;
  for (; r + 4 <= rows; r += 4) {
    const std::int64_t at = r * channels;
    add_gradients<4>({x + at, y + at, dy + at}, channels, mean, slope, sum_dz, sum_dz_d);
  }
  for (; r < rows; ++r) {
    const std::int64_t at = r * channels;
    add_gradients<1>({x + at, y + at, dy + at}, channels, mean, slope, sum_dz, sum_dz_d);
  }
}

void batch_norm_gradient_rows(const float* x, const float* y, const float* dy, std::int64_t rows, std::int64_t channels,
                              const float* mean, const float* factor, const float* shift, const float* stretch,
                              Activation activation, float* dx) {
  const Slope slope(activation);
  for (std::int64_t r = 0; r < rows; ++r, x += channels, y += channels, dy += channels, dx += channels) {
    for_each_vector(channels, [&](auto part, std::int64_t c) {
      const Vec dz = slope.apply(part, y + c, dy + c);
      const Vec d = part.load_from(x + c) - part.load_from(mean + c);
      part.store_to(dx + c,
                    part.load_from(factor + c) * dz - part.load_from(shift + c) - part.load_from(stretch + c) * d);
    });
  }
}

}  // namespace weft::kernels::WEFT_ISA
