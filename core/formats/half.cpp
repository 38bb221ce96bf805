#include "core/formats/half.h"

#include <bit>
#include <cstring>

namespace weft {

namespace {

constexpr std::uint32_t sign_of_f32 = 0x8000'0000, infinity_of_f32 = 0x7F80'0000;

// (1024 + mantissa) 2^(exponent - 25), and mantissa 2^-24 for subnormals: one product for all, always exact. There is
// no branch, so that the compiler takes many numbers at once.
float widen_f16(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000u) << 16;
  const std::uint32_t exponent = (half >> 10) & 31u, is_subnormal = exponent == 0, is_not_finite = exponent == 31;
  const std::uint32_t significand = (half & 1023u) + 1024 * (1 - is_subnormal);
  const float scale = std::bit_cast<float>((exponent + is_subnormal + 127 - 25) << 23);
  const std::uint32_t bits =
      std::bit_cast<std::uint32_t>(static_cast<float>(static_cast<std::int32_t>(significand)) * scale);
  return std::bit_cast<float>(sign | (bits + is_not_finite * (112u << 23)));  // infinities and NaN: exponent 143 to 255
}

std::uint16_t narrow_f16(float value) {
  const std::uint32_t all = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (all & sign_of_f32) >> 16, bits = all & ~sign_of_f32;
  std::uint32_t half;
  if (bits > infinity_of_f32) {
    half = 0x7E00u | (bits >> 13 & 0x3FFu);
  } else if (bits >=
             std::bit_cast<std::uint32_t>(65520.0f)) {  // halfway from 65504 to 65536: the tie goes to even, infinity
    half = 0x7C00u;
  } else if (bits >= std::bit_cast<std::uint32_t>(0x1p-14f)) {
    // Adding just under half of the last kept bit, plus that bit, carries exactly when the rest rounds up.
    half = (bits + 0xFFFu + (bits >> 13 & 1u) - (112u << 23)) >> 13;
  } else {
    // Subnormal: the float32 numbers around 1/2 are 2^-24 apart, so this sum rounds to F16's own grid.
    half = std::bit_cast<std::uint32_t>(std::bit_cast<float>(bits) + 0.5f) - std::bit_cast<std::uint32_t>(0.5f);
  }
  return static_cast<std::uint16_t>(sign | half);
}

float widen_bf16(std::uint16_t half) { return std::bit_cast<float>(static_cast<std::uint32_t>(half) << 16); }

std::uint16_t load(const std::byte* bits) {
  std::uint16_t half;
  std::memcpy(&half, bits, sizeof(half));
  return half;
}

}  // namespace

static_assert(std::endian::native == std::endian::little,
              "weft's file formats are little-endian, and so must the machine be");

float f16_to_f32(std::uint16_t bits) { return widen_f16(bits); }

float bf16_to_f32(std::uint16_t bits) { return widen_bf16(bits); }

std::uint16_t f32_to_f16(float value) { return narrow_f16(value); }

std::uint16_t f32_to_bf16(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & ~sign_of_f32) > infinity_of_f32) return static_cast<std::uint16_t>(bits >> 16 | 0x40u);
  return static_cast<std::uint16_t>((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
}

void f16_to_f32(const std::byte* bits, std::size_t count, float* values) {
  for (std::size_t i = 0; i < count; ++i) values[i] = widen_f16(load(bits + 2 * i));
}

void bf16_to_f32(const std::byte* bits, std::size_t count, float* values) {
  for (std::size_t i = 0; i < count; ++i) values[i] = widen_bf16(load(bits + 2 * i));
}

void f32_to_f16(const float* values, std::size_t count, std::byte* bits) {
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint16_t half = narrow_f16(values[i]);
    std::memcpy(bits + 2 * i, &half, sizeof(half));
  }
}

}  // namespace weft
