#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "core/formats/half.h"
#include "core/random.h"
#include "tests/catch.h"

using namespace weft;

namespace {

/// The value of a binary floating-point number by its definition, in double, which holds all of them exactly.
double by_definition(std::uint32_t bits, int exponent_bits, int mantissa_bits) {
  const std::uint32_t mantissa = bits & ((1u << mantissa_bits) - 1), all_ones = (1u << exponent_bits) - 1;
  const std::uint32_t exponent = bits >> mantissa_bits & all_ones;
  const double sign = bits >> (exponent_bits + mantissa_bits) & 1u ? -1 : 1;
  const int bias = static_cast<int>(all_ones >> 1);
  if (exponent == all_ones)
    return mantissa ? std::numeric_limits<double>::quiet_NaN() : sign * std::numeric_limits<double>::infinity();
  if (exponent == 0) return sign * std::ldexp(mantissa, 1 - bias - mantissa_bits);
  return sign * std::ldexp(1.0 + std::ldexp(mantissa, -mantissa_bits), static_cast<int>(exponent) - bias);
}

bool same(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || (a == b && std::signbit(a) == std::signbit(b));
}

}  // namespace

TEST_CASE("all 65536 numbers of both half formats widen to their value and narrow back to themselves", "[formats]") {
  int wrong = 0;
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float from_f16 = f16_to_f32(half), from_bf16 = bf16_to_f32(half);
    wrong += !same(from_f16, by_definition(bits, 5, 10));
    wrong += !same(from_bf16, by_definition(bits, 8, 7));
    // A NaN stays one, with the quiet bit set.
    wrong += f32_to_f16(from_f16) != (std::isnan(from_f16) ? half | 0x0200 : half);
    wrong += f32_to_bf16(from_bf16) != (std::isnan(from_bf16) ? half | 0x0040 : half);
  }
  CHECK(wrong == 0);
}

TEST_CASE("narrowing rounds to nearest, ties to even, between every pair of neighbours", "[formats]") {
  int wrong = 0;
  const auto check = [&](auto narrow, auto widen, std::uint16_t low) {
    const auto high = static_cast<std::uint16_t>(low + 1), even = low % 2 == 0 ? low : high;
    const double a = widen(low), b = widen(high);
    const auto middle = static_cast<float>(a + (b - a) / 2);  // exact: float has more bits than either
    wrong += narrow(middle) != even;
    wrong += narrow(std::nextafter(middle, 0.0f)) != low;
    wrong += narrow(std::nextafter(middle, INFINITY)) != high;
    wrong += narrow(-middle) != (even | 0x8000);
  };
  const auto widen_f16 = [](std::uint16_t half) { return f16_to_f32(half); };
  const auto widen_bf16 = [](std::uint16_t half) { return bf16_to_f32(half); };
  for (std::uint16_t low = 0; low < 0x7BFF; ++low) check([](float x) { return f32_to_f16(x); }, widen_f16, low);
  for (std::uint16_t low = 0; low < 0x7F7F; ++low) check([](float x) { return f32_to_bf16(x); }, widen_bf16, low);
  CHECK(wrong == 0);

  // Beyond the largest number: below the middle to the next power of two it rounds down, from the middle on to
  // infinity.
  CHECK(f32_to_f16(65504.0f) == 0x7BFF);
  CHECK(f32_to_f16(std::nextafter(65520.0f, 0.0f)) == 0x7BFF);
  CHECK(f32_to_f16(65520.0f) == 0x7C00);
  CHECK(f32_to_f16(-1e30f) == 0xFC00);
  CHECK(f32_to_bf16(std::numeric_limits<float>::max()) == 0x7F80);
  CHECK(f32_to_f16(INFINITY) == 0x7C00);
  CHECK(f32_to_f16(std::numeric_limits<float>::denorm_min()) == 0);
}

TEST_CASE("a whole array converts as its numbers do", "[formats]") {
  Random random(7);
  std::vector<float> values(101);
  for (float& value : values) value = static_cast<float>(random.normal() * std::exp2(random.uniform(-30, 20)));
  std::vector<std::byte> bits(2 * values.size() + 1);
  std::vector<float> back(values.size());
  f32_to_f16(values.data(), values.size(), bits.data() + 1);  // an odd address
  f16_to_f32(bits.data() + 1, values.size(), back.data());
  for (std::size_t i = 0; i < values.size(); ++i) CHECK(back[i] == f16_to_f32(f32_to_f16(values[i])));
  bf16_to_f32(bits.data() + 1, values.size(), back.data());
  for (std::size_t i = 0; i < values.size(); ++i) {
    CHECK(same(back[i], bf16_to_f32(f32_to_f16(values[i]))));  // the same 16 bits, read the other way
  }
}
