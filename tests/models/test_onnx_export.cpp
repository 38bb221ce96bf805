#include "models/onnx_export.h"

#include <cmath>

#include "tests/golden/golden_network.h"
#include "tests/gradcheck.h"
#include "tests/models/onnx_reader.h"
#include "tests/temporary_folder.h"

using namespace weft;
using namespace weft::test;

namespace {

OnnxFile exported(const UNet& network, const ModelInfo& info, const OnnxOptions& options = {}) {
  const TemporaryFolder folder;
  export_onnx(folder / "model.onnx", network, info, options);
  return parse_onnx(read_text(folder / "model.onnx"));
}

/// A network that is done with training.
std::unique_ptr<UNet> network_of(const ModelInfo& info) {
  auto network = std::make_unique<UNet>(info.network);
  network->eval();
  return network;
}

/// A small decoder: the encoders are what differs.
ModelInfo small(const std::string& arch, Upsample upsample = Upsample::nearest) {
  return {.network = {.arch = arch, .decoder_channels = {24, 16, 8, 8, 4}, .upsample = upsample}};
}

double deviation(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  double difference = 0, largest = 0;
  for (std::int64_t i = 0; i < a.count(); ++i) {
    const double x = a.data<float>()[i], y = b.data<float>()[i];
    difference = std::max(difference, std::isfinite(x) ? std::abs(x - y) : 1e30);
    largest = std::max(largest, std::abs(y));
  }
  return difference / largest;
}

Tensor logits_of(UNet& network, const Tensor& x) {
  const NoGrad no_grad;
  network.eval();
  return network.forward(x);
}

}  // namespace

TEST_CASE("an exported U-Net has each architecture's operators, with batch norm and folded", "[models]") {
  struct Count {
    std::string arch;
    int conv, relu, relu6, add, max_pool;
  };
  // Encoders: 52, 20 and 36 convolutions (torchvision); the decoder adds ten and the head one.
  for (const Count& expected :
       {Count{"mobilenet_v2", 63, 10, 35, 10, 0}, {"resnet18", 31, 27, 0, 8, 1}, {"resnet34", 47, 43, 0, 16, 1}}) {
    INFO(expected.arch);
    const ModelInfo info = small(expected.arch);
    UNet network(info.network);
    network.eval();
    for (const bool fold : {false, true}) {
      INFO("fold " << fold);
      const OnnxFile file = exported(network, info, {.fold = fold});
      CHECK(file.opset == 13);
      CHECK(file.ir_version == 7);
      CHECK(file.inputs == std::map<std::string, std::string>{{"image", "f32 [N, 3, H, W]"}});
      CHECK(file.outputs == std::map<std::string, std::string>{{"logits", "f32 [N, 1, H, W]"}});
      CHECK(file.count("Conv") == expected.conv);
      CHECK(file.count("BatchNormalization") == (fold ? 0 : expected.conv - 1));
      CHECK(file.count("Relu") == expected.relu);
      CHECK(file.count("HardSigmoid") == expected.relu6);
      CHECK(file.count("Mul") == expected.relu6);
      CHECK(file.count("Add") == expected.add);
      CHECK(file.count("MaxPool") == expected.max_pool);
      CHECK(file.count("Concat") == 4);
      CHECK(file.count("Resize") == 5);
      CHECK(file.nodes.back().output == "logits");
    }
  }
}

TEST_CASE("an exported U-Net holds the state dict under its own names", "[models]") {
  const ModelInfo info = small("mobilenet_v2", Upsample::transposed);
  UNet network(info.network);
  network.eval();
  golden_network(network);
  const OnnxFile file = exported(network, info);
  std::size_t weights = 0;
  for (const auto& [name, tensor] : network.state_dict()) {
    INFO(name);
    const bool is_counter = name.ends_with("num_batches_tracked");
    REQUIRE(file.initializers.contains(name) == !is_counter);
    if (is_counter) continue;
    CHECK(equal(file.initializers.at(name), tensor));
    ++weights;
  }
  CHECK(file.initializer_names.size() == weights + 1);  // and the bound of ReLU6, once
  CHECK(file.initializers.size() == file.initializer_names.size());
  CHECK(file.count("ConvTranspose") == 5);
  CHECK(file.count("Resize") == 0);
}

TEST_CASE("the exported graph computes the network's logits", "[models]") {
  const Tensor x = random_tensor({2, 64, 96, 3}, DType::f32, 5);
  const auto check = [&](const std::string& arch, Upsample upsample) {
    INFO(arch << " " << to_string(upsample));
    const ModelInfo info = small(arch, upsample);
    UNet network(info.network);
    golden_network(network);
    const Tensor expected = logits_of(network, x);
    // Winograd's convolutions round some 1e-6 each.
    CHECK(deviation(run_onnx(exported(network, info), x), expected) < 3e-5);
    CHECK(deviation(run_onnx(exported(network, info, {.fold = true}), x), expected) < 3e-5);
  };
  for (const char* arch : {"mobilenet_v2", "resnet18", "resnet34"}) check(arch, Upsample::nearest);
  check("resnet18", Upsample::bilinear);
  check("resnet18", Upsample::transposed);
}

TEST_CASE("resizing is told to ONNX in full", "[models]") {
  const auto settings = [](Upsample upsample) {
    const ModelInfo info = small("resnet18", upsample);
    const OnnxFile file = exported(*network_of(info), info);
    const auto node =
        std::find_if(file.nodes.begin(), file.nodes.end(), [](const OnnxNode& n) { return n.op == "Resize"; });
    REQUIRE(node != file.nodes.end());
    CHECK(node->inputs.at(1).empty());
    CHECK(node->inputs.size() == 3);
    return node->strings;
  };
  using Strings = std::map<std::string, std::string>;
  CHECK(settings(Upsample::nearest) ==
        Strings{{"mode", "nearest"}, {"coordinate_transformation_mode", "asymmetric"}, {"nearest_mode", "floor"}});
  CHECK(settings(Upsample::bilinear) == Strings{{"mode", "linear"}, {"coordinate_transformation_mode", "half_pixel"}});
}

TEST_CASE("with preprocessing, bytes go in and probabilities come out", "[models]") {
  ModelInfo info = small("resnet18");
  info.mean = {0.5, 0.25, 0.125};
  const OnnxFile file = exported(*network_of(info), info, {.with_preprocessing = true});
  CHECK(file.inputs == std::map<std::string, std::string>{{"image", "u8 [N, H, W, 3]"}});
  CHECK(file.outputs == std::map<std::string, std::string>{{"probability", "f32 [N, H, W]"}});
  std::vector<std::string> first, last;
  for (std::size_t i = 0; i < 5; ++i) first.push_back(file.nodes[i].op);
  for (std::size_t i = file.nodes.size() - 3; i < file.nodes.size(); ++i) last.push_back(file.nodes[i].op);
  CHECK(first == std::vector<std::string>{"Cast", "Div", "Sub", "Div", "Transpose"});
  CHECK(last == std::vector<std::string>{"Conv", "Sigmoid", "Squeeze"});
  CHECK(equal(file.initializers.at("normalise.mean"), Tensor::from({3}, std::vector<float>{0.5f, 0.25f, 0.125f})));
}

TEST_CASE("an exported U-Net says what a model file says", "[models]") {
  ModelInfo info = small("resnet34");
  info.height = 384;
  info.threshold = 0.4;
  info.label_map = "atr";
  info.notes = {{"made by", "a test"}};
  const OnnxFile file = exported(*network_of(info), info);
  CHECK(file.metadata == describe(info));
  CHECK(file.metadata.at("size") == "384,512");
  CHECK(file.metadata.at("threshold") == "0.4");
}

TEST_CASE("a frozen encoder and NoGrad change nothing of what is exported", "[models]") {
  const ModelInfo info = small("resnet18");
  UNet network(info.network);
  golden_network(network);
  network.eval();
  const TemporaryFolder folder;
  export_onnx(folder / "eval.onnx", network, info);
  network.encoder().set_frozen(true);
  const NoGrad no_grad;
  export_onnx(folder / "frozen.onnx", network, info);
  CHECK(read_text(folder / "eval.onnx") == read_text(folder / "frozen.onnx"));
}

TEST_CASE("what can't be exported is refused, and no file is left", "[models]") {
  const TemporaryFolder folder;
  const auto path = folder / "model.onnx";
  ModelInfo info = small("resnet18");
  info.network.classes = 3;
  UNet network(info.network);
  CHECK_THROWS_WITH(export_onnx(path, network, info), Contains("expected a network in evaluation mode"));
  network.eval();
  CHECK_THROWS_WITH(export_onnx(path, network, info, {.with_preprocessing = true}),
                    Contains("model.onnx: ") && Contains("the model has 3 classes"));
  CHECK_THROWS_AS(export_onnx(folder / "none" / "model.onnx", network, info), Error);
  CHECK(std::filesystem::is_empty(folder.path()));
  CHECK_NOTHROW(export_onnx(path, network, info));
  CHECK(parse_onnx(read_text(path)).outputs.at("logits") == "f32 [N, 3, H, W]");
}
