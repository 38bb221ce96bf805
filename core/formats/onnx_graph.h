#pragma once
// Writing ONNX (https://onnx.ai): a graph of operators with their weights, in one Protocol Buffers message.
// This file knows the messages of onnx.proto and nothing about networks; docs/formats.md shows them.

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/formats/protobuf.h"

namespace weft {

/// Element types, by their number in TensorProto.DataType.
enum class OnnxType { f32 = 1, u8 = 2, i64 = 7 };

class OnnxGraph {
 public:
  /// Version of ONNX's operator set, and of the file's own structure, which goes with it.
  static constexpr std::int64_t opset = 13, ir_version = 7;

  /// A size, or the name of one that is known only when the graph runs.
  using Dimension = std::variant<std::int64_t, std::string>;
  using AttributeValue = std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>>;
  using Attributes = std::vector<std::pair<std::string, AttributeValue>>;

  void add_input(const std::string& name, OnnxType type, const std::vector<Dimension>& shape);
  void add_output(const std::string& name, OnnxType type, const std::vector<Dimension>& shape);
  /// A constant tensor; `values` holds the product of `shape` numbers, row-major.
  void add_initializer(const std::string& name, const std::vector<std::int64_t>& shape, std::span<const float> values);
  void add_initializer(const std::string& name, const std::vector<std::int64_t>& shape,
                       std::span<const std::int64_t> values);
  /// output = op(inputs); an empty name stands for an optional input that is not given. Nodes must come after the
  /// nodes whose outputs they take.
  void add_node(const std::string& op, const std::vector<std::string>& inputs, const std::string& output,
                const Attributes& attributes = {});

  /// Writes the file, whole or not at all. Throws Error where it can't, or above the 2 GiB that Protocol Buffers allow.
  void save(const std::filesystem::path& path, const std::string& description,
            const std::map<std::string, std::string>& metadata) const;

 private:
  void add_value(int field, const std::string& name, OnnxType type, const std::vector<Dimension>& shape);
  void add_tensor(const std::string& name, const std::vector<std::int64_t>& shape, OnnxType type,
                  std::span<const std::byte> data);

  ProtobufMessage graph_;
};

}  // namespace weft
