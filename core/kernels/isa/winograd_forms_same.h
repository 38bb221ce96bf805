#pragma once
// Forms of minimal filtering for a convolution at one resolution, and with stride 2.
// (winograd_forms.h tells what a form is, and derives them.)

#include "core/kernels/isa/winograd_points.h"

namespace weft::kernels::WEFT_ISA {
namespace {

struct SameForm {
  static constexpr int in = 6, step = 4, out = 4;  // inputs of a tile, inputs from tile to tile, outputs
  static constexpr int values = 6, filters = 6, sums = 6;
  static constexpr int value_of[filters] = {0, 1, 2, 3, 4, 5};          // filter f meets value value_of[f] ...
  static constexpr int first_filter[sums + 1] = {0, 1, 2, 3, 4, 5, 6};  // ... and adds to the sum it lies in
  static constexpr float a = root_half, b = root_two;

  WEFT_ALWAYS_INLINE static void input(const Vec (&d)[in], Vec (&v)[values]) {
    v[0] = d[0] + (d[4] - 2.5f * d[2]);
    values_at_roots(d[1], d[2], d[3], d[4], v[1], v[2], v[3], v[4]);
    v[5] = d[1] + (d[5] - 2.5f * d[3]);
  }
  WEFT_ALWAYS_INLINE static void filter(const Vec (&g)[3], Vec (&u)[filters]) {
    const Vec even_a = (g[0] + 0.5f * g[2]) * (-2.0f / 3), odd_a = g[1] * (-2.0f / 3 * a);
    const Vec even_b = (g[0] + 2.0f * g[2]) * (1.0f / 6), odd_b = g[1] * (1.0f / 6 * b);
    u[0] = g[0];
    plus_and_minus(even_a, odd_a, u[1], u[2]);
    plus_and_minus(even_b, odd_b, u[3], u[4]);
    u[5] = g[2];
  }
  WEFT_ALWAYS_INLINE static void filter_transposed(const Vec (&u)[filters], Vec (&g)[3]) {
    const Vec even_a = (u[1] + u[2]) * (-2.0f / 3), even_b = (u[3] + u[4]) * (1.0f / 6);
    g[0] = u[0] + even_a + even_b;
    g[1] = (u[1] - u[2]) * (-2.0f / 3 * a) + (u[3] - u[4]) * (1.0f / 6 * b);
    g[2] = 0.5f * even_a + 2.0f * even_b + u[5];
  }
  WEFT_ALWAYS_INLINE static void output(const Vec (&m)[sums], Vec (&y)[out]) {
    const Vec even_a = m[1] + m[2], odd_a = a * (m[1] - m[2]), even_b = m[3] + m[4], odd_b = b * (m[3] - m[4]);
    y[0] = m[0] + even_a + even_b;
    y[1] = odd_a + odd_b;
    y[2] = 0.5f * even_a + 2.0f * even_b;
    y[3] = 0.5f * odd_a + 2.0f * odd_b + m[5];
  }
  WEFT_ALWAYS_INLINE static void output_transposed(const Vec (&y)[out], Vec (&m)[sums]) {
    const Vec even_a = y[0] + 0.5f * y[2], odd_a = a * (y[1] + 0.5f * y[3]);
    const Vec even_b = y[0] + 2.0f * y[2], odd_b = b * (y[1] + 2.0f * y[3]);
    m[0] = y[0];
    plus_and_minus(even_a, odd_a, m[1], m[2]);
    plus_and_minus(even_b, odd_b, m[3], m[4]);
    m[5] = y[3];
  }
};

/// Values are the coefficients of z (z + p) r(z) at p and z (z - p) r(z) at -p, r = q / (z^2 - p^2), times d; -q at 0.
struct SameSixForm {
  static constexpr int in = 8, step = 6, out = 6;
  static constexpr int values = 8, filters = 8, sums = 8;
  static constexpr int value_of[filters] = {0, 1, 2, 3, 4, 5, 6, 7};  // at 0, 1, -1, 2, -2, 1/2, -1/2, infinity
  static constexpr int first_filter[sums + 1] = {0, 1, 2, 3, 4, 5, 6, 7, 8};

  WEFT_ALWAYS_INLINE static void input(const Vec (&d)[in], Vec (&v)[values]) {
    v[0] = (d[0] - d[6]) + 5.25f * (d[4] - d[2]);
    // Not values_at_halves: it groups the terms otherwise, which rounds more here (the golden tests notice).
    plus_and_minus((d[2] + d[6]) - 4.25f * d[4], (d[1] + d[5]) - 4.25f * d[3], v[1], v[2]);
    plus_and_minus((d[6] + 0.25f * d[2]) - 1.25f * d[4], 2.0f * d[5] - (2.5f * d[3] - 0.5f * d[1]), v[3], v[4]);
    plus_and_minus((d[6] + 4.0f * d[2]) - 5.0f * d[4], 0.5f * d[5] - (2.5f * d[3] - 2.0f * d[1]), v[5], v[6]);
    v[7] = (d[7] - d[1]) + 5.25f * (d[3] - d[5]);
  }
  WEFT_ALWAYS_INLINE static void filter(const Vec (&g)[3], Vec (&u)[filters]) {
    const Vec even_1 = (g[0] + g[2]) * (-2.0f / 9), odd_1 = g[1] * (-2.0f / 9);
    const Vec even_2 = (g[0] + 4.0f * g[2]) * (1.0f / 90), odd_2 = g[1] * (1.0f / 45);
    const Vec even_half = (g[0] + 0.25f * g[2]) * (32.0f / 45), odd_half = g[1] * (16.0f / 45);
    u[0] = g[0];
    plus_and_minus(even_1, odd_1, u[1], u[2]);
    plus_and_minus(even_2, odd_2, u[3], u[4]);
    plus_and_minus(even_half, odd_half, u[5], u[6]);
    u[7] = g[2];
  }
  WEFT_ALWAYS_INLINE static void filter_transposed(const Vec (&u)[filters], Vec (&g)[3]) {
    const Vec even_1 = (u[1] + u[2]) * (-2.0f / 9), odd_1 = (u[1] - u[2]) * (-2.0f / 9);
    const Vec even_2 = (u[3] + u[4]) * (1.0f / 90), odd_2 = (u[3] - u[4]) * (1.0f / 45);
    const Vec even_half = (u[5] + u[6]) * (32.0f / 45), odd_half = (u[5] - u[6]) * (16.0f / 45);
    g[0] = u[0] + even_1 + (even_2 + even_half);
    g[1] = odd_1 + (odd_2 + odd_half);
    g[2] = even_1 + (4.0f * even_2 + 0.25f * even_half) + u[7];
  }
  WEFT_ALWAYS_INLINE static void output(const Vec (&m)[sums], Vec (&y)[out]) {
    const Vec even_1 = m[1] + m[2], odd_1 = m[1] - m[2], even_2 = m[3] + m[4], odd_2 = m[3] - m[4];
    const Vec even_half = m[5] + m[6], odd_half = m[5] - m[6];
    y[0] = (m[0] + even_1) + (even_2 + even_half);
    y[1] = odd_1 + 2.0f * odd_2 + 0.5f * odd_half;
    y[2] = even_1 + 4.0f * even_2 + 0.25f * even_half;
    y[3] = odd_1 + 8.0f * odd_2 + 0.125f * odd_half;
    y[4] = even_1 + 16.0f * even_2 + 0.0625f * even_half;
    y[5] = (odd_1 + m[7]) + 32.0f * odd_2 + 0.03125f * odd_half;
  }
  WEFT_ALWAYS_INLINE static void output_transposed(const Vec (&y)[out], Vec (&m)[sums]) {
    const Vec even_1 = y[0] + y[2] + y[4], odd_1 = y[1] + y[3] + y[5];
    const Vec even_2 = y[0] + 4.0f * y[2] + 16.0f * y[4], odd_2 = 2.0f * y[1] + 8.0f * y[3] + 32.0f * y[5];
    const Vec even_half = y[0] + 0.25f * y[2] + 0.0625f * y[4];
    const Vec odd_half = 0.5f * y[1] + 0.125f * y[3] + 0.03125f * y[5];
    m[0] = y[0];
    plus_and_minus(even_1, odd_1, m[1], m[2]);
    plus_and_minus(even_2, odd_2, m[3], m[4]);
    plus_and_minus(even_half, odd_half, m[5], m[6]);
    m[7] = y[5];
  }
};

struct StridedForm {
  static constexpr int in = 5, step = 4, out = 2;
  static constexpr int values = 5, filters = 5, sums = 3;
  static constexpr int value_of[filters] = {0, 1, 2, 3, 4};
  static constexpr int first_filter[sums + 1] = {0, 2, 3, 5};

  WEFT_ALWAYS_INLINE static void input(const Vec (&d)[in], Vec (&v)[values]) {
    v[0] = d[0] - d[2];
    v[1] = d[1];
    v[2] = d[2];
    v[3] = d[3];
    v[4] = d[4] - d[2];
  }
  WEFT_ALWAYS_INLINE static void filter(const Vec (&g)[3], Vec (&u)[filters]) {
    u[0] = g[0];
    u[1] = g[1];
    u[2] = g[0] + g[2];
    u[3] = g[1];
    u[4] = g[2];
  }
  WEFT_ALWAYS_INLINE static void filter_transposed(const Vec (&u)[filters], Vec (&g)[3]) {
    g[0] = u[0] + u[2];
    g[1] = u[1] + u[3];
    g[2] = u[2] + u[4];
  }
  WEFT_ALWAYS_INLINE static void output(const Vec (&m)[sums], Vec (&y)[out]) {
    y[0] = m[0] + m[1];
    y[1] = m[1] + m[2];
  }
  WEFT_ALWAYS_INLINE static void output_transposed(const Vec (&y)[out], Vec (&m)[sums]) {
    m[0] = y[0];
    m[1] = y[0] + y[1];
    m[2] = y[1];
  }
};

struct SpreadForm {
  static constexpr int in = 3, step = 2, out = 4;
  static constexpr int values = 4, filters = 5, sums = 5;
  static constexpr int value_of[filters] = {0, 1, 2, 3, 1};
  static constexpr int first_filter[sums + 1] = {0, 1, 2, 3, 4, 5};

  WEFT_ALWAYS_INLINE static void input(const Vec (&d)[in], Vec (&v)[values]) {
    v[0] = d[0] - d[1];
    v[1] = d[1];
    v[2] = d[2] - d[1];
    v[3] = d[0];
  }
  WEFT_ALWAYS_INLINE static void filter(const Vec (&g)[3], Vec (&u)[filters]) {
    u[0] = g[2];
    u[1] = g[0] + g[2];
    u[2] = g[0];
    u[3] = g[1];
    u[4] = g[1];
  }
  WEFT_ALWAYS_INLINE static void output(const Vec (&m)[sums], Vec (&y)[out]) {
    y[0] = m[3];
    y[1] = m[0] + m[1];
    y[2] = m[4];
    y[3] = m[1] + m[2];
  }
};

}  // namespace
}  // namespace weft::kernels::WEFT_ISA
