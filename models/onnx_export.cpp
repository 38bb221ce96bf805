#include "models/onnx_export.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "core/autograd.h"
#include "core/formats/onnx_graph.h"
#include "core/graph.h"

namespace weft {
namespace {

std::int64_t integer(const Step& step, const char* name) {
  return static_cast<std::int64_t>(step.operation.attribute(name));
}

/// The same number for both axes, and for both ends of both axes.
std::vector<std::int64_t> twice(std::int64_t value) { return {value, value}; }
std::vector<std::int64_t> four_times(std::int64_t value) { return {value, value, value, value}; }

std::vector<std::int64_t> sizes_of(const Tensor& t) {
  const auto sizes = t.shape().sizes();
  return {sizes.begin(), sizes.end()};
}

/// Translates a captured network into nodes of an OnnxGraph. weft's images are NHWC, ONNX's NCHW: what is translated
/// works on images and on single numbers a channel, and does not mind.
class Translator {
 public:
  Translator(OnnxGraph& onnx, const UNet& network, bool fold) : onnx_(onnx), fold_(fold) {
    for (const auto& [name, tensor] : network.state_dict())
      names_.emplace(tensor.identity(), name), state_.emplace(name, tensor);
  }

  /// Adds all that leads from the graph's input to its output, which are called `input` and `output` in the file.
  void translate(const Graph& graph, const std::string& input, const std::string& output) {
    graph_ = &graph;
    values_[graph.inputs().at(0)] = input;
    result_ = graph.outputs().at(0);
    output_ = output;
    for (const Step& step : graph.steps()) translate(step);
  }

 private:
  using Inputs = std::vector<std::string>;

  void translate(const Step& step) {
    static const std::map<std::string_view, void (Translator::*)(const Step&)> translations = {
        {"conv2d", &Translator::conv2d},
        {"conv_transpose2d", &Translator::conv_transpose2d},
        {"batch_norm", &Translator::batch_norm},
        {"max_pool2d", &Translator::max_pool2d},
        {"avg_pool2d", &Translator::avg_pool2d},
        {"upsample_nearest2x", &Translator::upsample_nearest},
        {"upsample_bilinear2x", &Translator::upsample_bilinear},
        {"concat_channels", &Translator::concat},
        {"clamp", &Translator::clamp},
        {"leaky_relu", &Translator::leaky_relu},
        {"scale", &Translator::scale},
        {"silu", &Translator::silu},
    };
    // Operators on elements that ONNX has under another name; two inputs must be images of equal shapes.
    static const std::map<std::string_view, const char*> elementwise = {
        {"add", "Add"},     {"subtract", "Sub"}, {"multiply", "Mul"},    {"divide", "Div"},
        {"maximum", "Max"}, {"minimum", "Min"},  {"sqrt", "Sqrt"},       {"exp", "Exp"},
        {"log", "Log"},     {"abs", "Abs"},      {"sigmoid", "Sigmoid"}, {"tanh", "Tanh"}};
    const std::string_view name = step.operation.name;
    WEFT_CHECK(step.outputs.size() == 1 && graph_->shape(step.outputs[0]).rank() == 4,
               "[export_onnx] the network uses {}, which has no translation to ONNX", name);
    if (const auto found = translations.find(name); found != translations.end()) return (this->*found->second)(step);
    const auto found = elementwise.find(name);
    WEFT_CHECK(found != elementwise.end(), "[export_onnx] the network uses {}, which has no translation to ONNX", name);
    on_elements(step, found->second);
  }

  void conv2d(const Step& step) {
    if (is_folded(step)) return;  // its batch norm writes it
    Inputs inputs{value(step, 0), weights(step, 1)};
    if (step.inputs[2] != no_value) inputs.push_back(weights(step, 2));
    finish(step, "Conv", inputs, module_of(parameter(step, 1)), convolution_attributes(step));
  }

  void conv_transpose2d(const Step& step) {
    Inputs inputs{value(step, 0), weights(step, 1)};
    if (step.inputs[2] != no_value) inputs.push_back(weights(step, 2));
    const Shape& kernel = graph_->shape(step.inputs[1]);
    finish(step, "ConvTranspose", inputs, module_of(parameter(step, 1)),
           {{"kernel_shape", std::vector{kernel[2], kernel[3]}},
            {"strides", twice(integer(step, "stride"))},
            {"pads", four_times(integer(step, "padding"))},
            {"output_padding", twice(integer(step, "output_padding"))}});
  }

  void batch_norm(const Step& step) {
    WEFT_CHECK(step.operation.attribute("training") == 0, "[export_onnx] a batch norm runs in training mode");
    const std::string module = module_of(parameter(step, 3));
    const double epsilon = step.operation.attribute("epsilon");
    const Step* producer = graph_->maker(step.inputs[0]);
    if (producer != nullptr && is_folded(*producer)) {
      const std::string conv = module_of(parameter(*producer, 1));
      add_folded_weights(*producer, step, epsilon);
      finish(step, "Conv", {value(*producer, 0), conv + ".weight", conv + ".bias"}, module,
             convolution_attributes(*producer));
    } else {
      finish(step, "BatchNormalization",
             {value(step, 0), weights(step, 3), weights(step, 4), weights(step, 1), weights(step, 2)}, module,
             {{"epsilon", static_cast<float>(epsilon)}});
    }
  }

  void max_pool2d(const Step& step) {
    finish(step, "MaxPool", {value(step, 0)}, numbered("max_pool"), pool_attributes(step));
  }

  void avg_pool2d(const Step& step) {
    OnnxGraph::Attributes attributes = pool_attributes(step);
    attributes.push_back({"count_include_pad", std::int64_t{1}});
    finish(step, "AveragePool", {value(step, 0)}, numbered("avg_pool"), attributes);
  }

  static OnnxGraph::Attributes pool_attributes(const Step& step) {
    return {{"kernel_shape", twice(integer(step, "kernel"))},
            {"strides", twice(integer(step, "stride"))},
            {"pads", four_times(integer(step, "padding"))}};
  }

  // Asymmetric with floor reads pixel floor(i / 2): each pixel twice, and runtimes of every age take it.
  void upsample_nearest(const Step& step) {
    finish(step, "Resize", resize_inputs(step), numbered("upsample"),
           {{"mode", "nearest"}, {"coordinate_transformation_mode", "asymmetric"}, {"nearest_mode", "floor"}});
  }

  void upsample_bilinear(const Step& step) {
    finish(step, "Resize", resize_inputs(step), numbered("upsample"),
           {{"mode", "linear"}, {"coordinate_transformation_mode", "half_pixel"}});
  }

  Inputs resize_inputs(const Step& step) {
    constexpr const char* no_roi = "";
    return {value(step, 0), no_roi, constant("upsample.scales", {4}, {1, 1, 2, 2})};
  }

  void concat(const Step& step) {
    Inputs inputs;
    for (std::size_t i = 0; i < step.inputs.size(); ++i) inputs.push_back(value(step, i));
    finish(step, "Concat", inputs, numbered("concat"), {{"axis", std::int64_t{1}}});
  }

  void on_elements(const Step& step, const char* op) {
    Inputs inputs;
    for (std::size_t i = 0; i < step.inputs.size(); ++i) {
      // Broadcasting counts axes from the last, which is another one in NCHW.
      WEFT_CHECK(graph_->shape(step.inputs[i]) == graph_->shape(step.outputs[0]),
                 "[export_onnx] {} broadcasts {} to {}, which is not translated", step.operation.name,
                 graph_->shape(step.inputs[i]), graph_->shape(step.outputs[0]));
      inputs.push_back(value(step, i));
    }
    finish(step, op, inputs, numbered(step.operation.name));
  }

  void clamp(const Step& step) {
    const double lower = step.operation.attribute("lower"), upper = step.operation.attribute("upper");
    const std::string& x = value(step, 0);
    if (lower == 0 && upper == std::numeric_limits<double>::infinity()) {
      finish(step, "Relu", {x}, numbered("relu"));
    } else if (lower == 0 && upper == 6) {
      // 6 min(max(x / 6, 0), 1). Clip would say it in one operator, but OpenCV before 4.7 can't read the Clip of this
      // opset (opencv/opencv#22015), and ONNX Runtime, which fuses HardSigmoid into the convolution, is as fast with
      // this.
      const std::string name = numbered("relu6"), unit = name + ".unit";
      onnx_.add_node("HardSigmoid", {x}, unit, {{"alpha", 1.0f / 6.0f}, {"beta", 0.0f}});
      finish(step, "Mul", {unit, constant("relu6.max", {}, {6})}, name);
    } else {
      const std::string name = numbered("clamp");
      const auto bound = [&](double limit, const char* which) {
        return std::isinf(limit) ? std::string()
                                 : constant(fmt::format("{}.{}", name, which), {}, {static_cast<float>(limit)});
      };
      finish(step, "Clip", {x, bound(lower, "lower"), bound(upper, "upper")}, name);
    }
  }

  void leaky_relu(const Step& step) {
    finish(step, "LeakyRelu", {value(step, 0)}, numbered("leaky_relu"),
           {{"alpha", static_cast<float>(step.operation.attribute("slope"))}});
  }

  void scale(const Step& step) {
    const std::string name = numbered("scale");
    finish(step, "Mul",
           {value(step, 0), constant(name + ".factor", {}, {static_cast<float>(step.operation.attribute("factor"))})},
           name);
  }

  void silu(const Step& step) {
    const std::string name = numbered("silu"), s = name + ".sigmoid";
    onnx_.add_node("Sigmoid", {value(step, 0)}, s);
    finish(step, "Mul", {value(step, 0), s}, name);
  }

  // ---- names ----

  /// The file's name for the i-th input of a step.
  const std::string& value(const Step& step, std::size_t i) const {
    const auto found = values_.find(step.inputs[i]);
    WEFT_CHECK(found != values_.end(),
               "[export_onnx] an input of {} is not computed from the picture, and is no parameter of a layer",
               step.operation.name);
    return found->second;
  }

  /// The name in the state dict of a step's i-th input.
  const std::string& parameter(const Step& step, std::size_t i) const {
    const Tensor& tensor = graph_->fixed(step.inputs[i]);
    const auto found = tensor.defined() ? names_.find(tensor.identity()) : names_.end();
    WEFT_CHECK(found != names_.end(), "[export_onnx] input {} of {} is no parameter of the network", i,
               step.operation.name);
    return found->second;
  }

  /// "encoder.conv1.weight" belongs to "encoder.conv1".
  static std::string module_of(const std::string& name) { return name.substr(0, name.rfind('.')); }

  std::string numbered(const std::string& word) { return fmt::format("{}.{}", word, counts_[word]++); }

  /// Adds the ONNX operator whose output is the step's.
  void finish(const Step& step, const std::string& op, const Inputs& inputs, const std::string& name,
              const OnnxGraph::Attributes& attributes = {}) {
    const std::string output = step.outputs[0] == result_ ? output_ : name;
    onnx_.add_node(op, inputs, output, attributes);
    values_[step.outputs[0]] = output;
  }

  // ---- constants ----

  /// Puts a step's i-th input, a tensor of the state dict, into the file, and returns its name.
  const std::string& weights(const Step& step, std::size_t i) {
    const std::string& name = parameter(step, i);
    const Tensor& tensor = state_.at(name);
    onnx_.add_initializer(name, sizes_of(tensor), tensor.values<float>());
    return name;
  }

  /// A constant that several operators share.
  const std::string& constant(const std::string& name, const std::vector<std::int64_t>& shape,
                              const std::vector<float>& values) {
    const auto [place, is_new] = constants_.insert(name);
    if (is_new) onnx_.add_initializer(name, shape, std::span<const float>(values));
    return *place;
  }

  OnnxGraph::Attributes convolution_attributes(const Step& step) const {
    const Shape& kernel = graph_->shape(step.inputs[1]);
    return {{"kernel_shape", std::vector{kernel[2], kernel[3]}},
            {"strides", twice(integer(step, "stride"))},
            {"pads", four_times(integer(step, "padding"))},
            {"dilations", twice(integer(step, "dilation"))},
            {"group", integer(step, "groups")}};
  }

  // ---- folding ----

  /// A convolution whose result only a batch norm sees.
  bool is_folded(const Step& step) const {
    if (!fold_ || std::string_view(step.operation.name) != "conv2d") return false;
    const Step* reader = graph_->only_reader(step.outputs[0]);
    return reader != nullptr && std::string_view(reader->operation.name) == "batch_norm";
  }

  /// The weights of convolution and batch norm in one (core/plan/rules/fold_batch_norm.cpp has the formula), computed
  /// in double.
  void add_folded_weights(const Step& conv, const Step& bn, double epsilon) {
    const auto in_double = [&](const Step& step, std::size_t i) {
      return state_.at(parameter(step, i)).to(DType::f64);
    };
    const std::string& name = parameter(conv, 1);
    const Tensor w = in_double(conv, 1), mean = in_double(bn, 1), variance = in_double(bn, 2), gamma = in_double(bn, 3),
                 beta = in_double(bn, 4);
    const Tensor bias = conv.inputs[2] != no_value ? in_double(conv, 2) : Tensor::zeros(gamma.shape(), DType::f64);
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
    onnx_.add_initializer(name, sizes_of(w), std::span<const float>(folded_w));
    onnx_.add_initializer(module_of(name) + ".bias", {filters}, std::span<const float>(folded_b));
  }

  OnnxGraph& onnx_;
  const bool fold_;
  const Graph* graph_ = nullptr;
  std::map<const void*, std::string> names_;  // of the state dict's tensors
  std::map<std::string, Tensor> state_;
  std::map<Value, std::string> values_;  // what the picture, and each step's result, is called
  std::map<std::string, int> counts_;
  std::set<std::string> constants_;
  Value result_ = no_value;
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
  WEFT_CHECK(!network.is_training(), "[export_onnx] expected a network in evaluation mode");
  const NoGrad no_grad;
  const auto captured = capture([&](const Tensors& in) { return Tensors{network.forward(in[0])}; },
                                {{{1, UNet::stride, UNet::stride, 3}, DType::f32}});

  OnnxGraph graph;
  Translator translator(graph, network, options.fold);
  if (options.with_preprocessing) {
    graph.add_input("image", OnnxType::u8, {"N", "H", "W", 3});
    add_preprocessing(graph, info, "image", "normalised");
    translator.translate(*captured, "normalised", "logits");
    add_postprocessing(graph, "logits", "probability");
    graph.add_output("probability", OnnxType::f32, {"N", "H", "W"});
  } else {
    graph.add_input("image", OnnxType::f32, {"N", 3, "H", "W"});
    translator.translate(*captured, "image", "logits");
    graph.add_output("logits", OnnxType::f32, {"N", network.config().classes, "H", "W"});
  }
  graph.save(
      path,
      fmt::format("U-Net with the encoder {}; height and width are multiples of {}", info.network.arch, UNet::stride),
      describe(info));
}

}  // namespace weft
