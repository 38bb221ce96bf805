#include "models/convert_weights.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "core/formats/printable.h"
#include "models/model_file.h"
#include "models/registry.h"

namespace weft {
namespace {

/// A tensor under the name that it will have.
struct Named {
  std::string name;
  const WeightsEntry* entry;
};

/// The tensors of a file on their way to weft's names; each step that drops or renames says so in `notes`.
class FileTensors {
 public:
  FileTensors(const WeightsFile& file, std::vector<std::string>& notes) : file_(file), notes_(notes) {
    for (const WeightsEntry& entry : file.tensors()) tensors_.push_back({entry.name, &entry});
  }

  const WeightsEntry* find(const std::string& name) const {
    const auto found = std::find_if(tensors_.begin(), tensors_.end(), [&](const Named& t) { return t.name == name; });
    return found == tensors_.end() ? nullptr : found->entry;
  }
  bool any(std::string_view prefix) const {
    return std::any_of(tensors_.begin(), tensors_.end(), [&](const Named& t) { return t.name.starts_with(prefix); });
  }
  bool all(std::string_view prefix) const {
    return std::all_of(tensors_.begin(), tensors_.end(), [&](const Named& t) { return t.name.starts_with(prefix); });
  }

  /// Leaves out the tensors of which is_dropped(name), and says why.
  template <class Predicate>
  void drop(const Predicate& is_dropped, const std::string& reason) {
    std::vector<std::string> dropped;
    std::vector<Named> kept;
    for (Named& tensor : tensors_) {
      if (is_dropped(tensor.name)) {
        dropped.push_back(fmt::format("{} {}", printable(tensor.name), shape_text(tensor.entry->shape)));
      } else {
        kept.push_back(std::move(tensor));
      }
    }
    if (!dropped.empty()) notes_.push_back(fmt::format("dropped {}: {}", fmt::join(dropped, ", "), reason));
    tensors_ = std::move(kept);
  }

  /// Takes the prefix off all names.
  void remove_prefix(std::string_view prefix) {
    for (Named& tensor : tensors_) tensor.name.erase(0, prefix.size());
    notes_.push_back(fmt::format("removed the prefix '{}'", prefix));
  }

  /// The numbers, as float32 or int64. Throws Error for NaN and infinity.
  nn::StateDict read() const {
    nn::StateDict state;
    for (const auto& [name, entry] : tensors_) {
      WEFT_CHECK(entry->shape.size() <= Shape::max_rank, "{}: tensor {} has {} dimensions", file_.path(),
                 printable(name), entry->shape.size());
      const Shape shape{std::span<const std::int64_t>(entry->shape)};
      if (!is_floating(entry->type)) {
        state.push_back({name, Tensor::from(shape, file_.read_i64(*entry))});
        continue;
      }
      const std::vector<float> values = file_.read_f32(*entry);
      bool finite = true;
      for (float v : values) finite &= std::isfinite(v);
      WEFT_CHECK(finite, "{}: tensor {} holds NaN or infinity", file_.path(), printable(entry->name));
      state.push_back({name, Tensor::from(shape, values)});
    }
    return state;
  }

 private:
  const WeightsFile& file_;
  std::vector<std::string>& notes_;
  std::vector<Named> tensors_;
};

/// What training frameworks put before every name: DataParallel, Lightning, torch.compile, the member that a program
/// keeps its network in. Where only some names begin so, those of the network do, and what lies beside it (a loss's
/// constants) is dropped.
void remove_wrappers(FileTensors& tensors) {
  constexpr std::string_view wrappers[] = {"module.", "model.", "_orig_mod.", "net.", "unet."};
  for (bool found = true; found;) {
    found = false;
    for (std::string_view wrapper : wrappers) {
      if (!tensors.all(wrapper) && !tensors.any(std::string(wrapper) + "encoder.")) continue;
      tensors.drop([&](const std::string& name) { return !name.starts_with(wrapper); }, "they are beside the network");
      tensors.remove_prefix(wrapper);
      found = true;
    }
  }
}

/// A torchvision network's architecture by its names; nullopt for networks that weft does not have. Bottleneck ResNets
/// (50 and deeper) have a conv3, and other families have no layer 18.
std::optional<std::string> recognise_classifier(const FileTensors& tensors) {
  if (tensors.find("features.0.0.weight") && tensors.any("features.18.") && !tensors.any("features.19."))
    return "mobilenet_v2";
  if (!tensors.find("layer1.0.conv1.weight") || tensors.find("layer1.0.conv3.weight")) return std::nullopt;
  return tensors.find("layer1.2.conv1.weight") ? "resnet34" : "resnet18";
}

bool is_head(const std::string& name) { return name.starts_with("fc.") || name.starts_with("classifier."); }

/// Loads the tensors into the network by name; says which counters it had to make up.
void load(const nn::Module& network, const FileTensors& tensors, const WeightsFile& file,
          std::vector<std::string>& notes) {
  network.load_state_dict(tensors.read(), file.path());
  std::int64_t added = 0;
  for (const auto& [name, tensor] : network.state_dict()) added += tensors.find(name) == nullptr;
  if (added > 0) notes.push_back(fmt::format("added {} num_batches_tracked of value 0, which the file lacks", added));
}

void resize(ModelInfo& info, const ConversionOptions& options) {
  if (options.size == 0) return;
  WEFT_CHECK(options.size >= UNet::stride && options.size % UNet::stride == 0,
             "--size: expected a multiple of {}, got {}", UNet::stride, options.size);
  info.height = info.width = options.size;
}

void convert_unet(const WeightsFile& file, FileTensors& tensors, const std::filesystem::path& path,
                  const ConversionOptions& options, Conversion& done) {
  WEFT_CHECK(!options.keep_head, "{}: a U-Net; only a classifier has a head to keep", file.path());
  tensors.drop([](const std::string& name) { return name.starts_with("classification_head."); },
               "smp's auxiliary head, which weft does not have");
  const auto shape_of = [&](const std::string& name) {
    const WeightsEntry* entry = tensors.find(name);
    return entry == nullptr ? nullptr : &entry->shape;
  };
  ModelInfo info{.network = recognise_unet(file.path(), shape_of, options.arch),
                 .notes = {{"converted_from", std::filesystem::path(file.path()).filename().string()}}};
  resize(info, options);
  const UNet network(info.network);
  load(network, tensors, file, done.notes);
  done.what = fmt::format("U-Net with the encoder {}", info.network.arch);
  done.notes.push_back(
      fmt::format("the file does not describe its use; assumed: pictures stretched to {} x {}, ImageNet's mean and "
                  "std, {} upsampling, threshold {}",
                  info.height, info.width, to_string(info.network.upsample), info.threshold));
  done.tensors = network.state_dict().size();
  save_model(path, network, info, options.storage);
}

void convert_classifier(const WeightsFile& file, FileTensors& tensors, const std::filesystem::path& path,
                        const ConversionOptions& options, Conversion& done) {
  if (tensors.all("encoder.")) tensors.remove_prefix("encoder.");
  const auto recognised = recognise_classifier(tensors);
  WEFT_CHECK(
      options.arch || recognised,
      "{}: neither a U-Net nor a network that weft has ({}) by its tensors' names; --arch names one to compare with",
      file.path(), fmt::join(architectures(), ", "));
  const std::string arch = options.arch ? *options.arch : *recognised;
  if (!options.keep_head) tensors.drop(is_head, "the classifier's head (--keep-head keeps it)");
  const std::unique_ptr<nn::Module> network =
      options.keep_head ? std::unique_ptr<nn::Module>(make_classifier(arch)) : make_encoder(arch);
  load(*network, tensors, file, done.notes);
  done.what = fmt::format("{} {}", arch, options.keep_head ? "classifier" : "encoder");
  const nn::StateDict state = network->state_dict();
  done.tensors = state.size();
  save_safetensors(path, {{"arch", arch}, {"weft.version", WEFT_VERSION}}, tensors_to_save(state), options.storage);
}

/// A file that weft wrote keeps its description.
void convert_described(const std::string& from, const std::filesystem::path& path, const ConversionOptions& options,
                       Conversion& done) {
  WEFT_CHECK(!options.keep_head, "{}: a U-Net; only a classifier has a head to keep", from);
  Model model = load_model(from, options.arch);
  resize(model.info, options);
  done.what = fmt::format("U-Net with the encoder {}, described by weft", model.info.network.arch);
  done.tensors = model.network->state_dict().size();
  save_model(path, *model.network, model.info, options.storage);
}

}  // namespace

Conversion convert_weights(const WeightsFile& file, const std::filesystem::path& path,
                           const ConversionOptions& options) {
  Conversion done;
  if (file.metadata().contains("weft.format")) {
    convert_described(file.path(), path, options, done);
    return done;
  }
  FileTensors tensors(file, done.notes);
  WEFT_CHECK(!file.tensors().empty(), "{}: holds no tensors", file.path());
  remove_wrappers(tensors);
  if (tensors.any("decoder.") || tensors.any("segmentation_head.")) {
    convert_unet(file, tensors, path, options, done);
  } else {
    convert_classifier(file, tensors, path, options, done);
  }
  return done;
}

}  // namespace weft
