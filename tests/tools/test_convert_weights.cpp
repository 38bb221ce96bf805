// convert_weights and inspect_model --diff as a user runs them. Files that PyTorch wrote are in
// tests/golden/interchange.py.

#include <limits>

#include "core/atomic_file.h"
#include "core/random.h"
#include "models/encoder_weights.h"
#include "models/model_file.h"
#include "models/registry.h"
#include "tests/catch.h"
#include "tests/tools/run_program.h"

using namespace weft;
using namespace weft::test;
namespace fs = std::filesystem;

namespace {

const fs::path fixtures = fs::path(WEFT_SOURCE_DIR) / "tests" / "core" / "formats" / "fixtures";

/// A state dict of random numbers under names with this prefix.
nn::StateDict random_state(const nn::Module& network, const std::string& prefix = "") {
  nn::StateDict state;
  Random draw(1);
  for (const auto& [name, tensor] : network.state_dict()) {
    if (tensor.dtype() == DType::f32) {
      for (std::int64_t i = 0; i < tensor.count(); ++i)
        tensor.mutable_data<float>()[i] = static_cast<float>(draw.uniform());
    }
    state.push_back({prefix + name, tensor});
  }
  return state;
}

UNet small_unet() { return UNet({.arch = "resnet18", .decoder_channels = {16, 8, 8, 4, 4}}); }

struct Fixture {
  TemporaryFolder folder;
  std::string in = (folder / "in.safetensors").string(), out = (folder / "out.safetensors").string();

  void save(const nn::StateDict& state) const { save_safetensors(in, state); }
  ProgramResult convert(std::vector<std::string> options = {}) const {
    options.insert(options.begin(), {in, out});
    return run_program("convert_weights", options);
  }
  /// Exit status 1, one line that says `what`, and nothing beside the input.
  void check_refused(const ProgramResult& run, const std::string& what) const {
    INFO(run.err);
    CHECK(run.status == 1);
    CHECK(std::count(run.err.begin(), run.err.end(), '\n') == 1);
    CHECK(run.err.starts_with("error: "));
    CHECK_THAT(run.err, Contains(what));
    CHECK_FALSE(fs::exists(out));
    CHECK(std::distance(fs::directory_iterator(folder.path()), {}) <= 1);
  }
  int diff() const { return run_program("inspect_model", {"--diff", in, out}).status; }
};

}  // namespace

TEST_CASE("a classifier becomes an encoder's weights, with its head only where asked", "[tools]") {
  const Fixture f;
  const auto classifier = make_classifier("mobilenet_v2");
  f.save(random_state(*classifier));
  const ProgramResult run = f.convert();
  CHECK(run.status == 0);
  CHECK_THAT(run.out, Contains("in.safetensors: safetensors, 314 tensors") &&
                          Contains("mobilenet_v2 encoder, 312 tensors") &&
                          Contains("dropped classifier.1.bias [1000], classifier.1.weight [1000, 1280]"));
  const auto encoder = make_encoder("mobilenet_v2");
  CHECK(load_encoder_weights(*encoder, f.out).dropped.empty());
  CHECK(f.diff() == 1);

  CHECK(f.convert({"--keep-head"}).status == 0);
  CHECK(f.diff() == 0);
}

TEST_CASE("a U-Net becomes a model file, whatever trained it put around its names", "[tools]") {
  const Fixture f;
  const UNet network = small_unet();
  for (const std::string& wrapper :
       std::vector<std::string>{"", "module.", "model.", "module._orig_mod.", "net.", "_orig_mod.unet."}) {
    nn::StateDict state;
    for (const auto& tensor : random_state(network, wrapper)) {
      if (!tensor.name.ends_with("num_batches_tracked")) state.push_back(tensor);
    }
    state.push_back({wrapper + "classification_head.3.weight", Tensor::zeros({4, 512})});
    if (wrapper == "model.") state.push_back({"mean", Tensor::zeros({1, 3, 1, 1})});
    f.save(state);
    const ProgramResult run = f.convert();
    INFO(wrapper << run.err);
    CHECK(run.status == 0);
    CHECK_THAT(run.out,
               Contains("dropped classification_head.3.weight [4, 512]") && Contains("num_batches_tracked of value 0"));
    CHECK((run.out.find("dropped mean") != std::string::npos) == (wrapper == "model."));
    const Model model = load_model(f.out);
    CHECK(model.is_described);
    CHECK(model.info.network == network.config());
    CHECK(model.info.notes.at("converted_from") == "in.safetensors");
    CHECK(model.network->state_dict()[0].tensor.values<float>()[7] ==
          network.state_dict()[0].tensor.values<float>()[7]);
  }
}

TEST_CASE("what does not fit is listed, with both shapes, and nothing is written", "[tools]") {
  const Fixture f;
  const UNet network = small_unet();
  nn::StateDict state;
  for (auto [name, tensor] : random_state(network)) {
    if (name == "encoder.bn1.weight") tensor = Tensor::zeros({63});
    if (name != "segmentation_head.0.bias" && name != "encoder.layer3.0.bn2.bias") state.push_back({name, tensor});
  }
  state.push_back({"encoder.extra", Tensor::zeros({2, 1})});
  f.save(state);
  f.check_refused(
      f.convert(),
      "missing encoder.layer3.0.bn2.bias [256]; missing segmentation_head.0.bias [1]; unexpected encoder.extra [2, 1]");
  f.check_refused(f.convert(), "encoder.bn1.weight is [63], expected [64]");
  f.check_refused(f.convert({"--arch", "resnet34"}), "missing encoder.layer1.2.conv1.weight [64, 64, 3, 3]");
  f.check_refused(f.convert({"--keep-head"}), "only a classifier has a head");

  state = random_state(network);
  state[20].tensor.mutable_data<float>()[3] = std::numeric_limits<float>::quiet_NaN();
  f.save(state);
  f.check_refused(f.convert(), "tensor " + state[20].name + " holds NaN or infinity");
}

TEST_CASE("hostile and foreign files are one line, and nothing is written", "[tools]") {
  const Fixture f;
  const auto refuse = [&](const fs::path& path, const std::string& what) {
    f.check_refused(run_program("convert_weights", {path.string(), f.out}), what);
  };
  for (const char* name : {"new.pth", "legacy.pth", "deflated.pth", "new_nested.pth", "legacy_nested.pth"})
    refuse(fixtures / name, "neither a U-Net nor a network that weft has");
  refuse(fixtures / "module.pth", "refused: ");
  refuse(f.folder / "missing.pth", "missing.pth");
  write_file(f.in, std::string("\x80\x02") + "cos\nsystem\nX\x04");
  refuse(f.in, "in.safetensors: refused: a pickle");
  write_file(f.in, std::string(8, '\x7f') + "{}");
  refuse(f.in, "in.safetensors");
  nn::StateDict state = random_state(small_unet());  // a file that claims a network larger than itself
  for (auto& [name, tensor] : state) {
    if (name == "decoder.blocks.0.conv2.0.weight") tensor = Tensor::zeros({1'000'000, 0, 3, 3});
  }
  f.save(state);
  refuse(f.in, "decoder.blocks.0.conv2.0.weight is [1000000, 0, 3, 3], expected [1000000, 1000000, 3, 3]");
  CHECK(run_program("convert_weights", {f.in, (f.folder / "out.pth").string()}).status == 2);
}

TEST_CASE("tools that want safetensors say what to do with a PyTorch file", "[tools]") {
  for (const char* name : {"new.pth", "legacy.pth"}) {
    CHECK_THROWS_WITH(load_model(fixtures / name), Contains("is a PyTorch file; convert it with convert_weights"));
    CHECK_THROWS_WITH(load_encoder_weights(*make_encoder("resnet18"), fixtures / name),
                      Contains("convert it with convert_weights"));
  }
}

TEST_CASE("tools that want a model say what another file is", "[tools]") {
  const Fixture f;
  const fs::path folder = f.folder / "run", onnx = f.folder / "m.onnx";
  fs::create_directories(folder);
  save_safetensors(f.in, {{"weft.format", "checkpoint"}}, {});
  CHECK_THROWS_WITH(load_model(f.in),
                    Contains("in.safetensors: is the checkpoint of a training run that has no model yet; "
                             "train_unet --out " +
                             f.folder.path().string() + " --resume goes on"));
  const UNet network = small_unet();
  save_model(f.folder / "last.safetensors", network, {.network = network.config()});
  CHECK_THROWS_WITH(load_model(f.in), Contains("its model is " + (f.folder / "last.safetensors").string()));

  REQUIRE(run_program("export_onnx", {(f.folder / "last.safetensors").string(), onnx.string()}).status == 0);
  for (const char* program : {"infer_unet", "convert_weights"}) {
    const ProgramResult run = program == std::string("infer_unet")
                                  ? run_program(program, {"--model", onnx.string(), (f.folder / "photo.jpg").string()})
                                  : run_program(program, {onnx.string(), f.out});
    INFO(run.err);
    CHECK(run.status == 1);
    CHECK_THAT(run.err, Contains("m.onnx: is an ONNX model") && Contains("give the .safetensors or .pth file"));
  }
}

TEST_CASE("half precision keeps the description and rounds what --diff then shows", "[tools]") {
  const Fixture f;
  const UNet network = small_unet();
  network.initialise(3);
  save_model(f.in, network, {.network = network.config(), .height = 96, .width = 64, .threshold = 0.25});
  CHECK(f.convert().status == 0);
  CHECK(f.diff() == 0);
  CHECK(f.convert({"--f16"}).status == 0);
  const Model half = load_model(f.out);
  CHECK(half.info.height == 96);
  CHECK(half.info.threshold == 0.25);
  CHECK(fs::file_size(f.out) * 10 < fs::file_size(f.in) * 6);
  CHECK(f.convert({"--size", "160"}).status == 0);
  CHECK(load_model(f.out).info.height == 160);
  CHECK(load_model(f.out).info.width == 160);
  CHECK_THAT(f.convert({"--size", "100"}).err, Contains("--size: expected a multiple of 32, got 100"));
  CHECK(f.convert({"--f16"}).status == 0);
  const ProgramResult diff = run_program("inspect_model", {"--diff", f.in, f.out});
  CHECK(diff.status == 1);
  CHECK_THAT(diff.out,
             Contains("encoder.conv1.weight") && Contains("values differ: by at most") && Contains("(F32 and F16)"));
}

TEST_CASE("inspect_model --diff names every difference", "[tools]") {
  const Fixture f;
  f.save({{"same", Tensor::full({3}, 1)},
          {"value", Tensor::full({2}, 4)},
          {"shape", Tensor::zeros({2})},
          {"a", Tensor::zeros({1})}});
  nn::StateDict other{{"same", Tensor::full({3}, 1)},
                      {"value", Tensor::full({2}, 4)},
                      {"shape", Tensor::zeros({2, 1})},
                      {"b", Tensor::zeros({1})}};
  other[1].tensor.mutable_data<float>()[1] = 5;
  save_safetensors(f.out, other);
  const ProgramResult run = run_program("inspect_model", {"--diff", f.in, f.out});
  CHECK(run.status == 1);
  CHECK_THAT(run.out, Contains("values differ: by at most 1, 0.25 of the largest value") &&
                          Contains("shapes differ: [2] and [2, 1]") && Contains("only in " + f.in) &&
                          Contains("only in " + f.out) &&
                          Contains("1 tensors are equal, 2 differ, 1 are only in " + f.in + ", 1 only in " + f.out));
  CHECK(run_program("inspect_model", {"--diff", f.in, f.in}).status == 0);
  CHECK(run_program("inspect_model", {"--diff", f.in}).status == 2);
  CHECK(run_program("inspect_model", {f.in, f.out}).status == 2);
  CHECK(run_program("inspect_model", {"--diff", f.in, (fixtures / "new.pth").string()}).status == 1);
}
