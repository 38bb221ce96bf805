// run_network FILE INPUT.npy OUT: runs the network of a safetensors file on an input [N, H, W, 3], already normalised,
// for the interchange tests. A U-Net's logits go to OUT.logits.npy; of an encoder or a classifier the five feature maps
// go to OUT.stage{1..5}.npy and a classifier's logits to OUT.logits.npy. With `-` as OUT nothing is run or written,
// but "ready" is printed: what passes until then is the loading time.

#include <fmt/format.h>

#include "core/autograd.h"
#include "core/formats/npy.h"
#include "models/encoder_weights.h"
#include "models/model_file.h"
#include "models/registry.h"

namespace {

using namespace weft;

Tensor read_input(const std::string& path) {
  const NpyFile file(path);
  return Tensor::from(Shape(std::span<const std::int64_t>(file.shape())), file.read_f32());
}

void write(const std::string& path, const Tensor& y) { save_npy(path, y.shape().sizes(), y.values<float>()); }

void run_classifier(const SafetensorsFile& file, const Tensor& x, const std::string& out) {
  const std::string arch = file.metadata().at("arch");
  const auto encoder = make_encoder(arch);
  load_encoder_weights(*encoder, file.path());
  encoder->eval();
  const Tensors stages = encoder->features(x);
  for (std::size_t i = 0; i < stages.size(); ++i) write(fmt::format("{}.stage{}.npy", out, i + 1), stages[i]);
  if (file.find("fc.weight") == nullptr && file.find("classifier.1.weight") == nullptr) return;
  const auto classifier = make_classifier(arch);
  classifier->load_state_dict(read_state_dict(file), file.path());
  classifier->eval();
  write(out + ".logits.npy", classifier->forward(x));
}

int run(const std::string& path, const std::string& input, const std::string& out) {
  const NoGrad no_grad;
  const SafetensorsFile file(path);
  if (file.find("segmentation_head.0.weight") == nullptr) {
    run_classifier(file, read_input(input), out);
    return 0;
  }
  const Model model = load_model(path);
  if (out == "-") {
    fmt::print("ready\n");
    std::fflush(stdout);
    return 0;
  }
  write(out + ".logits.npy", model.network->forward(read_input(input)));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    fmt::print(stderr, "usage: run_network FILE INPUT.npy OUT\n");
    return 2;
  }
  try {
    return run(argv[1], argv[2], argv[3]);
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
