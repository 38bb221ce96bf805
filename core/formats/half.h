#pragma once
// The two 16-bit floating-point formats of weight files, from bits alone and from products and sums of normal floats
// whose rounding is fixed, so that the result does not depend on the processor or on its flush-to-zero mode.
//
//            sign exponent mantissa   largest   smallest normal   smallest subnormal
//   F16      1    5        10         65504     2^-14             2^-24      IEEE 754 binary16
//   BF16     1    8        7          3.39e38   2^-126            2^-133     the upper half of a float32
//
// Widening is exact. Narrowing rounds to nearest, ties to even; what rounds beyond the largest number
// becomes infinity; a NaN stays a (quiet) NaN.

#include <cstddef>
#include <cstdint>

namespace weft {

float f16_to_f32(std::uint16_t bits);
float bf16_to_f32(std::uint16_t bits);
std::uint16_t f32_to_f16(float value);
std::uint16_t f32_to_bf16(float value);

/// `count` numbers at once; `bits` (little-endian, 2 bytes each) need not be aligned.
void f16_to_f32(const std::byte* bits, std::size_t count, float* values);
void bf16_to_f32(const std::byte* bits, std::size_t count, float* values);
void f32_to_f16(const float* values, std::size_t count, std::byte* bits);

}  // namespace weft
