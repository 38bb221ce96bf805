// convert_weights: from PyTorch's files, and safetensors in shards, to the files that weft loads.

#include <filesystem>
#include <optional>

#include "models/convert_weights.h"
#include "models/registry.h"
#include "tools/common/run_tool.h"

namespace {

using namespace weft;

int convert(const std::string& in, const std::string& out, const ConversionOptions& options) {
  if (!out.ends_with(".safetensors")) throw tools::UsageError(out + ": the output's name must end in .safetensors");
  const WeightsFile file = open_weights(in);
  fmt::print("{}: {}, {} tensors\n", in, file.format(), file.tensors().size());
  for (const std::string& note : file.notes()) fmt::print("{}\n", note);
  const Conversion done = convert_weights(file, out, options);
  for (const std::string& note : done.notes) fmt::print("{}\n", note);
  fmt::print("{}: {}, {} tensors, {:.1f} MB\n", out, done.what, done.tensors,
             static_cast<double>(std::filesystem::file_size(out)) * 1e-6);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Converts weights (PyTorch's .pth, safetensors, safetensors in shards) of a torchvision classifier or a U-Net of "
      "segmentation_models_pytorch to a safetensors file that weft loads. No Python is run.",
      "convert_weights");
  std::string in, out;
  ConversionOptions options;
  bool f16 = false;
  app.add_option("IN", in, "the file to read; its format is told by its content")->required();
  app.add_option("OUT", out, "the .safetensors file to write")->required();
  app.add_option("--arch", options.arch, "architecture, where the tensors' names don't tell")
      ->check(CLI::IsMember(architectures()));
  app.add_flag("--f16", f16, "store convolution weights in half precision");
  app.add_option("--size", options.size,
                 "of a U-Net: the height and width that it is to be run at, a multiple of 32; "
                 "default: those in its description")
      ->type_name("N");
  app.add_flag("--keep-head", options.keep_head,
               "keep a classifier's head (1000 classes); an encoder has no use for it");
  return tools::run_tool(app, argc, argv, [&] {
    if (f16) options.storage = FloatStorage::f16;
    return convert(in, out, options);
  });
}
