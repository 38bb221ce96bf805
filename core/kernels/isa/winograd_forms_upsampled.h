#pragma once
// Forms of minimal filtering for a convolution of an upsampled picture, and their adjoints.
// (winograd_forms.h tells what a form is, and derives them.)

#include "core/kernels/isa/winograd_points.h"

namespace weft::kernels::WEFT_ISA {
namespace {

struct UpsampledForm {
  static constexpr int in = 4, step = 2, out = 4;
  static constexpr int values = 4, filters = 5, sums = 5;
  static constexpr int value_of[filters] = {0, 1, 2, 3, 3};
  static constexpr int first_filter[sums + 1] = {0, 1, 2, 3, 4, 5};

  WEFT_ALWAYS_INLINE static void input(const Vec (&d)[in], Vec (&v)[values]) {
    v[0] = d[0] - d[2];
    v[1] = d[3] - d[1];
    v[2] = d[1] + d[2];
    v[3] = d[2] - d[1];
  }
  WEFT_ALWAYS_INLINE static void filter(const Vec (&g)[3], Vec (&u)[filters]) {
    u[0] = g[0];
    u[1] = g[2];
    u[2] = 0.5f * (g[0] + g[1] + g[2]);
    u[3] = 0.5f * (g[0] - g[1] - g[2]);
    u[4] = 0.5f * (g[2] - g[0] - g[1]);
  }
  WEFT_ALWAYS_INLINE static void filter_transposed(const Vec (&u)[filters], Vec (&g)[3]) {
    g[0] = u[0] + 0.5f * (u[2] + u[3] - u[4]);
    g[1] = 0.5f * (u[2] - u[3] - u[4]);
    g[2] = u[1] + 0.5f * (u[2] - u[3] + u[4]);
  }
  WEFT_ALWAYS_INLINE static void output(const Vec (&m)[sums], Vec (&y)[out]) {
    y[0] = m[0] + m[2] + m[3];
    y[1] = m[2] + m[4];
    y[2] = m[2] - m[3];
    y[3] = m[1] + m[2] - m[4];
  }
  WEFT_ALWAYS_INLINE static void output_transposed(const Vec (&y)[out], Vec (&m)[sums]) {
    m[0] = y[0];
    m[1] = y[3];
    m[2] = (y[0] + y[1]) + (y[2] + y[3]);
    m[3] = y[0] - y[2];
    m[4] = y[1] - y[3];
  }
};

struct UpsampledSixForm {
  static constexpr int in = 5, step = 3, out = 6;
  static constexpr int values = 5, filters = 7, sums = 7;
  static constexpr int value_of[filters] = {0, 1, 2, 3, 3, 4, 4};  // at 0, infinity, 1, -2, -1/2
  static constexpr int first_filter[sums + 1] = {0, 1, 2, 3, 4, 5, 6, 7};

  WEFT_ALWAYS_INLINE static void input(const Vec (&d)[in], Vec (&v)[values]) {
    v[0] = (d[0] - d[3]) + 1.5f * (d[1] - d[2]);
    v[1] = (d[4] - d[1]) + 1.5f * (d[3] - d[2]);
    v[2] = (d[1] + d[3]) + 2.5f * d[2];
    v[3] = d[3] - 0.5f * (d[1] + d[2]);
    v[4] = d[1] - 0.5f * (d[2] + d[3]);
  }
  WEFT_ALWAYS_INLINE static void filter(const Vec (&g)[3], Vec (&u)[filters]) {
    const Vec a = g[1] + g[2], b = g[0] + g[1];
    u[0] = g[0];
    u[1] = g[2];
    u[2] = (g[0] + a) * (2.0f / 9);
    u[3] = (a - 0.5f * g[0]) * (2.0f / 9);
    u[4] = (b - 2.0f * g[2]) * (2.0f / 9);
    u[5] = (a - 2.0f * g[0]) * (8.0f / 9);
    u[6] = (b - 0.5f * g[2]) * (8.0f / 9);
  }
  WEFT_ALWAYS_INLINE static void filter_transposed(const Vec (&u)[filters], Vec (&g)[3]) {
    const Vec s = u[2] * (2.0f / 9), a_2 = u[3] * (2.0f / 9), b_2 = u[4] * (2.0f / 9);
    const Vec a_half = u[5] * (8.0f / 9), b_half = u[6] * (8.0f / 9);
    const Vec a = a_2 + a_half, b = b_2 + b_half;
    g[0] = (u[0] + s + b) - (0.5f * a_2 + 2.0f * a_half);
    g[1] = s + (a + b);
    g[2] = (u[1] + s + a) - (2.0f * b_2 + 0.5f * b_half);
  }
  WEFT_ALWAYS_INLINE static void output(const Vec (&m)[sums], Vec (&y)[out]) {
    y[0] = (m[0] + m[2]) + (m[3] + m[5]);
    y[1] = m[2] + (m[4] + m[6]);
    y[2] = m[2] - 2.0f * m[3] - 0.5f * m[5];
    y[3] = m[2] - 2.0f * m[4] - 0.5f * m[6];
    y[4] = m[2] + 4.0f * m[3] + 0.25f * m[5];
    y[5] = (m[1] + m[2]) + 4.0f * m[4] + 0.25f * m[6];
  }
  WEFT_ALWAYS_INLINE static void output_transposed(const Vec (&y)[out], Vec (&m)[sums]) {
    m[0] = y[0];
    m[1] = y[5];
    m[2] = (y[0] + y[1]) + (y[2] + y[3]) + (y[4] + y[5]);
    m[3] = (y[0] - 2.0f * y[2]) + 4.0f * y[4];
    m[4] = (y[1] - 2.0f * y[3]) + 4.0f * y[5];
    m[5] = (y[0] - 0.5f * y[2]) + 0.25f * y[4];
    m[6] = (y[1] - 0.5f * y[3]) + 0.25f * y[5];
  }
};

struct WideUpsampledForm {
  static constexpr int in = 6, step = 4, out = 8;
  static constexpr int values = 6, filters = 9, sums = 9;
  static constexpr int value_of[filters] = {0, 1, 2, 3, 3, 4, 4, 5, 5};
  static constexpr int first_filter[sums + 1] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};

  WEFT_ALWAYS_INLINE static void input(const Vec (&d)[in], Vec (&v)[values]) {
    const Vec even_1 = d[4] - 0.25f * d[2], odd_1 = d[3] - 0.25f * d[1];
    const Vec even_half = d[4] - d[2], odd_half = 0.5f * (d[3] - d[1]);
    v[0] = d[0] + (4.0f * d[4] - 5.0f * d[2]);
    v[1] = 0.25f * d[1] + (d[5] - 1.25f * d[3]);
    plus_and_minus(even_1, odd_1, v[2], v[3]);
    plus_and_minus(even_half, odd_half, v[4], v[5]);
  }
  WEFT_ALWAYS_INLINE static void filter(const Vec (&g)[3], Vec (&u)[filters]) {
    const Vec a = g[1] + g[2], b = g[0] + g[1];
    u[0] = g[0];
    u[1] = g[2];
    u[2] = (g[0] + a) * (2.0f / 3);
    u[3] = (g[0] - a) * (2.0f / 3);
    u[4] = (g[2] - b) * (2.0f / 3);
    u[5] = (g[0] + 0.5f * a) * (-8.0f / 3);
    u[6] = (b + 0.5f * g[2]) * (-4.0f / 3);
    u[7] = (g[0] - 0.5f * a) * (-8.0f / 3);
    u[8] = (b - 0.5f * g[2]) * (4.0f / 3);
  }
  WEFT_ALWAYS_INLINE static void output(const Vec (&m)[sums], Vec (&y)[out]) {
    output_phase(m[2], m[3], m[5], m[7], y[0], y[2], y[4], y[6]);
    output_phase(m[2], m[4], m[6], m[8], y[1], y[3], y[5], y[7]);
    y[0] += m[0];
    y[7] += m[1];
  }

 private:
  /// Every other output: y_i = 1^i m(1) + (-1)^i m(-1) + (1/2)^i m(1/2) + (-1/2)^i m(-1/2).
  WEFT_ALWAYS_INLINE static void output_phase(Vec m_1, Vec m_minus_1, Vec m_half, Vec m_minus_half, Vec& y0, Vec& y1,
                                              Vec& y2, Vec& y3) {
    const Vec even_1 = m_1 + m_minus_1, odd_1 = m_1 - m_minus_1;
    const Vec even_half = m_half + m_minus_half, odd_half = m_half - m_minus_half;
    y0 = even_1 + even_half;
    y1 = odd_1 + 0.5f * odd_half;
    y2 = even_1 + 0.25f * even_half;
    y3 = odd_1 + 0.125f * odd_half;
  }
};

struct PooledForm {
  static constexpr int in = 6, step = 4, out = 2;
  static constexpr int values = 5, filters = 5, sums = 3;
  static constexpr int value_of[filters] = {0, 1, 2, 3, 4};
  static constexpr int first_filter[sums + 1] = {0, 2, 3, 5};

  WEFT_ALWAYS_INLINE static void input(const Vec (&d)[in], Vec (&v)[values]) {
    v[0] = d[1] - d[3];
    v[1] = d[0] - d[2];
    v[2] = d[2] + d[3];
    v[3] = d[5] - d[3];
    v[4] = d[4] - d[2];
  }
  WEFT_ALWAYS_INLINE static void filter(const Vec (&g)[3], Vec (&u)[filters]) {
    u[0] = g[1] + g[2];
    u[1] = g[2];
    u[2] = g[0] + g[1] + g[2];
    u[3] = g[0];
    u[4] = g[0] + g[1];
  }
  WEFT_ALWAYS_INLINE static void output(const Vec (&m)[sums], Vec (&y)[out]) {
    y[0] = m[0] + m[1];
    y[1] = m[1] + m[2];
  }
};

struct PooledSixForm {
  static constexpr int in = 8, step = 6, out = 3;
  static constexpr int values = 7, filters = 7, sums = 4;
  static constexpr int value_of[filters] = {0, 1, 2, 3, 4, 5, 6};
  static constexpr int first_filter[sums + 1] = {0, 2, 3, 5, 7};  // at 0, 1, -1, infinity

  WEFT_ALWAYS_INLINE static void input(const Vec (&d)[in], Vec (&v)[values]) {
    v[0] = d[1] - d[5];
    v[1] = d[0] - d[4];
    v[2] = (d[3] + d[5]) + (d[2] + d[4]);
    v[3] = d[5] - d[3];
    v[4] = d[4] - d[2];
    v[5] = d[7] - d[3];
    v[6] = d[6] - d[2];
  }
  WEFT_ALWAYS_INLINE static void filter(const Vec (&g)[3], Vec (&u)[filters]) {
    u[0] = g[1] + g[2];
    u[1] = g[2];
    u[2] = 0.5f * (g[0] + g[1] + g[2]);
    u[3] = 0.5f * (g[1] + g[2] - g[0]);
    u[4] = 0.5f * (g[2] - g[0] - g[1]);
    u[5] = g[0];
    u[6] = g[0] + g[1];
  }
  WEFT_ALWAYS_INLINE static void output(const Vec (&m)[sums], Vec (&y)[out]) {
    y[0] = m[0] + m[1] + m[2];
    y[1] = m[1] - m[2];
    y[2] = m[1] + m[2] + m[3];
  }
};

}  // namespace
}  // namespace weft::kernels::WEFT_ISA
