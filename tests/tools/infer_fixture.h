#pragma once
// A small model and photographs for infer_unet.

#include "data/image_io.h"
#include "models/model_file.h"
#include "tests/noise_picture.h"
#include "tests/tools/run_program.h"

namespace weft::test {

/// A model with random weights, and three pictures of different sizes.
struct InferFixture {
  TemporaryFolder folder;
  std::string model = (folder / "model.safetensors").string(), photos = (folder / "photos").string(),
              out = (folder / "out").string();
  InferFixture() {
    const UNetConfig small{.arch = "resnet18", .decoder_channels = {16, 8, 8, 4, 4}};
    UNet network(small);
    network.initialise(1);
    save_model(model, network, {.network = small, .height = 64, .width = 64});
    std::filesystem::create_directories(photos);
    save_png(photo("a"), noise(40, 70, 1));
    save_png(photo("b"), noise(64, 64, 2));
    save_png(photo("c"), noise(100, 30, 3));
  }
  std::string photo(const std::string& stem) const { return photos + "/" + stem + ".png"; }
  /// As another program leaves a picture: without weft's note.
  void make_foreign(const std::string& stem) const {
    std::string content = read_text(photo(stem));
    content.replace(content.find("Software"), 8, "Softwear");
    std::ofstream(photo(stem), std::ios::binary) << content;
  }
  ProgramResult infer(std::vector<std::string> arguments, const std::string& prepare = "", int threads = 1) const {
    arguments.insert(arguments.end(), {"--model", model, "--threads", std::to_string(threads)});
    return run_program("infer_unet", arguments, prepare);
  }
};

}  // namespace weft::test
