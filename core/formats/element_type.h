#pragma once
// The types of numbers that weight files hold, by safetensors' names, and their conversion to the two
// that weft computes with: float for weights, int64 for counters.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weft {

/// Every type that the safetensors specification names. Those from C64 on can be listed, not read.
enum class ElementType : std::uint8_t {
  BOOL,
  U8,
  I8,
  U16,
  I16,
  F16,
  BF16,
  U32,
  I32,
  F32,
  U64,
  I64,
  F64,
  C64,
  F8_E4M3,
  F8_E5M2,
  F8_E8M0,
  F6_E2M3,
  F6_E3M2,
  F4,
};

/// "F32".
std::string_view name_of(ElementType type);
/// nullopt where no type has this name.
std::optional<ElementType> element_type(std::string_view name);
/// The size of one number: 32 for F32, 4 for F4.
unsigned bits_of(ElementType type);
/// True for the types that read as floating-point numbers (F16, BF16, F32, F64).
bool is_floating(ElementType type);

/// The product of the sizes; nullopt where one is negative or the product leaves int64.
std::optional<std::int64_t> element_count(std::span<const std::int64_t> shape);
/// The bytes that a contiguous array takes; nullopt where the arithmetic overflows or the last byte would be
/// part-filled.
std::optional<std::uint64_t> byte_count(ElementType type, std::span<const std::int64_t> shape);
/// "[2, 3]".
std::string shape_text(std::span<const std::int64_t> shape);

/// Converts the numbers in `bytes` (little-endian, any alignment) to float32; F64 and large integers are rounded to
/// nearest, a bool is 0 or 1. Throws Error for types that weft does not read: "cannot read numbers of type F8_E4M3".
void to_f32(ElementType type, std::span<const std::byte> bytes, float* out);
/// The same to double, exact but for 64-bit integers beyond 2^53.
void to_f64(ElementType type, std::span<const std::byte> bytes, double* out);
/// Converts integers and bools to int64. Throws Error for other types and for a U64 above 2^63 - 1.
void to_i64(ElementType type, std::span<const std::byte> bytes, std::int64_t* out);

}  // namespace weft
