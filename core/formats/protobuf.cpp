#include "core/formats/protobuf.h"

#include <bit>

namespace weft {
namespace {

enum WireType : std::uint64_t { varint = 0, length_delimited = 2, fixed32 = 5 };

std::uint64_t tag(int field, WireType type) { return static_cast<std::uint64_t>(field) << 3 | type; }

}  // namespace

void ProtobufMessage::put_varint(std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes_ += static_cast<char>(value | 0x80);
  bytes_ += static_cast<char>(value);
}

void ProtobufMessage::add_integer(int field, std::int64_t value) {
  put_varint(tag(field, varint));
  put_varint(static_cast<std::uint64_t>(value));
}

void ProtobufMessage::add_float(int field, float value) {
  put_varint(tag(field, fixed32));
  const auto bits = std::bit_cast<std::uint32_t>(value);
  for (int shift = 0; shift < 32; shift += 8) bytes_ += static_cast<char>(bits >> shift);
}

void ProtobufMessage::add_header(int field, std::uint64_t length) {
  put_varint(tag(field, length_delimited));
  put_varint(length);
}

void ProtobufMessage::add_bytes(int field, std::string_view content) {
  add_header(field, content.size());
  bytes_ += content;
}

}  // namespace weft
