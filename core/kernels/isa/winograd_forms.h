#pragma once
// Minimal filtering along one axis: `out` neighbouring outputs of a 3-tap filter from fewer products than taps * out.
// In two dimensions the forms are applied along rows and then along columns, and the savings multiply.
//
//   y = A' [ (G g) . (B' d) ]       d: the tile's inputs, g: the filter, ".": product by product
//
// B' d are the `values`, G g the `filters`, their products add up to `sums`. Over channels, each product is a matrix
// product [tiles x Cin] [Cin x Cout], and there the time goes: per output and channel pair a direct 3x3 convolution
// multiplies 9 times.
//
//   form        tile     products     a direct way needs     per output in 2D     source
//   Same        4 of 6   6            12                     36 / 16 = 2.25       F(4, 3): Lavin & Gray 2015
//   SameSix     6 of 8   8            18                     64 / 36 = 1.78       F(6, 3): the same
//   Upsampled   4 of 4   5            12 (8 by phases)       25 / 16 = 1.56       below
//   UpsampledSix  6 of 5   7          18 (12 by phases)      49 / 36 = 1.36       below
//   Wide        8 of 6   9            24 (16 by phases)      81 / 64 = 1.27       below
//   Pooled      2 of 6   5            8                      25 / 4  (of 16)      below
//   PooledSix   3 of 8   7            12                     49 / 9  (of 16)      below
//   Strided     2 of 5   5            6                      25 / 4  (of 9)       below
//   Spread      4 of 3   5            6                      25 / 16 (of 2.25)    below
//
// Same. The values are those of polynomials at the points 0, a, -a, b, -b and infinity (Winograd 1980), so even and odd
// powers are shared between a point and its negative. The usual points, 1 and 2, make sums of very different sizes;
// a = sqrt(1/2) and b = 1/a keep them close, at the same cost, and round four times less (Barabasz et al. 2018,
// arXiv:1803.10986, on choosing points). a a = 1/2, b b = 2, a b = 1, so few other constants appear.
//
// SameSix has two more points: 0, 1, -1, 2, -2, 1/2, -1/2 and infinity. With q = z^6 - 21/4 z^4 + 21/4 z^2 - 1, the
// product of all z^2 - p^2, the value at a point p is that of z q / (z - p), as sums of d: even powers are shared
// again. Powers up to 32 meet in an output, so it rounds three to four times as much as Same, and has 64 filters
// instead of 36.
//
// Upsampled. With x[-1], x[0], x[1], x[2] at half resolution the four outputs are
//   y0 = w0 x[-1] + (w1 + w2) x0      y1 = (w0 + w1) x0 + w2 x1      s = w0 + w1 + w2
//   y2 = w0 x0 + (w1 + w2) x1         y3 = (w0 + w1) x1 + w2 x2
// Even and odd outputs are two filters of two taps, a = (w0, w1 + w2) and b = (w0 + w1, w2). As polynomials, the
// adjoint map is dx(z) = e(z) a(z) + z o(z) b(z), e and o the even and odd outputs' gradients: cubic, so its values at
// 0, 1, -1 and infinity tell it. At 0 and infinity one term vanishes, and at 1 both filters are s, so one product
// serves both: 1 + 1 + 1 + 2 = 5 products (Toom and Cook's method, plus the shared point). The form below is the
// transpose of that. All its coefficients are 0, 1 and 1/2: its rounding error is that of the direct sum.
//
// UpsampledSix: three neighbouring x, six outputs, dx(z) of the fourth degree. The points are 0, infinity, 1, and -2
// and -1/2 with two products each, 1 + 1 + 1 + 2 + 2 = 7. Of all pairs this one rounds least, two to three times as
// much as the direct sum; the two points are each other's mirror images, and so are their values.
//
// Wide is the same with twice the outputs: dx(z) is of the fifth degree, and the points 1/2 and -1/2 join the four, two
// products each. It rounds about as Same does, and has more filters for fewer tiles: for layers of few channels.
//
// Pooled. With dy[-1 .. 4] the gradients of two neighbouring inputs are
//   dx_i = (w1 + w2) e_i + w0 e_(i+1) + w2 o_(i-1) + (w0 + w1) o_i           e_i = dy[2i], o_i = dy[2i + 1]
// Two filters of two taps again: each F(2, 2) by 3 products, where the middle ones, s e_1 and s o_0, are added first.
//
// PooledSix takes six gradients to three inputs: each filter is F(3, 2) with the points 0, 1, -1 and infinity. At 1
// both are s, and again their values are added first: 4 + 4 - 1 products.
//
// Strided, a convolution with stride 2 and padding 1. With e_i = x[2i] and o_i = x[2i + 1]
//   y_i = w0 o_(i-1) + w2 o_i + w1 e_i
// The odd inputs meet a filter of two taps: F(2, 2) again, and w1 e_i is added to its products.
//
// Spread, the adjoint of Strided:   dx[2i] = w1 dy_i,   dx[2i + 1] = w2 dy_i + w0 dy_(i+1).

#include "core/kernels/isa/vec.h"
#include "core/kernels/winograd_work.h"

namespace weft::kernels::WEFT_ISA {
namespace {

struct SameForm {
  static constexpr int in = 6, step = 4, out = 4;  // inputs of a tile, inputs from tile to tile, outputs
  static constexpr int values = 6, filters = 6, sums = 6;
  static constexpr int value_of[filters] = {0, 1, 2, 3, 4, 5};          // filter f meets value value_of[f] ...
  static constexpr int first_filter[sums + 1] = {0, 1, 2, 3, 4, 5, 6};  // ... and adds to the sum it lies in
  static constexpr float a = 0.70710678f, b = 1.41421356f;

  WEFT_ALWAYS_INLINE static void input(const Vec (&d)[in], Vec (&v)[values]) {
    const Vec even_a = d[4] - 2.0f * d[2], odd_a = a * d[3] - b * d[1];
    const Vec even_b = d[4] - 0.5f * d[2], odd_b = b * d[3] - a * d[1];
    v[0] = d[0] + (d[4] - 2.5f * d[2]);
    v[1] = even_a + odd_a;
    v[2] = even_a - odd_a;
    v[3] = even_b + odd_b;
    v[4] = even_b - odd_b;
    v[5] = d[1] + (d[5] - 2.5f * d[3]);
  }
  WEFT_ALWAYS_INLINE static void filter(const Vec (&g)[3], Vec (&u)[filters]) {
    const Vec even_a = (g[0] + 0.5f * g[2]) * (-2.0f / 3), odd_a = g[1] * (-2.0f / 3 * a);
    const Vec even_b = (g[0] + 2.0f * g[2]) * (1.0f / 6), odd_b = g[1] * (1.0f / 6 * b);
    u[0] = g[0];
    u[1] = even_a + odd_a;
    u[2] = even_a - odd_a;
    u[3] = even_b + odd_b;
    u[4] = even_b - odd_b;
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
    m[1] = even_a + odd_a;
    m[2] = even_a - odd_a;
    m[3] = even_b + odd_b;
    m[4] = even_b - odd_b;
    m[5] = y[3];
  }
};

/// z q(z) / (z - p) at p and -p, from the even and odd powers' coefficients: q = z^4 + ... of the other two pairs.
struct SameSixForm {
  static constexpr int in = 8, step = 6, out = 6;
  static constexpr int values = 8, filters = 8, sums = 8;
  static constexpr int value_of[filters] = {0, 1, 2, 3, 4, 5, 6, 7};  // at 0, 1, -1, 2, -2, 1/2, -1/2, infinity
  static constexpr int first_filter[sums + 1] = {0, 1, 2, 3, 4, 5, 6, 7, 8};

  WEFT_ALWAYS_INLINE static void input(const Vec (&d)[in], Vec (&v)[values]) {
    const Vec even_1 = (d[2] + d[6]) - 4.25f * d[4], odd_1 = (d[1] + d[5]) - 4.25f * d[3];
    const Vec even_2 = (d[6] + 0.25f * d[2]) - 1.25f * d[4], odd_2 = 2.0f * d[5] - (2.5f * d[3] - 0.5f * d[1]);
    const Vec even_half = (d[6] + 4.0f * d[2]) - 5.0f * d[4], odd_half = 0.5f * d[5] - (2.5f * d[3] - 2.0f * d[1]);
    v[0] = (d[0] - d[6]) + 5.25f * (d[4] - d[2]);
    v[1] = even_1 + odd_1;
    v[2] = even_1 - odd_1;
    v[3] = even_2 + odd_2;
    v[4] = even_2 - odd_2;
    v[5] = even_half + odd_half;
    v[6] = even_half - odd_half;
    v[7] = (d[7] - d[1]) + 5.25f * (d[3] - d[5]);
  }
  WEFT_ALWAYS_INLINE static void filter(const Vec (&g)[3], Vec (&u)[filters]) {
    const Vec even_1 = (g[0] + g[2]) * (-2.0f / 9), odd_1 = g[1] * (-2.0f / 9);
    const Vec even_2 = (g[0] + 4.0f * g[2]) * (1.0f / 90), odd_2 = g[1] * (1.0f / 45);
    const Vec even_half = (g[0] + 0.25f * g[2]) * (32.0f / 45), odd_half = g[1] * (16.0f / 45);
    u[0] = g[0];
    u[1] = even_1 + odd_1;
    u[2] = even_1 - odd_1;
    u[3] = even_2 + odd_2;
    u[4] = even_2 - odd_2;
    u[5] = even_half + odd_half;
    u[6] = even_half - odd_half;
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
    m[1] = even_1 + odd_1;
    m[2] = even_1 - odd_1;
    m[3] = even_2 + odd_2;
    m[4] = even_2 - odd_2;
    m[5] = even_half + odd_half;
    m[6] = even_half - odd_half;
    m[7] = y[5];
  }
};

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
    v[2] = even_1 + odd_1;
    v[3] = even_1 - odd_1;
    v[4] = even_half + odd_half;
    v[5] = even_half - odd_half;
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

/// The sum that a filter's product adds to.
template <class Form>
constexpr int sum_of(int filter) {
  int sum = 0;
  while (Form::first_filter[sum + 1] <= filter) ++sum;
  return sum;
}

/// The filters that meet in a sum.
template <class Form>
constexpr int filters_in(int sum) {
  return Form::first_filter[sum + 1] - Form::first_filter[sum];
}

/// Filters of the sum (a, b) lie together: where it begins, counted in filters. `Rows` is the form along the first
/// axis.
template <class Rows, class Columns = Rows>
constexpr int sum_begin(int a, int b) {
  return Rows::first_filter[a] * Columns::filters + filters_in<Rows>(a) * Columns::first_filter[b];
}

/// The place of filter (i, j) in that order.
template <class Rows, class Columns = Rows>
constexpr int filter_place(int i, int j) {
  const int a = sum_of<Rows>(i), b = sum_of<Columns>(j);
  return sum_begin<Rows, Columns>(a, b) + (i - Rows::first_filter[a]) * filters_in<Columns>(b) + j -
         Columns::first_filter[b];
}

/// Calls body(Form{}) with the type that `form` names.
template <class Body>
WEFT_ALWAYS_INLINE void with_form(WinogradForm form, Body&& body) {
  switch (form) {
    case WinogradForm::same:
      return body(SameForm{});
    case WinogradForm::same_six:
      return body(SameSixForm{});
    case WinogradForm::upsampled:
      return body(UpsampledForm{});
    case WinogradForm::upsampled_six:
      return body(UpsampledSixForm{});
    case WinogradForm::upsampled_wide:
      return body(WideUpsampledForm{});
    case WinogradForm::pooled:
      return body(PooledForm{});
    case WinogradForm::pooled_six:
      return body(PooledSixForm{});
    case WinogradForm::strided:
      return body(StridedForm{});
    case WinogradForm::spread:
      return body(SpreadForm{});
  }
}

}  // namespace
}  // namespace weft::kernels::WEFT_ISA
