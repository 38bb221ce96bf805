// weft writes ONNX and does not read it. So the input is a list of calls of the writer, with names, sizes and numbers of
// its choice, and what the reader of the tests finds in the file must be what was written.

#include <cstring>

#include "core/formats/file_bytes.h"
#include "core/formats/onnx_graph.h"
#include "tests/fuzz/reader.h"
#include "tests/models/onnx_reader.h"

using namespace weft;

namespace {

/// Values drawn from the input; zeros and empty texts once it is used up.
class Draw {
 public:
  Draw(const std::uint8_t* data, std::size_t size) : data_(data), left_(size) {}
  bool is_empty() const { return left_ == 0; }
  std::uint8_t byte() {
    if (left_ == 0) return 0;
    --left_;
    return *data_++;
  }
  std::int64_t integer() {
    std::uint64_t value = 0;
    for (int i = 0; i < 8; ++i) value = value << 8 | byte();
    return static_cast<std::int64_t>(value);
  }
  std::string text() {
    std::string result;
    for (int n = byte() % 32; n > 0 && !is_empty(); --n) result += static_cast<char>(byte());
    return result;
  }

 private:
  const std::uint8_t* data_;
  std::size_t left_;
};

void expect(bool is_as_written) {
  if (!is_as_written) std::abort();
}

/// What was asked of the writer.
struct Written {
  OnnxGraph graph;
  std::vector<std::string> initializers;
  std::map<std::string, std::pair<std::vector<std::int64_t>, std::vector<std::int64_t>>> numbers;  // shape, values
  struct Node {
    std::string op, output, key, text;
    std::vector<std::string> inputs;
    std::vector<std::int64_t> integers;
    std::int64_t integer;
  };
  std::vector<Node> nodes;
  std::map<std::string, std::string> inputs;
};

void add_initializer(Written& w, Draw& draw) {
  const std::string name = draw.text();
  const std::vector<std::int64_t> shape{1 + draw.byte() % 3, 1 + draw.byte() % 3};
  std::vector<std::int64_t> values;
  for (std::int64_t i = 0; i < shape[0] * shape[1]; ++i) values.push_back(draw.integer());
  w.graph.add_initializer(name, shape, std::span<const std::int64_t>(values));
  w.initializers.push_back(name);
  w.numbers[name] = {shape, values};
}

void add_node(Written& w, Draw& draw) {
  Written::Node node{draw.text(), draw.text(), draw.text(), draw.text(), {}, {}, draw.integer()};
  for (int n = draw.byte() % 4; n > 0; --n) node.inputs.push_back(draw.text());
  for (int n = draw.byte() % 4; n > 0; --n) node.integers.push_back(draw.integer());
  w.graph.add_node(node.op, node.inputs, node.output,
                   {{node.key + "i", node.integer}, {node.key + "s", node.text}, {node.key + "n", node.integers}});
  w.nodes.push_back(node);
}

void add_input(Written& w, Draw& draw) {
  const std::string name = draw.text(), size = draw.text() + "N";
  const std::int64_t number = draw.integer();
  w.graph.add_input(name, OnnxType::u8, {size, number});
  w.inputs[name] = fmt::format("u8 [{}, {}]", size, number);
}

void compare(const Written& w, const std::map<std::string, std::string>& metadata, const test::OnnxFile& file) {
  expect(file.opset == OnnxGraph::opset && file.ir_version == OnnxGraph::ir_version && file.metadata == metadata);
  expect(file.initializer_names == w.initializers && file.inputs == w.inputs && file.nodes.size() == w.nodes.size());
  for (const auto& [name, written] : w.numbers) {
    const Tensor& tensor = file.initializers.at(name);
    const auto values = tensor.values<std::int64_t>();
    expect(tensor.shape() == Shape{std::span<const std::int64_t>(written.first)});
    expect(std::vector<std::int64_t>(values.begin(), values.end()) == written.second);
  }
  for (std::size_t i = 0; i < w.nodes.size(); ++i) {
    const Written::Node& a = w.nodes[i];
    const test::OnnxNode& b = file.nodes[i];
    expect(a.op == b.op && a.output == b.output && a.inputs == b.inputs && b.strings.at(a.key + "s") == a.text);
    expect(b.integers.at(a.key + "i") == std::vector{a.integer});
    expect(a.integers.empty() ? !b.integers.contains(a.key + "n") : b.integers.at(a.key + "n") == a.integers);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Draw draw(data, size);
  Written written;
  std::map<std::string, std::string> metadata;
  while (!draw.is_empty()) {
    switch (draw.byte() % 4) {
      case 0: add_initializer(written, draw); break;
      case 1: add_node(written, draw); break;
      case 2: add_input(written, draw); break;
      default: metadata[draw.text()] = draw.text();
    }
  }
  static const std::filesystem::path path =
      std::filesystem::temp_directory_path() / fmt::format("weft-fuzz-{}.onnx", getpid());
  written.graph.save(path, "a description", metadata);
  const FileBytes file = FileBytes::read(path);
  compare(written, metadata, test::parse_onnx(std::string(file.text())));
  std::filesystem::remove(path);
  return 0;
}
