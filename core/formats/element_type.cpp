#include "core/formats/element_type.h"

#include <fmt/ranges.h>

#include <array>
#include <concepts>
#include <cstring>
#include <limits>
#include <type_traits>

#include "core/check.h"
#include "core/formats/half.h"

namespace weft {

namespace {

struct TypeFacts {
  ElementType type;
  std::string_view name;
  unsigned bits;
};

// In the order of the enum, so that a type is its own index.
constexpr std::array facts{
    TypeFacts{ElementType::BOOL, "BOOL", 8},       TypeFacts{ElementType::U8, "U8", 8},
    TypeFacts{ElementType::I8, "I8", 8},           TypeFacts{ElementType::U16, "U16", 16},
    TypeFacts{ElementType::I16, "I16", 16},        TypeFacts{ElementType::F16, "F16", 16},
    TypeFacts{ElementType::BF16, "BF16", 16},      TypeFacts{ElementType::U32, "U32", 32},
    TypeFacts{ElementType::I32, "I32", 32},        TypeFacts{ElementType::F32, "F32", 32},
    TypeFacts{ElementType::U64, "U64", 64},        TypeFacts{ElementType::I64, "I64", 64},
    TypeFacts{ElementType::F64, "F64", 64},        TypeFacts{ElementType::C64, "C64", 64},
    TypeFacts{ElementType::F8_E4M3, "F8_E4M3", 8}, TypeFacts{ElementType::F8_E5M2, "F8_E5M2", 8},
    TypeFacts{ElementType::F8_E8M0, "F8_E8M0", 8}, TypeFacts{ElementType::F6_E2M3, "F6_E2M3", 6},
    TypeFacts{ElementType::F6_E3M2, "F6_E3M2", 6}, TypeFacts{ElementType::F4, "F4", 4},
};

constexpr bool facts_are_in_order() {
  for (std::size_t i = 0; i < facts.size(); ++i) {
    if (static_cast<std::size_t>(facts[i].type) != i) return false;
  }
  return true;
}
static_assert(facts_are_in_order());

const TypeFacts& facts_of(ElementType type) { return facts[static_cast<std::size_t>(type)]; }

/// One number of a type that C++ knows.
template <class From>
From load(const std::byte* position) {
  From value;
  std::memcpy(&value, position, sizeof(value));
  return value;
}

template <class From, class To>
void convert(std::span<const std::byte> bytes, To* out) {
  const std::size_t count = bytes.size() / sizeof(From);
  if constexpr (std::is_same_v<From, To>) {
    if (count > 0) std::memcpy(out, bytes.data(), count * sizeof(From));
  } else {
    for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<To>(load<From>(bytes.data() + i * sizeof(From)));
  }
}

/// Calls convert for the integer types; false where `type` is none of them.
template <class To>
bool convert_integers(ElementType type, std::span<const std::byte> bytes, To* out) {
  switch (type) {
    case ElementType::BOOL:
      for (std::size_t i = 0; i < bytes.size(); ++i) out[i] = bytes[i] != std::byte{0} ? To{1} : To{0};
      return true;
    case ElementType::U8: return convert<std::uint8_t>(bytes, out), true;
    case ElementType::I8: return convert<std::int8_t>(bytes, out), true;
    case ElementType::U16: return convert<std::uint16_t>(bytes, out), true;
    case ElementType::I16: return convert<std::int16_t>(bytes, out), true;
    case ElementType::U32: return convert<std::uint32_t>(bytes, out), true;
    case ElementType::I32: return convert<std::int32_t>(bytes, out), true;
    case ElementType::U64: return convert<std::uint64_t>(bytes, out), true;
    case ElementType::I64: return convert<std::int64_t>(bytes, out), true;
    default: return false;
  }
}

}  // namespace

std::string_view name_of(ElementType type) { return facts_of(type).name; }

std::optional<ElementType> element_type(std::string_view name) {
  for (const TypeFacts& one : facts) {
    if (one.name == name) return one.type;
  }
  return std::nullopt;
}

unsigned bits_of(ElementType type) { return facts_of(type).bits; }

bool is_floating(ElementType type) {
  return type == ElementType::F16 || type == ElementType::BF16 || type == ElementType::F32 || type == ElementType::F64;
}

std::optional<std::int64_t> element_count(std::span<const std::int64_t> shape) {
  std::int64_t count = 1;
  for (const std::int64_t size : shape) {
    if (size < 0 || __builtin_mul_overflow(count, size, &count)) return std::nullopt;
  }
  return count;
}

std::optional<std::uint64_t> byte_count(ElementType type, std::span<const std::int64_t> shape) {
  const std::optional<std::int64_t> count = element_count(shape);
  std::uint64_t bits = 0;
  if (!count || __builtin_mul_overflow(static_cast<std::uint64_t>(*count), bits_of(type), &bits)) return std::nullopt;
  if (bits % 8 != 0) return std::nullopt;
  return bits / 8;
}

std::string shape_text(std::span<const std::int64_t> shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

void to_f32(ElementType type, std::span<const std::byte> bytes, float* out) {
  switch (type) {
    case ElementType::F32: return convert<float>(bytes, out);
    case ElementType::F64: return convert<double>(bytes, out);
    case ElementType::F16: return f16_to_f32(bytes.data(), bytes.size() / 2, out);
    case ElementType::BF16: return bf16_to_f32(bytes.data(), bytes.size() / 2, out);
    default: WEFT_CHECK(convert_integers(type, bytes, out), "cannot read numbers of type {}", name_of(type));
  }
}

void to_f64(ElementType type, std::span<const std::byte> bytes, double* out) {
  if (type == ElementType::F64) return convert<double>(bytes, out);
  if (!is_floating(type)) {
    WEFT_CHECK(convert_integers(type, bytes, out), "cannot read numbers of type {}", name_of(type));
    return;
  }
  std::vector<float> narrow(bytes.size() * 8 / bits_of(type));
  to_f32(type, bytes, narrow.data());
  for (std::size_t i = 0; i < narrow.size(); ++i) out[i] = narrow[i];
}

void to_i64(ElementType type, std::span<const std::byte> bytes, std::int64_t* out) {
  if (type == ElementType::U64) {
    for (std::size_t i = 0; i < bytes.size(); i += 8) {
      const auto value = load<std::uint64_t>(bytes.data() + i);
      WEFT_CHECK(value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()),
                 "{} does not fit into a signed 64-bit integer", value);
    }
  }
  WEFT_CHECK(convert_integers(type, bytes, out), "expected integers, got numbers of type {}", name_of(type));
}

}  // namespace weft
