#include "models/model_file.h"

#include <filesystem>

#include "core/atomic_file.h"
#include "models/encoder_weights.h"
#include "models/registry.h"
#include "tests/gradcheck.h"

using namespace weft;
using namespace weft::test;
namespace fs = std::filesystem;

namespace {

struct Folder {
  fs::path path = fs::temp_directory_path() / "weft_model_file";
  Folder() {
    fs::remove_all(path);
    fs::create_directories(path);
  }
  ~Folder() { fs::remove_all(path); }
};

const UNetConfig small{.arch = "resnet18", .decoder_channels = {16, 8, 8, 4, 4}, .upsample = Upsample::transposed};

bool same_weights(const nn::Module& a, const nn::Module& b) {
  const auto x = a.state_dict(), y = b.state_dict();
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!equal(x[i].tensor.to(DType::f64), y[i].tensor.to(DType::f64))) return false;
  }
  return x.size() == y.size();
}

}  // namespace

TEST_CASE("a model file brings back the network and all that is needed to run it", "[models]") {
  const Folder folder;
  UNet network(small);
  network.initialise(7);
  const ModelInfo info{.network = small,
                       .height = 256,
                       .width = 192,
                       .fit = "letterbox",
                       .mean = {0.1, 0.2, 0.3},
                       .deviation = {1, 2, 3},
                       .label_map = "atr",
                       .threshold = 0.4,
                       .notes = {{"miou", "0.9"}}};
  save_model(folder.path / "m.safetensors", network, info);
  const Model model = load_model(folder.path / "m.safetensors");
  CHECK(model.is_described);
  CHECK(model.info.network == small);
  CHECK(model.info.height == 256);
  CHECK(model.info.width == 192);
  CHECK(model.info.fit == "letterbox");
  CHECK(model.info.mean == info.mean);
  CHECK(model.info.deviation == info.deviation);
  CHECK(model.info.label_map == "atr");
  CHECK(model.info.threshold == 0.4);
  CHECK(model.info.notes == info.notes);
  CHECK(same_weights(*model.network, network));
  CHECK_FALSE(model.network->is_training());
  CHECK_THROWS_WITH(load_model(folder.path / "m.safetensors", "resnet34"),
                    Contains("the model is a resnet18, not a resnet34"));
}

TEST_CASE("half-precision storage rounds weights and nothing else", "[models]") {
  const Folder folder;
  UNet network(small);
  network.initialise(7);
  save_model(folder.path / "m.safetensors", network, {.network = small}, FloatStorage::f16);
  const Model model = load_model(folder.path / "m.safetensors");
  CHECK(fs::file_size(folder.path / "m.safetensors") <
        static_cast<std::uintmax_t>(network.parameter_count()) * 21 / 10);
  const auto x = network.state_dict(), y = model.network->state_dict();
  for (std::size_t i = 0; i < x.size(); ++i) CHECK(relative_difference(y[i].tensor, x[i].tensor) < 1e-3);
}

TEST_CASE("a bare state dict is recognised by its tensors", "[models]") {
  const Folder folder;
  for (const std::string& arch : architectures()) {
    const UNetConfig config{.arch = arch, .decoder_channels = {16, 8, 8, 4, 4}};
    UNet network(config);
    network.initialise(1);
    save_safetensors(folder.path / "bare.safetensors", network.state_dict());
    const Model model = load_model(folder.path / "bare.safetensors");
    CHECK_FALSE(model.is_described);
    CHECK(model.info.network == config);
    CHECK(same_weights(*model.network, network));
  }
}

TEST_CASE("files that are no model are refused with the reason", "[models]") {
  const Folder folder;
  const fs::path path = folder.path / "m.safetensors";
  CHECK_THROWS_WITH(load_model(path), Contains("m.safetensors"));
  write_file(path, "not a model");
  CHECK_THROWS_WITH(load_model(path), Contains("m.safetensors"));

  UNet network(small);
  network.initialise(1);
  auto tensors = tensors_to_save(network.encoder().state_dict());
  save_safetensors(path, {}, tensors);
  CHECK_THROWS_WITH(load_model(path), Contains("--encoder-weights"));

  save_model(path, network, {.network = small});
  const SafetensorsFile good(path);
  const auto with = [&](const std::string& key, const std::string& value) {
    auto metadata = good.metadata();
    metadata.erase(SafetensorsFile::checksum_key);
    metadata[key] = value;
    save_safetensors(folder.path / "bad.safetensors", metadata, tensors_to_save(network.state_dict()));
    return folder.path / "bad.safetensors";
  };
  CHECK_THROWS_WITH(load_model(with("arch", "vgg")), Contains("unknown architecture 'vgg'"));
  CHECK_THROWS_WITH(load_model(with("threshold", "2")), Contains("metadata threshold is 2"));
  CHECK_THROWS_WITH(load_model(with("size", "512")), Contains("metadata size is '512', expected 2 numbers"));
  CHECK_THROWS_WITH(load_model(with("decoder_channels", "16,8,8,4,5")), Contains("does not fit the network"));

  network.named_parameters()[5].tensor.mutable_data<float>()[0] = std::numeric_limits<float>::quiet_NaN();
  save_model(path, network, {.network = small});
  CHECK_THROWS_WITH(load_model(path), Contains("holds NaN or infinity"));
}

TEST_CASE("encoder weights load with or without the prefix, without the head, and whole or not at all", "[models]") {
  const Folder folder;
  const fs::path path = folder.path / "e.safetensors";
  const auto source = make_classifier("resnet18");
  for (const auto& [name, tensor] : source->named_parameters()) tensor.fill(0.25);
  save_safetensors(path, source->state_dict());
  const auto encoder = make_encoder("resnet18");
  const auto report = load_encoder_weights(*encoder, path);
  CHECK(report.dropped == std::vector<std::string>{"fc.bias", "fc.weight"});
  CHECK(report.missing.empty());
  CHECK(encoder->named_parameters()[0].tensor.data<float>()[0] == 0.25f);

  nn::StateDict partial;
  for (const auto& [name, tensor] : source->state_dict()) {
    if (!name.starts_with("layer4.1.conv2") && !name.starts_with("fc.")) partial.push_back({"encoder." + name, tensor});
  }
  save_safetensors(path, partial);
  const auto fresh = make_encoder("resnet18");
  CHECK_THROWS_WITH(load_encoder_weights(*fresh, path), Contains("missing layer4.1.conv2.weight [512, 512, 3, 3]"));
  CHECK(fresh->named_parameters()[0].tensor.data<float>()[0] == 0.0f);
  CHECK(load_encoder_weights(*fresh, path, true).missing == std::vector<std::string>{"layer4.1.conv2.weight"});
  CHECK_THROWS_WITH(load_encoder_weights(*make_encoder("mobilenet_v2"), path), Contains("unexpected"));
}
