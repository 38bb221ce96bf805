// Field numbers are those of onnx.proto, release 1.8 (IR version 7).

#include "core/formats/onnx_graph.h"

#include <bit>

#include "core/atomic_file.h"
#include "core/check.h"

namespace weft {
namespace {

// Tensors are written as they lie in memory; ONNX wants little-endian.
static_assert(std::endian::native == std::endian::little);

ProtobufMessage attribute_message(const std::string& name, const OnnxGraph::AttributeValue& value) {
  enum { field_name = 1, field_f = 2, field_i = 3, field_s = 4, field_ints = 8, field_type = 20 };
  enum { type_float = 1, type_int = 2, type_string = 3, type_ints = 7 };
  ProtobufMessage attribute;
  attribute.add_bytes(field_name, name);
  if (const auto* i = std::get_if<std::int64_t>(&value)) {
    attribute.add_integer(field_i, *i);
    attribute.add_integer(field_type, type_int);
  } else if (const auto* f = std::get_if<float>(&value)) {
    attribute.add_float(field_f, *f);
    attribute.add_integer(field_type, type_float);
  } else if (const auto* s = std::get_if<std::string>(&value)) {
    attribute.add_bytes(field_s, *s);
    attribute.add_integer(field_type, type_string);
  } else {
    for (const std::int64_t item : std::get<std::vector<std::int64_t>>(value)) attribute.add_integer(field_ints, item);
    attribute.add_integer(field_type, type_ints);
  }
  return attribute;
}

namespace graph_field {
enum { node = 1, name = 2, initializer = 5, input = 11, output = 12 };
}

ProtobufMessage entry_message(const std::string& key, const std::string& value) {
  ProtobufMessage entry;
  entry.add_bytes(1, key);
  entry.add_bytes(2, value);
  return entry;
}

}  // namespace

void OnnxGraph::add_value(int field, const std::string& name, OnnxType type, const std::vector<Dimension>& shape) {
  ProtobufMessage sizes;  // TensorShapeProto: dim = 1, each with dim_value = 1 or dim_param = 2
  for (const Dimension& dimension : shape) {
    ProtobufMessage size;
    if (const auto* value = std::get_if<std::int64_t>(&dimension)) {
      size.add_integer(1, *value);
    } else {
      size.add_bytes(2, std::get<std::string>(dimension));
    }
    sizes.add_message(1, size);
  }
  ProtobufMessage tensor;  // TypeProto.Tensor: elem_type = 1, shape = 2
  tensor.add_integer(1, static_cast<std::int64_t>(type));
  tensor.add_message(2, sizes);
  ProtobufMessage any_type;  // TypeProto: tensor_type = 1
  any_type.add_message(1, tensor);
  ProtobufMessage value;  // ValueInfoProto: name = 1, type = 2
  value.add_bytes(1, name);
  value.add_message(2, any_type);
  graph_.add_message(field, value);
}

void OnnxGraph::add_input(const std::string& name, OnnxType type, const std::vector<Dimension>& shape) {
  add_value(graph_field::input, name, type, shape);
}

void OnnxGraph::add_output(const std::string& name, OnnxType type, const std::vector<Dimension>& shape) {
  add_value(graph_field::output, name, type, shape);
}

void OnnxGraph::add_tensor(const std::string& name, const std::vector<std::int64_t>& shape, OnnxType type,
                           std::span<const std::byte> data) {
  enum { field_dims = 1, field_data_type = 2, field_name = 8, field_raw_data = 9 };
  ProtobufMessage tensor;
  for (const std::int64_t size : shape) tensor.add_integer(field_dims, size);
  tensor.add_integer(field_data_type, static_cast<std::int64_t>(type));
  tensor.add_bytes(field_name, name);
  tensor.add_bytes(field_raw_data, {reinterpret_cast<const char*>(data.data()), data.size()});
  graph_.add_message(graph_field::initializer, tensor);
}

void OnnxGraph::add_initializer(const std::string& name, const std::vector<std::int64_t>& shape,
                                std::span<const float> values) {
  add_tensor(name, shape, OnnxType::f32, std::as_bytes(values));
}

void OnnxGraph::add_initializer(const std::string& name, const std::vector<std::int64_t>& shape,
                                std::span<const std::int64_t> values) {
  add_tensor(name, shape, OnnxType::i64, std::as_bytes(values));
}

void OnnxGraph::add_node(const std::string& op, const std::vector<std::string>& inputs, const std::string& output,
                         const Attributes& attributes) {
  enum { field_input = 1, field_output = 2, field_name = 3, field_op_type = 4, field_attribute = 5 };
  ProtobufMessage node;
  for (const std::string& input : inputs) node.add_bytes(field_input, input);
  node.add_bytes(field_output, output);
  node.add_bytes(field_name, output);
  node.add_bytes(field_op_type, op);
  for (const auto& [name, value] : attributes) node.add_message(field_attribute, attribute_message(name, value));
  graph_.add_message(graph_field::node, node);
}

void OnnxGraph::save(const std::filesystem::path& path, const std::string& description,
                     const std::map<std::string, std::string>& metadata) const {
  enum {
    field_ir_version = 1,
    field_producer = 2,
    field_producer_version = 3,
    field_doc = 6,
    field_graph = 7,
    field_opset = 8,
    field_metadata = 14
  };
  ProtobufMessage model;
  model.add_integer(field_ir_version, ir_version);
  model.add_bytes(field_producer, "weft");
  model.add_bytes(field_producer_version, WEFT_VERSION);
  model.add_bytes(field_doc, description);
  ProtobufMessage operators;  // OperatorSetIdProto: domain = 1 (empty: ONNX's own), version = 2
  operators.add_bytes(1, "");
  operators.add_integer(2, opset);
  model.add_message(field_opset, operators);
  for (const auto& [key, value] : metadata) model.add_message(field_metadata, entry_message(key, value));

  ProtobufMessage graph_name;
  graph_name.add_bytes(graph_field::name, "weft");
  const std::string& head = graph_name.encoded();
  model.add_header(field_graph, head.size() + graph_.encoded().size());
  const std::uint64_t total = model.encoded().size() + head.size() + graph_.encoded().size();
  WEFT_CHECK(total < std::uint64_t{1} << 31, "{}: the model takes {} bytes, an ONNX file can hold 2147483647",
             path.string(), total);

  AtomicFile file(path);
  for (const std::string* part : {&model.encoded(), &head, &graph_.encoded()}) file.write(part->data(), part->size());
  file.commit();
}

}  // namespace weft
