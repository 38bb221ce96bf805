// export_onnx as a user runs it; and its files in programs that weft did not write.

#include <cmath>
#include <filesystem>

#include "core/autograd.h"
#include "core/formats/npy.h"
#include "models/model_file.h"
#include "tests/catch.h"
#include "tests/golden/golden_network.h"
#include "tests/tools/run_program.h"

using namespace weft;
using namespace weft::test;

namespace {

void save_golden(const std::filesystem::path& path, const UNetConfig& config) {
  ModelInfo info;
  info.network = config;
  const UNet network(config);
  golden_network(network);
  save_model(path, network, info);
}

void save(const std::filesystem::path& path, const Tensor& t) { save_npy(path, t.shape().sizes(), t.values<float>()); }

/// Two sizes of a batch of two pictures: what a model is given, and what weft makes of it.
struct Pairs {
  std::vector<std::string> planes_and_logits, bytes_and_probabilities;

  Pairs(const TemporaryFolder& folder, const Model& model) {
    const NoGrad no_grad;
    const std::vector<Shape> shapes = {{2, 64, 96, 3}, {2, 160, 64, 3}};
    for (const Shape& shape : shapes) {
      const auto file = [&](const std::string& what) {
        return folder / fmt::format("{}-{}x{}.npy", what, shape[1], shape[2]);
      };
      Tensor bytes = Tensor::from(shape, golden_fill("picture", shape.count(), 0, 256));
      Tensor x = Tensor::empty(shape);
      for (std::int64_t i = 0; i < shape.count(); ++i) {
        float& byte = bytes.mutable_data<float>()[i];
        byte = std::floor(byte);
        const auto c = static_cast<std::size_t>(i % 3);
        x.mutable_data<float>()[i] =
            static_cast<float>((static_cast<double>(byte) / 255 - model.info.mean[c]) / model.info.deviation[c]);
      }
      const Tensor logits = model.network->forward(x);
      save(file("bytes"), bytes);
      save(file("planes"), permute(x, {0, 3, 1, 2}));
      save(file("logits"), permute(logits, {0, 3, 1, 2}));
      save(file("probabilities"), reshape(sigmoid(logits), {shape[0], shape[1], shape[2]}));
      for (const char* what : {"planes", "logits"}) planes_and_logits.push_back(file(what));
      for (const char* what : {"bytes", "probabilities"}) bytes_and_probabilities.push_back(file(what));
    }
  }
};

/// Runs a script of tests/interchange; one that lacks its tools (status 77) is reported, not failed.
void check_script(const std::string& interpreter, const std::string& script,
                  const std::vector<std::string>& arguments) {
  std::string command = interpreter + " " + shell_quoted(WEFT_SOURCE_DIR "/tests/interchange/" + script);
  for (const std::string& argument : arguments) command += " " + shell_quoted(argument);
  const ProgramResult result = run_command(command);
  INFO(script << "\n" << result.out << result.err);
  if (result.status == 77 || result.status == 127) {
    WARN(script << ": " << result.out << result.err);
  } else {
    CHECK(result.status == 0);
  }
  fmt::print("{}", result.out);
}

std::string python() {
  const char* chosen = std::getenv("WEFT_PYTHON");
  return shell_quoted(chosen != nullptr ? chosen : "/usr/bin/python3");
}

}  // namespace

TEST_CASE("export_onnx says what it wrote, and refuses what it can't", "[tools]") {
  const TemporaryFolder folder;
  const std::string model = folder / "model.safetensors", out = folder / "model.onnx";
  save_golden(model, {.arch = "resnet18", .decoder_channels = {8, 8, 8, 8, 8}});

  const ProgramResult plain = run_program("export_onnx", {model, out});
  CHECK(plain.status == 0);
  CHECK(plain.out == out + ": ONNX, opset 13: image float32 [N, 3, H, W], normalised -> logits [N, 1, H, W]\n");
  const ProgramResult whole = run_program("export_onnx", {model, out, "--fold", "--with-preprocessing"});
  CHECK(whole.out == out + ": ONNX, opset 13: image uint8 [N, H, W, 3] -> probability [N, H, W]\n");

  const std::string before = read_text(model);
  const ProgramResult itself = run_program("export_onnx", {model, model});
  CHECK(itself.status == 2);
  CHECK_THAT(itself.err, Contains("model.safetensors: is the model itself"));
  CHECK(read_text(model) == before);
  CHECK(run_program("export_onnx", {model}).status == 2);
  CHECK(run_program("export_onnx", {folder / "none", out}).status == 1);
}

TEST_CASE("exported models give weft's logits in other runtimes", "[.long]") {
  std::vector<UNetConfig> configs = {{.arch = "mobilenet_v2"}, {.arch = "resnet18"}, {.arch = "resnet34"}};
  for (const Upsample upsample : {Upsample::bilinear, Upsample::transposed})
    configs.push_back({.arch = "mobilenet_v2", .upsample = upsample});
  for (const UNetConfig& config : configs) {
    fmt::print("{}, {}\n", config.arch, to_string(config.upsample));
    const TemporaryFolder folder;
    const std::string path = folder / "model.safetensors";
    save_golden(path, config);
    const Pairs pairs(folder, load_model(path));
    for (const std::vector<std::string>& options : {std::vector<std::string>{}, {"--fold"}, {"--with-preprocessing"}}) {
      const std::string out = folder / "model.onnx";
      std::vector<std::string> arguments = {path, out};
      arguments.insert(arguments.end(), options.begin(), options.end());
      REQUIRE(run_program("export_onnx", arguments).status == 0);
      const bool has_preprocessing = !options.empty() && options[0] == "--with-preprocessing";
      const auto& arrays = has_preprocessing ? pairs.bytes_and_probabilities : pairs.planes_and_logits;
      std::vector<std::string> model_and_arrays = {out};
      model_and_arrays.insert(model_and_arrays.end(), arrays.begin(), arrays.end());
      check_script(python(), "onnx_checker.py", {out});
      check_script("node", "onnx_runtime.mjs", model_and_arrays);
      if (!has_preprocessing) check_script(python(), "onnx_opencv.py", model_and_arrays);
    }
  }
}
