// export_onnx: a model for runtimes other than weft.

#include <filesystem>
#include <optional>

#include "models/onnx_export.h"
#include "tools/common/run_tool.h"

namespace {

using namespace weft;

int export_model(const std::string& in, const std::string& out, const std::optional<std::string>& arch,
                 const OnnxOptions& options) {
  std::error_code no_such_file;
  if (std::filesystem::equivalent(in, out, no_such_file)) throw tools::UsageError(out + ": is the model itself");
  const Model model = load_model(in, arch);
  if (!model.is_described) {
    tools::say(fmt::format("{}: no description by weft; recognised as a U-Net with the encoder {}", in,
                           model.info.network.arch));
  }
  export_onnx(out, *model.network, model.info, options);
  fmt::print("{}: ONNX, opset 13: {}\n", out,
             options.with_preprocessing ? "image uint8 [N, H, W, 3] -> probability [N, H, W]"
                                        : fmt::format("image float32 [N, 3, H, W], normalised -> logits [N, {}, H, W]",
                                                      model.info.network.classes));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Writes a U-Net as an ONNX file (opset 13) that takes any batch, and any height and width that are multiples of "
      "32.",
      "export_onnx");
  std::string in, out;
  std::optional<std::string> arch;
  OnnxOptions options;
  app.add_option("MODEL", in, "the model (safetensors)")->required();
  app.add_option("OUT", out, "the file to write, such as model.onnx")->required();
  app.add_option("--arch", arch, "the encoder, for a file that does not say");
  app.add_flag("--with-preprocessing", options.with_preprocessing,
               "uint8 RGB [N, H, W, 3] in, probability [N, H, W] out");
  app.add_flag("--fold", options.fold, "fold batch norm into the convolutions");
  return tools::run_tool(app, argc, argv, [&] { return export_model(in, out, arch, options); });
}
