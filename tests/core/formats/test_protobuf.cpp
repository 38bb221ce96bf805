#include "core/formats/protobuf.h"

#include <fmt/format.h>

#include "tests/catch.h"

using namespace weft;

namespace {

std::string hex(const ProtobufMessage& message) {
  std::string text;
  for (const char c : message.encoded())
    text += fmt::format("{}{:02x}", text.empty() ? "" : " ", static_cast<unsigned char>(c));
  return text;
}

template <class... Args>
std::string one_field(void (ProtobufMessage::*add)(Args...), Args... args) {
  ProtobufMessage message;
  (message.*add)(args...);
  return hex(message);
}

}  // namespace

TEST_CASE("Protocol Buffers fields, as the encoding's guide shows them", "[formats]") {
  const auto integer = [](int field, std::int64_t value) {
    return one_field(&ProtobufMessage::add_integer, field, value);
  };
  CHECK(integer(1, 0) == "08 00");
  CHECK(integer(1, 127) == "08 7f");
  CHECK(integer(1, 150) == "08 96 01");
  CHECK(integer(1, -2) == "08 fe ff ff ff ff ff ff ff ff 01");
  CHECK(integer(20, 7) == "a0 01 07");
  CHECK(one_field(&ProtobufMessage::add_bytes, 2, std::string_view("testing")) == "12 07 74 65 73 74 69 6e 67");
  CHECK(one_field(&ProtobufMessage::add_float, 2, -2.0f) == "15 00 00 00 c0");

  ProtobufMessage inner, outer;
  inner.add_integer(1, 150);
  outer.add_message(3, inner);
  CHECK(hex(outer) == "1a 03 08 96 01");

  ProtobufMessage head;
  head.add_header(3, inner.encoded().size());
  CHECK(head.encoded() + inner.encoded() == outer.encoded());
}
