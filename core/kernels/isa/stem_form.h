#pragma once
// Minimal filtering along one axis of a convolution with seven taps, stride 2 and padding 3: the first layer of ResNet.
//
//   y_i = sum over t of w_t d[2i + t]                              t = 0..6
//       = sum over j of w_2j e[i + j]  +  sum over j of w_(2j+1) o[i + j]        e_i = d[2i], o_i = d[2i + 1]
//
// The even inputs meet a filter of four taps, the odd ones a filter of three. n neighbouring outputs of each are
// coefficients of products of polynomials, known from values at n + 3 and n + 2 points (Winograd 1980). Both take their
// points from 0, p, -p, q, -q, ... and infinity; the odd filter leaves out 0. What an output takes of a product depends
// on its point alone, so products of the same point are added up at once: n + 3 sums.
//
//   form          points                       products   directly   sums
//   ThreeOutputs  0, +-sqrt(1/2), +-sqrt(2)    11         21         6
//   FiveOutputs   0, +-1/2, +-1, +-2           15         35         8
//
// sqrt(1/2) and sqrt(2) for the reasons of winograd_forms.h; of the three pairs that were tried, these rounded least.
// In two dimensions three rows of five outputs take 165 products in place of 735: 11 for an output instead of 49. Three
// rows of three take 13.4 and round half to two thirds less (measured on 120 x 130 pixels). Four of four, from the
// points 0, +-1/2, +-1 and 2, would take 10.6 and round up to three times more.

#include "core/kernels/isa/winograd_forms.h"

namespace weft::kernels::WEFT_ISA {
namespace {

constexpr int stem_taps = 7, stem_padding = 3;

struct ThreeOutputs {
  static constexpr int in = 11, step = 6, out = 3;  // inputs of a tile, inputs from tile to tile, outputs
  static constexpr int values = 11, filters = 11, sums = 6;
  static constexpr int first_filter[sums + 1] = {0, 1, 3, 5, 7, 9, 11};    // a point's even value, then its odd one
  static constexpr int sum[values] = {0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5};    // where a value's product is added,
  static constexpr int place[values] = {0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1};  // and its place among those
  static constexpr float a = root_half, b = root_two;

  template <class V>
  WEFT_ALWAYS_INLINE static void input(const V (&d)[in], V (&v)[values]) {
    v[0] = d[0] + (d[8] - 2.5f * d[4]);
    values_at_roots(d[2], d[4], d[6], d[8], v[1], v[3], v[5], v[7]);
    v[9] = d[2] + (d[10] - 2.5f * d[6]);
    values_at_roots(d[1], d[3], d[5], d[7], v[2], v[4], v[6], v[8]);
    v[10] = d[1] + (d[9] - 2.5f * d[5]);
  }
  WEFT_ALWAYS_INLINE static void filter(const Vec (&g)[stem_taps], Vec (&u)[filters]) {
    const Vec even_a = (g[0] + 0.5f * g[4]) * (-2.0f / 3), odd_a = (g[2] + 0.5f * g[6]) * (-2.0f / 3 * a);
    const Vec even_b = (g[0] + 2.0f * g[4]) * (1.0f / 6), odd_b = (g[2] + 2.0f * g[6]) * (1.0f / 6 * b);
    u[0] = g[0];
    plus_and_minus(even_a, odd_a, u[1], u[3]);
    plus_and_minus(even_b, odd_b, u[5], u[7]);
    u[9] = g[6];
    const Vec outer_a = (g[1] + 0.5f * g[5]) * (b / 3), inner_a = g[3] * (1.0f / 3);
    const Vec outer_b = (g[1] + 2.0f * g[5]) * (a / 3), inner_b = g[3] * (1.0f / 3);
    u[2] = -outer_a - inner_a;
    u[4] = outer_a - inner_a;
    u[6] = outer_b + inner_b;
    u[8] = inner_b - outer_b;
    u[10] = g[5];
  }
  WEFT_ALWAYS_INLINE static void filter_transposed(const Vec (&u)[filters], Vec (&g)[stem_taps]) {
    const Vec even_a = (u[1] + u[3]) * (-2.0f / 3), odd_a = (u[1] - u[3]) * (-2.0f / 3 * a);
    const Vec even_b = (u[5] + u[7]) * (1.0f / 6), odd_b = (u[5] - u[7]) * (1.0f / 6 * b);
    g[0] = u[0] + even_a + even_b;
    g[2] = odd_a + odd_b;
    g[4] = 0.5f * even_a + 2.0f * even_b;
    g[6] = 0.5f * odd_a + 2.0f * odd_b + u[9];
    const Vec outer_a = (u[4] - u[2]) * (b / 3), outer_b = (u[6] - u[8]) * (a / 3);
    g[1] = outer_a + outer_b;
    g[3] = ((u[6] + u[8]) - (u[2] + u[4])) * (1.0f / 3);
    g[5] = 0.5f * outer_a + 2.0f * outer_b + u[10];
  }
  WEFT_ALWAYS_INLINE static void output(const Vec (&m)[sums], Vec (&y)[out]) {
    const Vec even_a = m[1] + m[2], even_b = m[3] + m[4];
    y[0] = m[0] + even_a + even_b;
    y[1] = a * (m[1] - m[2]) + b * (m[3] - m[4]);
    y[2] = m[5] + 0.5f * even_a + 2.0f * even_b;
  }
  WEFT_ALWAYS_INLINE static void output_transposed(const Vec (&y)[out], Vec (&m)[sums]) {
    const Vec even_a = y[0] + 0.5f * y[2], even_b = y[0] + 2.0f * y[2];
    m[0] = y[0];
    m[1] = even_a + a * y[1];
    m[2] = even_a - a * y[1];
    m[3] = even_b + b * y[1];
    m[4] = even_b - b * y[1];
    m[5] = y[2];
  }
};

struct FiveOutputs {
  static constexpr int in = 15, step = 10, out = 5;
  static constexpr int values = 15, filters = 15, sums = 8;
  static constexpr int first_filter[sums + 1] = {0, 1, 3, 5, 7, 9, 11, 13, 15};
  static constexpr int sum[values] = {0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7};
  static constexpr int place[values] = {0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1};

  template <class V>
  WEFT_ALWAYS_INLINE static void input(const V (&d)[in], V (&v)[values]) {
    v[0] = (d[0] - d[12]) + 5.25f * (d[8] - d[4]);
    values_at_halves(d[2], d[4], d[6], d[8], d[10], d[12], v[1], v[3], v[5], v[7], v[9], v[11]);
    v[13] = (d[14] - d[2]) + 5.25f * (d[6] - d[10]);
    values_at_halves(d[1], d[3], d[5], d[7], d[9], d[11], v[2], v[4], v[6], v[8], v[10], v[12]);
    v[14] = (d[13] - d[1]) + 5.25f * (d[5] - d[9]);
  }
  WEFT_ALWAYS_INLINE static void filter(const Vec (&g)[stem_taps], Vec (&u)[filters]) {
    u[0] = g[0];
    plus_and_minus(32.0f / 45 * (g[0] + 0.25f * g[4]), 16.0f / 45 * (g[2] + 0.25f * g[6]), u[1], u[3]);
    plus_and_minus(-2.0f / 9 * (g[0] + g[4]), -2.0f / 9 * (g[2] + g[6]), u[5], u[7]);
    plus_and_minus(1.0f / 90 * (g[0] + 4.0f * g[4]), 1.0f / 45 * (g[2] + 4.0f * g[6]), u[9], u[11]);
    u[13] = g[6];
    plus_and_minus(8.0f / 45 * g[3], 16.0f / 45 * (g[1] + 0.25f * g[5]), u[2], u[4]);
    plus_and_minus(-2.0f / 9 * g[3], -2.0f / 9 * (g[1] + g[5]), u[6], u[8]);
    plus_and_minus(2.0f / 45 * g[3], 1.0f / 45 * (g[1] + 4.0f * g[5]), u[10], u[12]);
    u[14] = g[5];
  }
  WEFT_ALWAYS_INLINE static void output(const Vec (&m)[sums], Vec (&y)[out]) {
    const Vec even_half = m[1] + m[2], even_1 = m[3] + m[4], even_2 = m[5] + m[6];
    const Vec odd_half = m[1] - m[2], odd_1 = m[3] - m[4], odd_2 = m[5] - m[6];
    y[0] = m[0] + even_half + even_1 + even_2;
    y[1] = 0.5f * odd_half + odd_1 + 2.0f * odd_2;
    y[2] = 0.25f * even_half + even_1 + 4.0f * even_2;
    y[3] = 0.125f * odd_half + odd_1 + 8.0f * odd_2;
    y[4] = 0.0625f * even_half + even_1 + 16.0f * even_2 + m[7];
  }
};

/// How many values meet in sum a Columns::sums + b, for each channel. `Rows` is the form along the first axis, from row
/// to row, `Columns` the one along rows.
template <class Rows, class Columns>
constexpr int stem_values_in(int sum) {
  return filters_in<Rows>(sum / Columns::sums) * filters_in<Columns>(sum % Columns::sums);
}

}  // namespace
}  // namespace weft::kernels::WEFT_ISA
