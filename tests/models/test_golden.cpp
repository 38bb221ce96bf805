// The networks against PyTorch (tests/golden/README.md).

#include "core/autograd.h"
#include "models/registry.h"
#include "models/unet.h"
#include "tests/golden/golden_network.h"
#include "tests/gradcheck.h"

using namespace weft;
using namespace weft::test;

namespace {

Tensor golden_pictures(const nlohmann::json& test, DType dtype) {
  const auto sizes = test["input"].get<std::vector<std::int64_t>>();
  return golden_tensor("input", Shape(std::span<const std::int64_t>(sizes)), -2, 2, dtype);
}

double deviation(const Tensor& t, const nlohmann::json& summary) {
  return golden_deviation(t.to(DType::f64).values<double>(), summary);
}

/// float64 agrees to rounding; float32 to a few times PyTorch's own error there.
double tolerance(DType dtype, const nlohmann::json& summary) {
  return dtype == DType::f64 ? 1e-10 : 4 * summary["float32_error"].get<double>() + 1e-6;
}

}  // namespace

TEST_CASE("classifiers and encoders compute what torchvision's do", "[models][golden]") {
  const NoGrad no_grad;
  for (const auto& test : golden_file("classifiers.json")) {
    const std::string arch = test["arch"];
    for (DType dtype : {DType::f32, DType::f64}) {
      INFO(arch << " " << test["input"] << " " << dtype_name(dtype));
      const Tensor x = golden_pictures(test, dtype);
      const auto classifier = make_classifier(arch);
      golden_network(*classifier, dtype);
      classifier->eval();
      CHECK(deviation(classifier->forward(x), test["logits"]) < tolerance(dtype, test["logits"]));

      const auto encoder = make_encoder(arch);
      golden_network(*encoder, dtype);
      encoder->eval();
      const Tensors stages = encoder->features(x);
      REQUIRE(stages.size() == test["stages"].size());
      for (std::size_t i = 0; i < stages.size(); ++i) {
        CHECK(deviation(stages[i], test["stages"][i]) < tolerance(dtype, test["stages"][i]));
        CHECK(stages[i].size(3) == encoder->channels()[i]);
      }
    }
  }
}

TEST_CASE("U-Nets compute what segmentation_models_pytorch's do", "[models][golden]") {
  const NoGrad no_grad;
  for (const auto& test : golden_file("unets.json")) {
    const UNetConfig config{.arch = test["arch"], .upsample = upsample_from(test["upsample"])};
    for (DType dtype : {DType::f32, DType::f64}) {
      INFO(config.arch << " " << test["upsample"] << " " << dtype_name(dtype));
      UNet network(config);
      CHECK(network.parameter_count() == test["parameters"].get<std::int64_t>());
      golden_network(network, dtype);
      network.eval();
      CHECK(deviation(network.forward(golden_pictures(test, dtype)), test["logits"]) <
            tolerance(dtype, test["logits"]));
    }
  }
}
