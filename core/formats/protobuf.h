#pragma once
// Writing Protocol Buffers, as far as ONNX needs them. A message is a sequence of fields, in any order:
//
//   field = tag, content          tag = varint(number * 8 + wire type)
//
//   wire type 0   varint: 7 bits a byte, lowest first, the top bit set on all bytes but the last;
//                 a negative number is its 64-bit two's complement
//   wire type 2   varint of a length, then as many bytes: a string, raw data, a message inside
//   wire type 5   4 bytes, little-endian: a float
//
// Nothing says where a message ends (who holds it knows), so two messages written one after the other are
// one message with the fields of both. https://protobuf.dev/programming-guides/encoding

#include <cstdint>
#include <string>
#include <string_view>

namespace weft {

/// A message under construction. `field` is the field's number in the format's definition.
class ProtobufMessage {
 public:
  void add_integer(int field, std::int64_t value);
  void add_float(int field, float value);
  void add_bytes(int field, std::string_view content);
  void add_message(int field, const ProtobufMessage& message) { add_bytes(field, message.encoded()); }
  /// Only the tag and the length of such a field: the caller sees to it that `length` bytes follow.
  void add_header(int field, std::uint64_t length);

  const std::string& encoded() const { return bytes_; }

 private:
  void put_varint(std::uint64_t value);
  std::string bytes_;
};

}  // namespace weft
