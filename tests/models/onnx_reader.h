#pragma once
// Reads an ONNX file back, and runs it with weft's operations: enough for what export_onnx writes.

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "core/autograd.h"
#include "core/ops.h"

namespace weft::test {

/// One field of a Protocol Buffers message.
struct ProtobufField {
  int number = 0, wire_type = 0;
  std::uint64_t integer = 0;  // wire types 0 and 5
  std::string bytes;          // wire type 2
};

inline std::vector<ProtobufField> parse_protobuf(const std::string& message) {
  std::vector<ProtobufField> fields;
  std::size_t at = 0;
  const auto byte = [&] {
    WEFT_CHECK(at < message.size(), "protobuf: truncated");
    return static_cast<std::uint8_t>(message[at++]);
  };
  const auto varint = [&] {
    std::uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
      WEFT_CHECK(shift < 64, "protobuf: varint of more than 10 bytes");
      const std::uint8_t b = byte();
      value |= static_cast<std::uint64_t>(b & 0x7F) << shift;
      if (b < 0x80) return value;
    }
  };
  while (at < message.size()) {
    const std::uint64_t tag = varint();
    ProtobufField field{static_cast<int>(tag >> 3), static_cast<int>(tag & 7), 0, {}};
    if (field.wire_type == 0) {
      field.integer = varint();
    } else if (field.wire_type == 5) {
      for (int shift = 0; shift < 32; shift += 8) field.integer |= static_cast<std::uint64_t>(byte()) << shift;
    } else {
      WEFT_CHECK(field.wire_type == 2, "protobuf: wire type {}", field.wire_type);
      const std::uint64_t length = varint();
      WEFT_CHECK(length <= message.size() - at, "protobuf: a field runs past the end");
      field.bytes = message.substr(at, length);
      at += length;
    }
    fields.push_back(field);
  }
  return fields;
}

/// All fields with this number.
inline std::vector<ProtobufField> fields_of(const std::string& message, int number) {
  std::vector<ProtobufField> found;
  for (ProtobufField& field : parse_protobuf(message)) {
    if (field.number == number) found.push_back(std::move(field));
  }
  return found;
}

inline std::string bytes_of(const std::string& message, int number) {
  const auto found = fields_of(message, number);
  return found.empty() ? "" : found.back().bytes;
}

inline std::int64_t integer_of(const std::string& message, int number) {
  const auto found = fields_of(message, number);
  return found.empty() ? 0 : static_cast<std::int64_t>(found.back().integer);
}

struct OnnxNode {
  std::string op;
  std::vector<std::string> inputs;
  std::string output;
  std::map<std::string, std::vector<std::int64_t>> integers;  // of attributes of one or more integers
  std::map<std::string, float> floats;
  std::map<std::string, std::string> strings;
};

struct OnnxFile {
  std::int64_t ir_version = 0, opset = 0;
  std::map<std::string, std::string> metadata;
  std::map<std::string, Tensor> initializers;
  std::vector<std::string> initializer_names;  // in the order of the file, duplicates and all
  std::vector<OnnxNode> nodes;
  std::map<std::string, std::string> inputs, outputs;  // name -> "f32 [N, 3, H, W]"

  int count(const std::string& op) const {
    return static_cast<int>(
        std::count_if(nodes.begin(), nodes.end(), [&](const OnnxNode& node) { return node.op == op; }));
  }
};

inline OnnxNode parse_onnx_node(const std::string& message) {
  OnnxNode node{bytes_of(message, 4), {}, bytes_of(message, 2), {}, {}, {}};
  for (const auto& input : fields_of(message, 1)) node.inputs.push_back(input.bytes);
  for (const auto& attribute : fields_of(message, 5)) {
    const std::string name = bytes_of(attribute.bytes, 1);
    switch (integer_of(attribute.bytes, 20)) {
      case 1:
        node.floats[name] = std::bit_cast<float>(static_cast<std::uint32_t>(integer_of(attribute.bytes, 2)));
        break;
      case 2:
        node.integers[name] = {integer_of(attribute.bytes, 3)};
        break;
      case 3:
        node.strings[name] = bytes_of(attribute.bytes, 4);
        break;
      case 7:
        for (const auto& item : fields_of(attribute.bytes, 8))
          node.integers[name].push_back(static_cast<std::int64_t>(item.integer));
        break;
      default:
        fail("onnx: attribute {} has type {}", name, integer_of(attribute.bytes, 20));
    }
  }
  return node;
}

inline Tensor parse_onnx_tensor(const std::string& message) {
  std::vector<std::int64_t> sizes;
  for (const auto& size : fields_of(message, 1)) sizes.push_back(static_cast<std::int64_t>(size.integer));
  const Shape shape{std::span<const std::int64_t>(sizes)};
  const std::string data = bytes_of(message, 9);
  const auto read = [&](auto zero) {
    std::vector<decltype(zero)> values(static_cast<std::size_t>(shape.count()));
    WEFT_CHECK(data.size() == values.size() * sizeof(zero), "onnx: {} bytes for a tensor {}", data.size(), shape);
    std::memcpy(values.data(), data.data(), data.size());
    return Tensor::from(shape, values);
  };
  return integer_of(message, 2) == 1 ? read(float{}) : read(std::int64_t{});
}

inline std::string parse_onnx_type(const std::string& value_info) {
  const std::string tensor = bytes_of(bytes_of(value_info, 2), 1);
  std::string text;
  for (const auto& dimension : fields_of(bytes_of(tensor, 2), 1)) {
    const std::string name = bytes_of(dimension.bytes, 2);
    text += (text.empty() ? "" : ", ") + (name.empty() ? std::to_string(integer_of(dimension.bytes, 1)) : name);
  }
  return fmt::format("{} [{}]", integer_of(tensor, 1) == 1 ? "f32" : "u8", text);
}

inline OnnxFile parse_onnx(const std::string& bytes) {
  OnnxFile file;
  file.ir_version = integer_of(bytes, 1);
  file.opset = integer_of(bytes_of(bytes, 8), 2);
  for (const auto& entry : fields_of(bytes, 14)) file.metadata[bytes_of(entry.bytes, 1)] = bytes_of(entry.bytes, 2);
  for (const auto& field : parse_protobuf(bytes_of(bytes, 7))) {
    if (field.number == 1) file.nodes.push_back(parse_onnx_node(field.bytes));
    if (field.number == 5) {
      file.initializer_names.push_back(bytes_of(field.bytes, 8));
      file.initializers[file.initializer_names.back()] = parse_onnx_tensor(field.bytes);
    }
    if (field.number == 11) file.inputs[bytes_of(field.bytes, 1)] = parse_onnx_type(field.bytes);
    if (field.number == 12) file.outputs[bytes_of(field.bytes, 1)] = parse_onnx_type(field.bytes);
  }
  return file;
}

/// Runs the graph on x [N, H, W, 3] and returns "logits" [N, H, W, C]. Every tensor is kept in weft's layout.
inline Tensor run_onnx(const OnnxFile& file, const Tensor& x) {
  const NoGrad no_grad;
  std::map<std::string, Tensor> values = file.initializers;
  values["image"] = x;
  for (const OnnxNode& node : file.nodes) {
    const auto in = [&](std::size_t i) {
      if (i >= node.inputs.size() || node.inputs[i].empty()) return Tensor();
      WEFT_CHECK(values.contains(node.inputs[i]), "onnx: {} comes after {} which takes it", node.inputs[i],
                 node.output);
      return values.at(node.inputs[i]);
    };
    const auto whole = [&](const std::string& name) { return node.integers.at(name)[0]; };
    Tensor& y = values[node.output];
    if (node.op == "Conv") {
      y = conv2d(in(0), in(1), in(2), {whole("strides"), whole("pads"), whole("dilations"), whole("group")});
    } else if (node.op == "ConvTranspose") {
      y = conv_transpose2d(in(0), in(1), in(2), {whole("strides"), whole("pads"), whole("output_padding")});
    } else if (node.op == "BatchNormalization") {
      y = batch_norm(in(0), in(1), in(2), in(3), in(4),
                     {.training = false, .epsilon = static_cast<double>(node.floats.at("epsilon"))});
    } else if (node.op == "MaxPool") {
      y = max_pool2d(in(0), {whole("kernel_shape"), whole("strides"), whole("pads")});
    } else if (node.op == "Resize") {
      const auto scales = in(2).values<float>();
      WEFT_CHECK(scales[0] == 1 && scales[1] == 1 && scales[2] == 2 && scales[3] == 2, "onnx: scales");
      y = node.strings.at("mode") == "linear" ? upsample_bilinear2x(in(0)) : upsample_nearest2x(in(0));
    } else if (node.op == "Concat") {
      WEFT_CHECK(whole("axis") == 1, "onnx: axis {}", whole("axis"));
      y = concat_channels({in(0), in(1)});
    } else if (node.op == "Add") {
      y = weft::add(in(0), in(1));
    } else if (node.op == "Relu") {
      y = relu(in(0));
    } else if (node.op == "HardSigmoid") {
      WEFT_CHECK(node.floats.at("alpha") == 1.0f / 6.0f && node.floats.at("beta") == 0, "onnx: HardSigmoid");
      y = scale(relu6(in(0)), 1.0 / 6);
    } else if (node.op == "Mul") {
      y = multiply(in(0), in(1));
    } else {
      fail("onnx: operator {}", node.op);
    }
  }
  return values.at("logits");
}

}  // namespace weft::test
