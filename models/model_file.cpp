#include "models/model_file.h"

#include <fmt/ranges.h>

#include <charconv>
#include <cmath>
#include <limits>

#include "core/formats/about_file.h"
#include "core/formats/file_kind.h"
#include "models/registry.h"

namespace weft {
namespace {

constexpr const char* format_key = "weft.format";
constexpr const char* format_name = "unet";
constexpr const char* note_prefix = "note.";

/// What to do with a checkpoint of train_unet that was given as a model.
std::string checkpoint_advice(const std::filesystem::path& path) {
  const std::filesystem::path folder = path.parent_path();
  for (const char* name : {"best.safetensors", "last.safetensors"}) {
    if (std::filesystem::exists(folder / name))
      return fmt::format("is the checkpoint of a training run; its model is {}", (folder / name).string());
  }
  return fmt::format(
      "is the checkpoint of a training run that has no model yet; train_unet --out {} --resume goes on to "
      "one",
      folder.empty() ? "." : folder.string());
}

/// Reads the values of describe() back; every one must be there and make sense.
class DescriptionReader {
 public:
  explicit DescriptionReader(const SafetensorsFile& file) : file_(file) {}

  ModelInfo read() const {
    WEFT_CHECK(text(format_key) != "checkpoint", "{}: {}", file_.path(), checkpoint_advice(file_.path()));
    WEFT_CHECK(text(format_key) == format_name, "{}: holds a '{}', expected a '{}'", file_.path(), text(format_key),
               format_name);
    ModelInfo info;
    info.network.arch = text("arch");
    info.network.decoder_channels = numbers<std::int64_t>("decoder_channels", 5);
    info.network.upsample = upsample_from(text("upsample"));
    info.network.classes = numbers<std::int64_t>("classes", 1)[0];
    const auto size = numbers<std::int64_t>("size", 2);
    WEFT_CHECK(size[0] >= 1 && size[1] >= 1 && size[0] <= 16384 && size[1] <= 16384, "{}: metadata size is '{}'",
               file_.path(), text("size"));
    info.height = size[0];
    info.width = size[1];
    info.fit = text("fit");
    WEFT_CHECK(info.fit == "stretch" || info.fit == "letterbox" || info.fit == "area",
               "{}: metadata fit is '{}', expected stretch, letterbox or area", file_.path(), info.fit);
    const auto mean = numbers<double>("mean", 3), deviation = numbers<double>("std", 3);
    for (std::size_t c = 0; c < 3; ++c) {
      WEFT_CHECK(std::isfinite(mean[c]) && deviation[c] > 0 && std::isfinite(deviation[c]),
                 "{}: metadata mean or std makes no sense", file_.path());
      info.mean[c] = mean[c];
      info.deviation[c] = deviation[c];
    }
    info.label_map = text("label_map");
    info.threshold = numbers<double>("threshold", 1)[0];
    WEFT_CHECK(info.threshold > 0 && info.threshold < 1, "{}: metadata threshold is {}, expected between 0 and 1",
               file_.path(), info.threshold);
    for (const auto& [key, value] : file_.metadata()) {
      if (key.starts_with(note_prefix)) info.notes.emplace(key.substr(std::string_view(note_prefix).size()), value);
    }
    return info;
  }

 private:
  const std::string& text(const std::string& key) const {
    const auto found = file_.metadata().find(key);
    WEFT_CHECK(found != file_.metadata().end(), "{}: metadata lack '{}'", file_.path(), key);
    return found->second;
  }

  template <class T>
  std::vector<T> numbers(const std::string& key, std::size_t count) const {
    const std::string& list = text(key);
    std::vector<T> values;
    const char* position = list.data();
    const char* const end = position + list.size();
    while (values.size() < count) {
      T value{};
      const auto [next, error] = std::from_chars(position, end, value);
      if (error != std::errc{}) break;
      values.push_back(value);
      position = next;
      if (position != end && *position == ',') ++position;
    }
    WEFT_CHECK(values.size() == count && position == end, "{}: metadata {} is '{}', expected {} numbers", file_.path(),
               key, list, count);
    return values;
  }

  const SafetensorsFile& file_;
};

Shape tensor_shape(const SafetensorsEntry& entry) { return Shape(std::span<const std::int64_t>(entry.shape)); }

/// Reads float32 numbers into `t`, which has the entry's shape.
void read_finite(const SafetensorsFile& file, const SafetensorsEntry& entry, const Tensor& t) {
  float* values = t.mutable_data<float>();
  file.read_f32(entry, values);
  int bad = 0;
  for (std::int64_t i = 0, n = t.count(); i < n; ++i)
    bad |= !(std::abs(values[i]) <= std::numeric_limits<float>::max());
  WEFT_CHECK(bad == 0, "{}: tensor {} holds NaN or infinity", file.path(), entry.name);
}

Tensor read_tensor(const SafetensorsFile& file, const SafetensorsEntry& entry) {
  if (!is_floating(entry.type)) return Tensor::from(tensor_shape(entry), file.read_i64(entry));
  const Tensor t = Tensor::empty(tensor_shape(entry));
  read_finite(file, entry, t);
  return t;
}

/// Reads a file into a new float32 network: load_state_dict(read_state_dict(file)) without the copy between them.
void read_network(const SafetensorsFile& file, const nn::Module& network) {
  std::vector<nn::NamedShape> shapes;
  for (const SafetensorsEntry& entry : file.tensors()) {
    shapes.push_back({entry.name, tensor_shape(entry), is_floating(entry.type) ? DType::f32 : DType::i64});
  }
  network.check_state_dict(shapes, file.path());
  for (const auto& [name, tensor] : network.state_dict()) {
    const SafetensorsEntry* entry = file.find(name);
    if (entry == nullptr) continue;  // a counter, which may be missing
    if (tensor.dtype() == DType::f32) {
      read_finite(file, *entry, tensor);
    } else {
      tensor.copy_from(read_tensor(file, *entry));
    }
  }
}

ShapeOf shapes_in(const SafetensorsFile& file) {
  return [&file](const std::string& name) {
    const SafetensorsEntry* entry = file.find(name);
    return entry == nullptr ? nullptr : &entry->shape;
  };
}

/// A network is built before its tensors are compared; a description that claims widths which the file does not hold
/// would cost memory that the file never paid for.
void check_widths(const std::string& path, const ShapeOf& shape_of, const UNetConfig& config) {
  const auto check = [&](const std::string& name, std::int64_t out, std::int64_t in) {
    const std::vector<std::int64_t>* shape = shape_of(name);
    const std::vector<std::int64_t> expected = {out, in, 3, 3};
    WEFT_CHECK(shape != nullptr, "{}: does not fit the network; missing {} {}", path, name, shape_text(expected));
    WEFT_CHECK(*shape == expected, "{}: does not fit the network; {} is {}, expected {}", path, name,
               shape_text(*shape), shape_text(expected));
  };
  const auto& widths = config.decoder_channels;
  for (std::size_t i = 0; i < widths.size(); ++i)
    check(fmt::format("decoder.blocks.{}.conv2.0.weight", i), widths[i], widths[i]);
  check("segmentation_head.0.weight", config.classes, widths.back());
}

/// The architecture that the tensors' names tell; nullopt where they tell none.
std::optional<std::string> recognise_unet_arch(const ShapeOf& shape_of) {
  if (shape_of("encoder.features.0.0.weight") != nullptr) return "mobilenet_v2";
  if (shape_of("encoder.layer1.2.conv1.weight") != nullptr) return "resnet34";
  if (shape_of("encoder.layer1.1.conv1.weight") != nullptr) return "resnet18";
  return std::nullopt;
}

}  // namespace

SafetensorsFile open_safetensors(const std::filesystem::path& path) {
  FileBytes bytes = FileBytes::read(path, look_at_safetensors);
  const std::string kind = what_it_is(bytes.text(), path.string());
  WEFT_CHECK(kind.empty(), "{}: {}", path.string(), kind);
  return SafetensorsFile(std::move(bytes));
}

UNetConfig recognise_unet(const std::string& path, const ShapeOf& shape_of, const std::optional<std::string>& arch) {
  const auto channels_out = [&](const std::string& name) {
    const std::vector<std::int64_t>* shape = shape_of(name);
    WEFT_CHECK(shape != nullptr && shape->size() == 4,
               "{}: neither weft's metadata nor a U-Net's tensors are in this file ({} is missing); an encoder's "
               "weights go to --encoder-weights",
               path, name);
    return (*shape)[0];
  };
  UNetConfig config;
  for (std::size_t i = 0; i < config.decoder_channels.size(); ++i) {
    config.decoder_channels[i] = channels_out(fmt::format("decoder.blocks.{}.conv2.0.weight", i));
  }
  if (shape_of("decoder.blocks.0.upsample.weight") != nullptr) config.upsample = Upsample::transposed;
  config.classes = channels_out("segmentation_head.0.weight");
  check_widths(path, shape_of, config);

  const auto recognised = recognise_unet_arch(shape_of);
  WEFT_CHECK(arch || recognised, "{}: the architecture can't be told from the tensors' names; give --arch", path);
  config.arch = arch ? *arch : *recognised;
  return config;
}

std::map<std::string, std::string> describe(const ModelInfo& info) {
  std::map<std::string, std::string> m{
      {format_key, format_name},
      {"weft.version", WEFT_VERSION},
      {"arch", info.network.arch},
      {"decoder_channels", fmt::format("{}", fmt::join(info.network.decoder_channels, ","))},
      {"upsample", to_string(info.network.upsample)},
      {"classes", std::to_string(info.network.classes)},
      {"size", fmt::format("{},{}", info.height, info.width)},
      {"fit", info.fit},
      {"mean", fmt::format("{}", fmt::join(info.mean, ","))},
      {"std", fmt::format("{}", fmt::join(info.deviation, ","))},
      {"label_map", info.label_map},
      {"threshold", fmt::format("{}", info.threshold)},
  };
  for (const auto& [key, value] : info.notes) m.emplace(note_prefix + key, value);
  return m;
}

nn::StateDict read_state_dict(const SafetensorsFile& file) {
  nn::StateDict state;
  for (const SafetensorsEntry& entry : file.tensors()) state.push_back({entry.name, read_tensor(file, entry)});
  return state;
}

std::vector<TensorToSave> tensors_to_save(const nn::StateDict& state) {
  std::vector<TensorToSave> tensors;
  for (const auto& [name, tensor] : state) {
    const ElementType type = tensor.dtype() == DType::f32   ? ElementType::F32
                             : tensor.dtype() == DType::f64 ? ElementType::F64
                                                            : ElementType::I64;
    const auto sizes = tensor.shape().sizes();
    tensors.push_back({name, type, {sizes.begin(), sizes.end()}, tensor.raw_data()});
  }
  return tensors;
}

void save_safetensors(const std::filesystem::path& path, const nn::StateDict& state, FloatStorage storage) {
  save_safetensors(path, std::map<std::string, std::string>{}, tensors_to_save(state), storage);
}

nn::StateDict load_safetensors(const std::filesystem::path& path) { return read_state_dict(open_safetensors(path)); }

void save_model(const std::filesystem::path& path, const UNet& network, const ModelInfo& info, FloatStorage storage) {
  WEFT_CHECK(info.network == network.config(), "{}: the description is of another network", path.string());
  save_safetensors(path, describe(info), tensors_to_save(network.state_dict()), storage);
}

namespace {

Description read_description(const SafetensorsFile& file, const std::optional<std::string>& arch) {
  Description description;
  description.is_described = file.metadata().contains(format_key);
  if (description.is_described) {
    description.info = DescriptionReader(file).read();
    check_widths(file.path(), shapes_in(file), description.info.network);
  } else {
    description.info.network = recognise_unet(file.path(), shapes_in(file), arch);
  }
  WEFT_CHECK(!arch || *arch == description.info.network.arch, "{}: the model is a {}, not a {}", file.path(),
             description.info.network.arch, *arch);
  return description;
}

Model read_model(const SafetensorsFile& file, const std::optional<std::string>& arch) {
  auto [info, is_described] = read_description(file, arch);
  Model model{std::move(info), nullptr, is_described};
  model.network = std::make_unique<UNet>(model.info.network);
  read_network(file, *model.network);
  model.network->eval();
  return model;
}

}  // namespace

Description load_description(const std::filesystem::path& path) {
  return about_file(path.string(), [&] { return read_description(open_safetensors(path), std::nullopt); });
}

Model load_model(const std::filesystem::path& path, const std::optional<std::string>& arch) {
  return about_file(path.string(), [&] { return read_model(open_safetensors(path), arch); });
}

}  // namespace weft
