#include "models/onnx_export.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>

#include "core/autograd.h"
#include "core/formats/onnx_graph.h"

namespace weft {
namespace {

using Nodes = std::vector<const Node*>;

/// The operations that y was computed by, in order of execution.
Nodes operations_before(const Tensor& y) {
  std::set<const Node*> seen{y.node().get()};
  Nodes found{y.node().get()};
  for (std::size_t i = 0; i < found.size(); ++i) {
    for (const auto& input : found[i]->inputs) {
      if (input && !input->is_leaf() && seen.insert(input.get()).second) found.push_back(input.get());
    }
  }
  std::sort(found.begin(), found.end(), [](const Node* a, const Node* b) { return a->order < b->order; });
  return found;
}

double attribute(const Node& node, const std::string& name) {
  for (const Attribute& a : node.attributes) {
    if (a.name == name) return a.value;
  }
  fail("[export_onnx] {} recorded no attribute '{}'", node.name, name);
}

std::int64_t integer(const Node& node, const std::string& name) {
  return static_cast<std::int64_t>(attribute(node, name));
}

/// The same number for both axes, and for both ends of both axes.
std::vector<std::int64_t> twice(std::int64_t value) { return {value, value}; }
std::vector<std::int64_t> four_times(std::int64_t value) { return {value, value, value, value}; }

std::vector<std::int64_t> sizes_of(const Tensor& t) {
  const auto sizes = t.shape().sizes();
  return {sizes.begin(), sizes.end()};
}

/// Translates what autograd recorded of a network into nodes of an OnnxGraph.
class Translator {
 public:
  Translator(OnnxGraph& graph, const UNet& network, bool fold) : graph_(graph), fold_(fold) {
    for (const auto& [name, tensor] : network.state_dict()) state_.emplace(name, tensor);
    for (const auto& [name, tensor] : network.named_parameters()) values_.emplace(tensor.node().get(), name);
  }

  /// Adds all that leads from x to y; in the graph they are called `input` and `output`.
  void translate(const Tensor& x, const std::string& input, const Tensor& y, const std::string& output) {
    values_[x.node().get()] = input;
    result_ = y.node().get();
    output_ = output;
    const Nodes operations = operations_before(y);
    for (const Node* node : operations) {
      for (const auto& parent : node->inputs) consumers_[parent.get()].push_back(node);
    }
    for (const Node* node : operations) translate(*node);
  }

 private:
  void translate(const Node& node) {
    static const std::map<std::string, void (Translator::*)(const Node&)> translations = {
        {"conv2d", &Translator::conv2d},
        {"upsample_conv2d", &Translator::upsample_conv2d},
        {"conv_transpose2d", &Translator::conv_transpose2d},
        {"batch_norm", &Translator::batch_norm},
        {"max_pool2d", &Translator::max_pool2d},
        {"upsample_nearest2x", &Translator::upsample_nearest},
        {"upsample_bilinear2x", &Translator::upsample_bilinear},
        {"concat_channels", &Translator::concat},
        {"add", &Translator::add},
        {"relu", &Translator::relu},
        {"relu6", &Translator::relu6},
    };
    const auto found = translations.find(node.name);
    WEFT_CHECK(found != translations.end(), "[export_onnx] the network uses {}, which has no translation to ONNX",
               node.name);
    (this->*found->second)(node);
  }

  void conv2d(const Node& node) {
    if (is_folded(node)) return;  // its batch norm writes it
    std::vector<std::string> inputs{value(node, 0), weights(value(node, 1))};
    if (node.inputs[2]) inputs.push_back(weights(value(node, 2)));
    finish(node, "Conv", inputs, module_of(value(node, 1)), convolution_attributes(node));
  }

  void upsample_conv2d(const Node& node) {
    if (is_folded(node)) return;
    finish(node, "Conv", {convolution_input(node), weights(value(node, 1))}, module_of(value(node, 1)),
           convolution_attributes(node));
  }

  void conv_transpose2d(const Node& node) {
    std::vector<std::string> inputs{value(node, 0), weights(value(node, 1))};
    if (node.inputs[2]) inputs.push_back(weights(value(node, 2)));
    const Shape& kernel = state_.at(value(node, 1)).shape();
    finish(node, "ConvTranspose", inputs, module_of(value(node, 1)),
           {{"kernel_shape", std::vector{kernel[2], kernel[3]}},
            {"strides", twice(integer(node, "stride"))},
            {"pads", four_times(integer(node, "padding"))},
            {"output_padding", twice(integer(node, "output_padding"))}});
  }

  void batch_norm(const Node& node) {
    WEFT_CHECK(attribute(node, "training") == 0, "[export_onnx] a batch norm runs in training mode");
    const std::string module = module_of(value(node, 1));
    const Clamp clamp{static_cast<float>(attribute(node, "lower")), static_cast<float>(attribute(node, "upper"))};
    const bool is_relu = clamp.lower == 0 && clamp.upper == no_clamp.upper, is_relu6 = clamp.lower == 0 && clamp.upper == 6;
    WEFT_CHECK(!clips(clamp) || is_relu || is_relu6,
               "[export_onnx] a batch norm is clamped to {} .. {}, which has no translation to ONNX", clamp.lower,
               clamp.upper);
    const bool has_residual = attribute(node, "residual") != 0;
    const std::string before = !clips(clamp) && !has_residual ? name_for(node, module) : module;
    const Node& producer = *node.inputs[0];
    if (is_folded(producer)) {
      const std::string conv = module_of(value(producer, 1));
      add_folded_weights(producer, module, attribute(node, "epsilon"));
      graph_.add_node("Conv", {convolution_input(producer), conv + ".weight", conv + ".bias"}, before,
                      convolution_attributes(producer));
    } else {
      graph_.add_node("BatchNormalization",
                      {value(node, 0), weights(module + ".weight"), weights(module + ".bias"),
                       weights(module + ".running_mean"), weights(module + ".running_var")},
                      before, {{"epsilon", static_cast<float>(attribute(node, "epsilon"))}});
    }
    values_[&node] = before;
    if (has_residual) {
      const std::string sum = !clips(clamp) ? name_for(node, module + ".add") : module + ".add";
      graph_.add_node("Add", {before, value(node, 3)}, sum);
      values_[&node] = sum;
    }
    const std::string normalised = values_[&node];
    if (is_relu) finish(node, "Relu", {normalised}, module + ".relu");
    if (is_relu6) add_relu6(node, normalised, module + ".relu6");
  }

  void max_pool2d(const Node& node) {
    finish(node, "MaxPool", {value(node, 0)}, numbered("max_pool"),
           {{"kernel_shape", twice(integer(node, "kernel"))},
            {"strides", twice(integer(node, "stride"))},
            {"pads", four_times(integer(node, "padding"))}});
  }

  // Asymmetric with floor reads pixel floor(i / 2): each pixel twice, and runtimes of every age take it.
  static OnnxGraph::Attributes nearest() {
    return {{"mode", "nearest"}, {"coordinate_transformation_mode", "asymmetric"}, {"nearest_mode", "floor"}};
  }

  void upsample_nearest(const Node& node) {
    finish(node, "Resize", resize_inputs(node), numbered("upsample"), nearest());
  }

  void upsample_bilinear(const Node& node) {
    finish(node, "Resize", resize_inputs(node), numbered("upsample"),
           {{"mode", "linear"}, {"coordinate_transformation_mode", "half_pixel"}});
  }

  std::vector<std::string> resize_inputs(const Node& node) {
    constexpr const char* no_roi = "";
    return {value(node, 0), no_roi, constant("upsample.scales", {4}, {1, 1, 2, 2})};
  }

  /// What a convolution reads: its input, or, for upsample_conv2d, operators that upsample it and join the skip.
  std::string convolution_input(const Node& node) {
    if (std::string_view(node.name) != "upsample_conv2d") return value(node, 0);
    const std::string up = numbered("upsample");
    graph_.add_node("Resize", resize_inputs(node), up, nearest());
    if (!node.inputs[3]) return up;
    const std::string joined = numbered("concat");
    graph_.add_node("Concat", {up, value(node, 3)}, joined, {{"axis", std::int64_t{1}}});
    return joined;
  }

  void concat(const Node& node) {
    std::vector<std::string> inputs;
    for (std::size_t i = 0; i < node.inputs.size(); ++i) inputs.push_back(value(node, i));
    finish(node, "Concat", inputs, numbered("concat"), {{"axis", std::int64_t{1}}});
  }

  // Of equal shapes only: broadcasting counts axes from the last, which is another one in NCHW.
  void add(const Node& node) {
    WEFT_CHECK(node.inputs[0]->shape == node.inputs[1]->shape,
               "[export_onnx] an addition broadcasts {} and {}, which is not translated", node.inputs[0]->shape,
               node.inputs[1]->shape);
    finish(node, "Add", {value(node, 0), value(node, 1)}, numbered("add"));
  }

  void relu(const Node& node) { finish(node, "Relu", {value(node, 0)}, numbered("relu")); }
  void relu6(const Node& node) { add_relu6(node, value(node, 0), numbered("relu6")); }

  // 6 min(max(x / 6, 0), 1). Clip would say it in one operator, but OpenCV before 4.7 can't read the Clip of this opset
  // (opencv/opencv#22015), and ONNX Runtime, which fuses HardSigmoid into the convolution, is as fast with this.
  void add_relu6(const Node& node, const std::string& x, const std::string& name) {
    const std::string unit = name + ".unit";
    graph_.add_node("HardSigmoid", {x}, unit, {{"alpha", 1.0f / 6.0f}, {"beta", 0.0f}});
    finish(node, "Mul", {unit, constant("relu6.max", {}, {6})}, name);
  }

  // ---- names ----

  /// The graph's name for the i-th input of an operation.
  const std::string& value(const Node& node, std::size_t i) const {
    const auto found = values_.find(node.inputs[i].get());
    WEFT_CHECK(found != values_.end(),
               "[export_onnx] an input of {} is neither a parameter nor computed from the picture", node.name);
    return found->second;
  }

  /// "encoder.conv1.weight" belongs to "encoder.conv1".
  static std::string module_of(const std::string& parameter) { return parameter.substr(0, parameter.rfind('.')); }

  std::string numbered(const std::string& word) { return fmt::format("{}.{}", word, counts_[word]++); }

  std::string name_for(const Node& node, const std::string& name) const { return &node == result_ ? output_ : name; }

  /// Adds the ONNX operator whose output is the operation's.
  void finish(const Node& node, const std::string& op, const std::vector<std::string>& inputs, const std::string& name,
              const OnnxGraph::Attributes& attributes = {}) {
    const std::string output = name_for(node, name);
    graph_.add_node(op, inputs, output, attributes);
    values_[&node] = output;
  }

  // ---- constants ----

  /// Puts a tensor of the state dict into the file, and returns its name.
  const std::string& weights(const std::string& name) {
    const auto& [key, tensor] = *state_.find(name);
    graph_.add_initializer(key, sizes_of(tensor), tensor.values<float>());
    return key;
  }

  /// A constant that several operators share.
  const std::string& constant(const std::string& name, const std::vector<std::int64_t>& shape,
                              const std::vector<float>& values) {
    const auto [place, is_new] = constants_.insert(name);
    if (is_new) graph_.add_initializer(name, shape, std::span<const float>(values));
    return *place;
  }

  OnnxGraph::Attributes convolution_attributes(const Node& node) const {
    const Shape& kernel = state_.at(value(node, 1)).shape();
    return {{"kernel_shape", std::vector{kernel[2], kernel[3]}},
            {"strides", twice(integer(node, "stride"))},
            {"pads", four_times(integer(node, "padding"))},
            {"dilations", twice(integer(node, "dilation"))},
            {"group", integer(node, "groups")}};
  }

  // ---- folding ----

  /// A convolution whose result only a batch norm sees.
  bool is_folded(const Node& node) const {
    const std::string_view name = node.name;
    if (!fold_ || (name != "conv2d" && name != "upsample_conv2d")) return false;
    const auto consumers = consumers_.find(&node);
    return consumers != consumers_.end() && consumers->second.size() == 1 &&
           std::string_view(consumers->second[0]->name) == "batch_norm" &&
           consumers->second[0]->inputs[0].get() == &node;
  }

  /// The weights of convolution and batch norm in one (the formula is in nn/layers.h, conv_bn), computed in double.
  void add_folded_weights(const Node& conv, const std::string& bn, double epsilon) {
    const std::string& name = value(conv, 1);
    const Tensor w = state_.at(name).to(DType::f64), gamma = state_.at(bn + ".weight").to(DType::f64),
                 beta = state_.at(bn + ".bias").to(DType::f64), mean = state_.at(bn + ".running_mean").to(DType::f64),
                 variance = state_.at(bn + ".running_var").to(DType::f64),
                 bias = conv.inputs[2] ? state_.at(value(conv, 2)).to(DType::f64)
                                       : Tensor::zeros(gamma.shape(), DType::f64);
    const std::int64_t filters = w.size(0), filter_size = w.count() / filters;
    std::vector<float> folded_w(static_cast<std::size_t>(w.count())), folded_b(static_cast<std::size_t>(filters));
    for (std::int64_t k = 0; k < filters; ++k) {
      const double factor = gamma.data<double>()[k] / std::sqrt(variance.data<double>()[k] + epsilon);
      for (std::int64_t i = k * filter_size; i < (k + 1) * filter_size; ++i) {
        folded_w[static_cast<std::size_t>(i)] = static_cast<float>(factor * w.data<double>()[i]);
      }
      folded_b[static_cast<std::size_t>(k)] =
          static_cast<float>(beta.data<double>()[k] + factor * (bias.data<double>()[k] - mean.data<double>()[k]));
    }
    graph_.add_initializer(name, sizes_of(w), std::span<const float>(folded_w));
    graph_.add_initializer(module_of(name) + ".bias", {filters}, std::span<const float>(folded_b));
  }

  OnnxGraph& graph_;
  const bool fold_;
  std::map<std::string, Tensor> state_;
  std::map<const Node*, std::string> values_;  // what each operation's result, and each parameter, is called
  std::map<const Node*, Nodes> consumers_;
  std::map<std::string, int> counts_;
  std::set<std::string> constants_;
  const Node* result_ = nullptr;
  std::string output_;
};

/// From bytes [N, H, W, 3] to the network's input: (v / 255 - mean) / std, then NCHW.
void add_preprocessing(OnnxGraph& graph, const ModelInfo& info, const std::string& input, const std::string& output) {
  const auto constant = [&](const std::string& name, const std::vector<double>& values) {
    const std::vector<float> floats(values.begin(), values.end());
    graph.add_initializer(name, {static_cast<std::int64_t>(floats.size())}, std::span<const float>(floats));
  };
  constant("normalise.white", {255});
  constant("normalise.mean", {info.mean.begin(), info.mean.end()});
  constant("normalise.std", {info.deviation.begin(), info.deviation.end()});
  graph.add_node("Cast", {input}, "normalise.float", {{"to", static_cast<std::int64_t>(OnnxType::f32)}});
  graph.add_node("Div", {"normalise.float", "normalise.white"}, "normalise.unit");
  graph.add_node("Sub", {"normalise.unit", "normalise.mean"}, "normalise.centred");
  graph.add_node("Div", {"normalise.centred", "normalise.std"}, "normalise.scaled");
  graph.add_node("Transpose", {"normalise.scaled"}, output, {{"perm", std::vector<std::int64_t>{0, 3, 1, 2}}});
}

/// From logits [N, 1, H, W] to probabilities [N, H, W].
void add_postprocessing(OnnxGraph& graph, const std::string& input, const std::string& output) {
  const std::int64_t channel_axis = 1;
  graph.add_initializer("probability.axis", {1}, std::span(&channel_axis, 1));
  graph.add_node("Sigmoid", {input}, "probability.planes");
  graph.add_node("Squeeze", {"probability.planes", "probability.axis"}, output);
}

}  // namespace

void export_onnx(const std::filesystem::path& path, const UNet& network, const ModelInfo& info,
                 const OnnxOptions& options) {
  WEFT_CHECK(!options.with_preprocessing || network.config().classes == 1,
             "{}: preprocessing ends with one probability a pixel, the model has {} classes; export it without",
             path.string(), network.config().classes);
  // A copy, so that the caller's mode, frozen parameters and gradients don't matter.
  UNet copy(network.config());
  copy.load_state_dict(network.state_dict());
  copy.eval();

  const Tensor probe = Tensor::zeros({1, UNet::stride, UNet::stride, 3});
  probe.set_requires_grad(true);
  const Tensor logits = copy.forward(probe);
  WEFT_CHECK(logits.requires_grad(), "[export_onnx] needs autograd's record of the network, but NoGrad is on");

  OnnxGraph graph;
  Translator translator(graph, copy, options.fold);
  if (options.with_preprocessing) {
    graph.add_input("image", OnnxType::u8, {"N", "H", "W", 3});
    add_preprocessing(graph, info, "image", "normalised");
    translator.translate(probe, "normalised", logits, "logits");
    add_postprocessing(graph, "logits", "probability");
    graph.add_output("probability", OnnxType::f32, {"N", "H", "W"});
  } else {
    graph.add_input("image", OnnxType::f32, {"N", 3, "H", "W"});
    translator.translate(probe, "image", logits, "logits");
    graph.add_output("logits", OnnxType::f32, {"N", network.config().classes, "H", "W"});
  }
  graph.save(
      path,
      fmt::format("U-Net with the encoder {}; height and width are multiples of {}", info.network.arch, UNet::stride),
      describe(info));
}

}  // namespace weft
