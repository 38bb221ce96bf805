#include <cstring>

#include "core/allocator.h"
#include "models/encoder_weights.h"
#include "models/model_file.h"
#include "core/autograd.h"
#include "models/predictor.h"
#include "models/registry.h"
#include "tests/gradcheck.h"

using namespace weft;
using namespace weft::test;

namespace {
bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && std::memcmp(a.raw_data(), b.raw_data(), static_cast<std::size_t>(a.bytes())) == 0;
}
}  // namespace

TEST_CASE("U-Nets have exactly smp's number of parameters", "[models]") {
  CHECK(UNet({.arch = "mobilenet_v2"}).parameter_count() == 6628945);
  CHECK(UNet({.arch = "resnet34"}).parameter_count() == 24436369);
  CHECK(UNet({.arch = "resnet18"}).parameter_count() == 14328209);
}

TEST_CASE("classifiers have exactly torchvision's number of parameters", "[models]") {
  CHECK(make_classifier("mobilenet_v2")->parameter_count() == 3504872);
  CHECK(make_classifier("resnet18")->parameter_count() == 11689512);
  CHECK(make_classifier("resnet34")->parameter_count() == 21797672);
}

TEST_CASE("state dicts carry smp's and torchvision's keys", "[models]") {
  const auto names_of = [](const nn::Module& m) {
    std::vector<std::string> names;
    for (const auto& [name, tensor] : m.state_dict()) names.push_back(name);
    return names;
  };
  const auto has = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  const auto unet = names_of(UNet({}));
  for (const char* name :
       {"encoder.features.0.0.weight", "encoder.features.1.conv.0.0.weight", "encoder.features.1.conv.1.weight",
        "encoder.features.2.conv.3.running_var", "encoder.features.18.1.num_batches_tracked",
        "decoder.blocks.0.conv1.0.weight", "decoder.blocks.4.conv2.1.running_mean", "segmentation_head.0.bias"}) {
    INFO(name);
    CHECK(has(unet, name));
  }
  const auto resnet = names_of(*make_classifier("resnet34"));
  for (const char* name : {"conv1.weight", "bn1.running_mean", "layer2.0.downsample.0.weight",
                           "layer2.0.downsample.1.bias", "layer3.5.conv2.weight", "fc.bias"}) {
    INFO(name);
    CHECK(has(resnet, name));
  }
}

TEST_CASE("networks refuse what they can't be built from or run on", "[models]") {
  CHECK_THROWS_WITH(UNet({.arch = "vgg16"}),
                    Contains("unknown architecture 'vgg16'; there are mobilenet_v2, resnet18, resnet34"));
  CHECK_THROWS_WITH(UNet({.decoder_channels = {8, 8}}),
                    Contains("expected 5 decoder widths from 1 to 65536, got [8, 8]"));
  CHECK_THROWS_WITH(upsample_from("cubic"), Contains("unknown upsampling 'cubic'"));
  const UNet unet({.decoder_channels = {8, 8, 8, 8, 8}});
  CHECK_THROWS_WITH(unet.forward(Tensor::zeros({1, 33, 64, 3})), Contains("the next such size is 64 x 64"));
  CHECK_THROWS_WITH(unet.forward(Tensor::zeros({1, 32, 32, 4})),
                    Contains("expected 3 channels (RGB), got [1, 32, 32, 4]"));
}

TEST_CASE("a state dict that does not fit is refused whole, with every difference named", "[models]") {
  const UNet unet({.decoder_channels = {8, 8, 8, 8, 8}});
  auto state = unet.state_dict();
  for (auto& [name, tensor] : state) tensor = tensor.clone();
  CHECK_NOTHROW(unet.load_state_dict(state));
  state[0].name = "encoder.extra";
  state[1].tensor = Tensor::full({3}, 7);
  try {
    unet.load_state_dict(state, "file");
    FAIL("accepted");
  } catch (const Error& e) {
    CHECK_THAT(e.what(), Contains("file: does not fit the network; missing encoder.features.0.0.weight [32, 3, 3, 3]"));
    CHECK_THAT(e.what(), Contains("encoder.features.0.1.weight is [3], expected [32]"));
    CHECK_THAT(e.what(), Contains("unexpected encoder.extra"));
  }
}

TEST_CASE("freezing stops gradients and running statistics", "[models]") {
  const UNet unet({.decoder_channels = {8, 8, 8, 8, 8}});
  unet.encoder().set_frozen(true);
  for (const auto& [name, tensor] : unet.named_parameters())
    CHECK(tensor.requires_grad() == !name.starts_with("encoder."));
  CHECK_FALSE(unet.encoder().is_training());
  CHECK(unet.is_training());
  unet.encoder().set_frozen(false);
  CHECK(unet.encoder().is_training());
}

TEST_CASE("a predictor gives the network's logits; with released weights the same bits in less memory", "[models]") {
  for (const char* arch : {"mobilenet_v2", "resnet18"}) {
    INFO(arch);
    UNet unet({.arch = arch});
    unet.initialise(3);
    unet.eval();
    const NoGrad no_grad;
    const std::vector<Shape> shapes{{1, 64, 32, 3}, {1, 32, 32, 3}, {2, 96, 160, 3}, {1, 512, 64, 3}, {1, 256, 256, 3}};
    Tensors pictures, expected;
    const Predictor with_weights(unet);
    for (const Shape& shape : shapes) {
      pictures.push_back(random_f32(shape));
      expected.push_back(with_weights.logits(pictures.back()));
      CHECK(relative_difference(expected.back(), unet.forward(pictures.back())) < 1e-4);
    }
    const std::size_t all = memory_use().live_bytes;

    UNet light({.arch = arch});
    light.load_state_dict(unet.state_dict());
    light.eval();
    const Predictor predictor(light, Predictor::Weights::released);
    for (std::size_t i = 0; i < shapes.size(); ++i) CHECK(same_bits(predictor.logits(pictures[i]), expected[i]));
    // The second network holds its packed filters alone, but for what a plan reads where it lies.
    const auto weights = 4 * static_cast<std::size_t>(unet.parameter_count());
    CHECK(memory_use().live_bytes - all < all - weights / 10 * 9);
    CHECK_THROWS_WITH(light.forward(pictures[0]), Contains("they were let go of"));
    light.train();
    CHECK_THROWS_WITH(predictor.logits(pictures[0]), Contains("expected a network in evaluation mode"));
  }
}
