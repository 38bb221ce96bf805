// Real ImageNet weights and pictures, where they lie beside the checkout.

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/autograd.h"
#include "data/image_io.h"
#include "models/encoder_weights.h"
#include "models/model_file.h"
#include "models/registry.h"
#include "tests/gradcheck.h"

using namespace weft;
namespace fs = std::filesystem;

namespace {

const fs::path weights = fs::path(WEFT_SOURCE_DIR) / ".." / "shared" / "weights";

bool missing() {
  if (fs::exists(weights)) return false;
  WARN("skipped: no ../shared/weights beside the checkout");
  return true;
}

nlohmann::json read(const fs::path& path) { return nlohmann::json::parse(std::ifstream(path)); }

Tensor normalised(const fs::path& picture) {
  constexpr float mean[] = {0.485f, 0.456f, 0.406f}, deviation[] = {0.229f, 0.224f, 0.225f};
  const Image image = load_image(picture);
  Tensor x = Tensor::empty({1, image.height, image.width, 3});
  for (std::size_t i = 0; i < image.pixels.size(); ++i) {
    x.mutable_data<float>()[i] = (static_cast<float>(image.pixels[i]) / 255.0f - mean[i % 3]) / deviation[i % 3];
  }
  return x;
}

/// Half a unit of the recorded value's fifth decimal, and a little for the order of the sums.
constexpr double stage_digits = 2e-4;

void check_stage(const Tensor& stage, const nlohmann::json& expected) {
  const std::int64_t h = stage.size(1), w = stage.size(2), c = stage.size(3);
  CHECK(expected["shape_chw"] == nlohmann::json({c, h, w}));
  double sum = 0, squares = 0, largest = -1e30;
  for (float v : stage.values<float>()) {
    sum += static_cast<double>(v);
    squares += static_cast<double>(v) * static_cast<double>(v);
    largest = std::max(largest, static_cast<double>(v));
  }
  const double n = static_cast<double>(stage.count()), mean = sum / n;
  CHECK(mean == Approx(expected["mean"].get<double>()).margin(stage_digits));
  CHECK(std::sqrt(squares / n - mean * mean) == Approx(expected["std"].get<double>()).margin(stage_digits));
  CHECK(largest == Approx(expected["max"].get<double>()).margin(stage_digits));
  for (std::int64_t x = 0; x < 4; ++x) {
    CHECK(static_cast<double>(stage.data<float>()[x * c]) ==
          Approx(expected["row0_ch0_first4"][static_cast<std::size_t>(x)].get<double>()).margin(stage_digits));
  }
}

}  // namespace

TEST_CASE("the imported MobileNetV2 classifies the reference pictures as recorded", "[models][imagenet]") {
  if (missing()) return;
  const NoGrad no_grad;
  const auto classifier = make_classifier("mobilenet_v2");
  const fs::path file = weights / "mobilenet_v2-imagenet.safetensors";
  classifier->load_state_dict(read_state_dict(SafetensorsFile(file)), file.string());
  classifier->eval();
  const auto encoder = make_encoder("mobilenet_v2");
  load_encoder_weights(*encoder, file);
  encoder->eval();

  const auto record = read(weights / "testvectors" / "logits_mobilenet_v2.json");
  for (const auto& picture : record["images"]) {
    INFO(picture["photo"]);
    const Tensor x = normalised(weights / "testvectors" / picture["input"].get<std::string>());
    const Tensor logits = classifier->forward(x);
    std::vector<std::size_t> order(1000);
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return logits.data<float>()[a] > logits.data<float>()[b]; });
    for (std::size_t k = 0; k < 5; ++k) {
      CHECK(order[k] == picture["top5"][k]["id"].get<std::size_t>());
      CHECK(static_cast<double>(logits.data<float>()[order[k]]) ==
            Approx(picture["top5"][k]["logit"].get<double>()).margin(1e-3));
    }
    for (std::size_t k = 0; k < 8; ++k) {
      CHECK(static_cast<double>(logits.data<float>()[k]) ==
            Approx(picture["logits_0_to_7"][k].get<double>()).margin(1e-3));
    }
    const Tensors stages = encoder->features(x);
    const char* names[] = {"features.1", "features.3", "features.6", "features.13", "features.18"};
    for (std::size_t i = 0; i < 5; ++i) check_stage(stages[i], picture["stages"][names[i]]);
  }
}

TEST_CASE("the imported ResNet18 agrees with the recorded stages up to layer3", "[models][imagenet]") {
  if (missing()) return;
  const NoGrad no_grad;
  const auto encoder = make_encoder("resnet18");
  const auto report = load_encoder_weights(*encoder, weights / "resnet18-imagenet-to-layer3.safetensors", true);
  CHECK(report.dropped.size() == 2);
  for (const std::string& name : report.missing) CHECK(name.starts_with("layer4."));
  encoder->eval();
  const auto record = read(weights / "testvectors" / "stages_resnet18.json");
  for (const auto& picture : record["images"]) {
    INFO(picture["photo"]);
    const Tensors stages = encoder->features(normalised(weights / "testvectors" / picture["input"].get<std::string>()));
    const char* names[] = {"relu_stem", "layer1", "layer2", "layer3"};
    for (std::size_t i = 0; i < 4; ++i) check_stage(stages[i], picture["stages"][names[i]]);
  }
}
