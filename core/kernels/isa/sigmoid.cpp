// The logistic function, and the logarithm that cross-entropy needs beside it, a vector of logits at a time.
//
//   e = exp(-|z|)       sigmoid(z) = 1 / (1 + e) where z >= 0, else e / (1 + e)       softplus_tail(z) = log(1 + e)
//
// exp. With k the whole number nearest to -|z| / ln 2, -|z| = k ln 2 + r and |r| <= ln(2) / 2: e = 2^k exp(r). ln 2 is
// taken in two parts, the first of so few bits that k times it is exact (Cody & Waite 1980), and exp(r) is its Taylor
// polynomial of degree 7; the next term is below 6e-9. 2^k is put together from its bits.
//
// log. With s = e / (2 + e), log(1 + e) = 2 artanh(s) = 2 (s + s^3/3 + s^5/5 + ...). As s <= 1/3, the terms beyond s^13
// are together below 2e-8 of the sum.

#include "core/kernels/isa/kernels.h"
#include "core/kernels/isa/vec.h"

namespace weft::kernels::WEFT_ISA {
namespace {

typedef std::uint32_t Bits __attribute__((vector_size(4 * lanes)));

constexpr float log2_of_e = 1.44269504f;
constexpr float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;  // their sum is ln 2
constexpr float smallest = -87.33f;                                  // exp() of less is not a normal float: zero

/// c[0] + c[1] x + c[2] x^2 + ...
template <int count>
WEFT_ALWAYS_INLINE Vec polynomial(Vec x, const float (&c)[count]) {
  Vec sum = broadcast(c[count - 1]);
  WEFT_UNROLL
  for (int i = count - 2; i >= 0; --i) sum = sum * x + c[i];
  return sum;
}

/// exp(x) for x <= 0; a NaN passes.
WEFT_ALWAYS_INLINE Vec exp_of_negative(Vec x) {
  // Of a float of this size the last bit is worth 1, so adding it rounds, and its low bits are k.
  constexpr float rounder = 1.5f * (1 << 23);
  const Vec shifted = x * log2_of_e + rounder;
  const Vec k = shifted - rounder;
  const Vec r = (x - k * ln2_high) - k * ln2_low;
  const Vec exp_r = polynomial(r, {1, 1, 1.0f / 2, 1.0f / 6, 1.0f / 24, 1.0f / 120, 1.0f / 720, 1.0f / 5040});
  const Bits power = (reinterpret_cast<Bits>(shifted) + 127u) << 23;  // exponent 127 + k, mantissa 0: 2^k
  const Vec e = exp_r * reinterpret_cast<Vec>(power);
  return x < smallest ? Vec{} : e;
}

WEFT_ALWAYS_INLINE Vec exp_of_minus_magnitude(Vec z) { return exp_of_negative(z < 0.0f ? z : -z); }

/// to[i] = f(z[i])
template <class F>
WEFT_ALWAYS_INLINE void map(const float* z, std::int64_t count, float* to, F&& f) {
  for_each_vector(count, [&](auto part, std::int64_t i) { part.store_to(to + i, f(part.load_from(z + i))); });
}

}  // namespace

void sigmoid(const float* z, std::int64_t count, float* p) {
  map(z, count, p, [](Vec v) {
    const Vec e = exp_of_minus_magnitude(v);
    return (v < 0.0f ? e : broadcast(1)) / (1 + e);
  });
}

void softplus_tail(const float* z, std::int64_t count, float* tail) {
  map(z, count, tail, [](Vec v) {
    const Vec e = exp_of_minus_magnitude(v), s = e / (2 + e);
    return s * polynomial(s * s, {2.0f, 2.0f / 3, 2.0f / 5, 2.0f / 7, 2.0f / 9, 2.0f / 11, 2.0f / 13});
  });
}

}  // namespace weft::kernels::WEFT_ISA
