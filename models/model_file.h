#pragma once
// A model file: a safetensors file of a U-Net's state dict whose metadata say all that is needed to run
// it. Files without weft's metadata, such as a segmentation_models_pytorch state dict, are recognised by
// their tensors' names and shapes.

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "core/formats/safetensors.h"
#include "models/unet.h"

namespace weft {

/// What a model needs besides its weights. The defaults are what is assumed for files that don't say.
struct ModelInfo {
  UNetConfig network;
  std::int64_t height = 512, width = 512;  // of the network's input
  std::string fit = "stretch";             // how a picture comes to that size: stretch, letterbox or area (data/fit.h)
  std::array<double, 3> mean = {0.485, 0.456, 0.406};  // of RGB in [0, 1]
  std::array<double, 3> deviation = {0.229, 0.224, 0.225};
  std::string label_map = "binary";               // that the training masks were read with
  double threshold = 0.5;                         // on the probability
  std::map<std::string, std::string> notes = {};  // free text, such as metrics and the training command
};

struct Model {
  ModelInfo info;
  std::unique_ptr<UNet> network;  // in evaluation mode
  bool is_described = false;      // false: the file had no weft metadata, and `info` holds defaults
};

/// What a file says of its model, or, where it says nothing (`is_described` false), what its tensors tell and the
/// defaults.
struct Description {
  ModelInfo info;
  bool is_described = false;
};

/// The description alone; the weights are not read. Throws Error as load_model does.
Description load_description(const std::filesystem::path& path);

/// The metadata of a model file, which load_model reads back.
std::map<std::string, std::string> describe(const ModelInfo& info);

/// Writes weights, buffers and description; with FloatStorage::f16 convolution weights take half the space.
void save_model(const std::filesystem::path& path, const UNet& network, const ModelInfo& info,
                FloatStorage storage = FloatStorage::f32);

/// Reads what save_model wrote, or a bare U-Net state dict in smp's keys. `arch` is needed only where the names
/// don't tell. Throws Error, with the path: a file that is no model, tensors missing, unexpected or of the wrong
/// shape, a tensor with NaN or infinity, an `arch` that contradicts the file.
Model load_model(const std::filesystem::path& path, const std::optional<std::string>& arch = std::nullopt);

/// Opens a safetensors file. Throws Error, as SafetensorsFile does; for files of other kinds that people have
/// (PyTorch's, ONNX, files in shards) it says what they are and what to do.
SafetensorsFile open_safetensors(const std::filesystem::path& path);

/// Gives the shape of the tensor with this name, or nullptr where there is none.
using ShapeOf = std::function<const std::vector<std::int64_t>*(const std::string& name)>;

/// The network that a bare state dict in smp's keys was made by: the encoder from the names (or `arch`), the widths
/// from the shapes. Bilinear upsampling leaves no trace; nearest is assumed. Throws Error, with `path`, where the
/// tensors are not a U-Net's.
UNetConfig recognise_unet(const std::string& path, const ShapeOf& shape_of,
                          const std::optional<std::string>& arch = std::nullopt);

/// All tensors of a weight file, as float32 (or int64). Throws Error where one holds NaN or infinity.
nn::StateDict read_state_dict(const SafetensorsFile& file);

/// Writes the tensors of any network to a safetensors file, whole or not at all; load_state_dict() takes back what
/// load_safetensors() reads. Throws Error where the file can't be written or read, and for NaN and infinity in it.
void save_safetensors(const std::filesystem::path& path, const nn::StateDict& state,
                      FloatStorage storage = FloatStorage::f32);
nn::StateDict load_safetensors(const std::filesystem::path& path);

/// The tensors of a network as safetensors wants them; they point into the network's own buffers.
std::vector<TensorToSave> tensors_to_save(const nn::StateDict& state);

}  // namespace weft
