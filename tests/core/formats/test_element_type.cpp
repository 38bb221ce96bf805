#include "core/formats/element_type.h"
#include "tests/catch.h"
#include "tests/core/formats/bytes.h"

using namespace weft;
using namespace weft::test;

namespace {

std::span<const std::byte> view(const std::string& bytes) {
  return std::as_bytes(std::span(bytes.data(), bytes.size()));
}

}  // namespace

TEST_CASE("element types have safetensors' names and sizes", "[formats]") {
  CHECK(element_type("F32") == ElementType::F32);
  CHECK(element_type("F6_E3M2") == ElementType::F6_E3M2);
  CHECK_FALSE(element_type("f32"));
  CHECK_FALSE(element_type(""));
  for (const char* name :
       {"BOOL", "U8", "I8", "U16", "I16", "F16", "BF16", "U32", "I32", "F32", "U64", "I64", "F64", "C64", "F4"}) {
    CHECK(name_of(element_type(name).value()) == name);
  }
  CHECK(bits_of(ElementType::C64) == 64);
  CHECK(bits_of(ElementType::F4) == 4);
}

TEST_CASE("sizes of arrays are checked for overflow", "[formats]") {
  using Shape = std::vector<std::int64_t>;
  const std::int64_t big = std::int64_t{1} << 32;
  CHECK(byte_count(ElementType::F32, Shape{}) == 4);
  CHECK(byte_count(ElementType::F32, Shape{2, 0, 3}) == 0);
  CHECK(byte_count(ElementType::F64, Shape{2, 3}) == 48);
  CHECK(byte_count(ElementType::F4, Shape{2, 3}) == 3);
  CHECK_FALSE(byte_count(ElementType::F4, Shape{3}));
  CHECK_FALSE(byte_count(ElementType::F32, Shape{-1}));
  CHECK_FALSE(byte_count(ElementType::U8, Shape{big, big}));
  CHECK_FALSE(byte_count(ElementType::F64, Shape{big, big / 16}));  // 2^60 numbers: the count fits, the bits do not
  CHECK(shape_text(Shape{2, 3}) == "[2, 3]");
  CHECK(shape_text(Shape{}) == "[]");
}

TEST_CASE("every readable type converts", "[formats]") {
  const auto read = [](ElementType type, const std::string& bytes) {
    float value = 99;
    to_f32(type, view(bytes), &value);
    double wide = 99;
    to_f64(type, view(bytes), &wide);
    CHECK(static_cast<float>(wide) == value);
    return value;
  };
  CHECK(read(ElementType::F32, raw(-1.5f)) == -1.5f);
  CHECK(read(ElementType::F64, raw(0.1)) == 0.1f);
  CHECK(read(ElementType::F16, raw(std::uint16_t{0x3E00})) == 1.5f);
  CHECK(read(ElementType::BF16, raw(std::uint16_t{0x3FC0})) == 1.5f);
  CHECK(read(ElementType::BOOL, "\x02") == 1.0f);
  CHECK(read(ElementType::U8, "\xFF") == 255.0f);
  CHECK(read(ElementType::I8, "\xFF") == -1.0f);
  CHECK(read(ElementType::U16, raw(std::uint16_t{65535})) == 65535.0f);
  CHECK(read(ElementType::I16, raw(std::int16_t{-2})) == -2.0f);
  CHECK(read(ElementType::U32, raw(std::uint32_t{1} << 31)) == 0x1p31f);
  CHECK(read(ElementType::I32, raw(std::int32_t{-7})) == -7.0f);
  CHECK(read(ElementType::U64, raw(std::uint64_t{1} << 63)) == 0x1p63f);
  CHECK(read(ElementType::I64, raw(std::int64_t{-7})) == -7.0f);

  float f = 0;
  CHECK_THROWS_WITH(to_f32(ElementType::F8_E4M3, view("x"), &f), Contains("cannot read numbers of type F8_E4M3"));
  std::int64_t i = 0;
  to_i64(ElementType::I64, view(raw(INT64_MIN)), &i);
  CHECK(i == INT64_MIN);
  to_i64(ElementType::BOOL, view("\x05"), &i);
  CHECK(i == 1);
  CHECK_THROWS_WITH(to_i64(ElementType::F32, view(raw(1.0f)), &i),
                    Contains("expected integers, got numbers of type F32"));
  CHECK_THROWS_WITH(to_i64(ElementType::U64, view(raw(UINT64_MAX)), &i), Contains("does not fit"));
}
