#include "core/formats/torch_file.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "core/check.h"
#include "core/formats/pickle.h"
#include "core/formats/printable.h"

namespace weft {

namespace {

// Pickle of the integer 0x1950a86a20f9469cfc6c.
constexpr std::string_view legacy_magic = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e";
constexpr std::uint64_t max_pickle_bytes = 64'000'000;
constexpr std::uint64_t max_sharing = 8;  // how often all storages together may be read: tied weights are read twice

const PickleValue* find_item(const PickleDict& dict, std::string_view key) {
  const PickleValue* found = nullptr;
  for (const auto& [name, value] : dict.items) {
    if (const auto* text = name->as<std::string_view>(); text && *text == key)
      found = value;  // as in Python, the last one counts
  }
  return found;
}

bool holds_tensors(const PickleValue& value) {
  const auto* dict = value.as<PickleDict>();
  return dict && std::any_of(dict->items.begin(), dict->items.end(),
                             [](const auto& item) { return item.second->template as<PickleTensor>() != nullptr; });
}

/// The dict that holds the tensors: what lies under the first of these keys that holds some, or the root.
const PickleDict& find_state_dict(const PickleValue& root, WeightsParts& parts) {
  const auto* dict = root.as<PickleDict>();
  WEFT_CHECK(dict, "{}: holds {}, not a state dict", parts.path, root.kind());
  const PickleDict* chosen = nullptr;
  std::string others;
  for (const char* key : {"state_dict", "model_state_dict", "model", "net", "params", "ema"}) {
    const PickleValue* inner = find_item(*dict, key);
    if (!inner || !holds_tensors(*inner)) continue;
    if (chosen != nullptr) {
      others += fmt::format("{}'{}'", others.empty() ? "" : ", ", key);
      continue;
    }
    chosen = inner->as<PickleDict>();
    parts.notes.push_back(fmt::format("took the state dict under '{}'", key));
  }
  if (!others.empty()) parts.notes.push_back(fmt::format("left out the other one under {}", others));
  if (chosen != nullptr) return *chosen;
  WEFT_CHECK(holds_tensors(root),
             "{}: holds no state dict: no tensor in it, nor under 'state_dict', 'model_state_dict', 'model', 'net', "
             "'params' or 'ema'",
             parts.path);
  return *dict;
}

/// The tensors of a state dict, their storages numbered by key.
class Collector {
 public:
  explicit Collector(WeightsParts& parts) : parts_(parts) {}

  void collect(const PickleDict& state_dict) {
    for (const auto& [key, value] : state_dict.items) {
      const auto* name = key->as<std::string_view>();
      const auto* tensor = value->as<PickleTensor>();
      if (name && tensor) {
        add(std::string(*name), *tensor);
      } else {
        parts_.notes.push_back(
            fmt::format("left out '{}', which is {}", name ? printable(*name) : key->kind(), value->kind()));
      }
    }
    remove_prefix("module.");
  }

  /// The storages in the order of their numbers.
  const std::vector<PickleStorage>& storages() const { return storages_; }

 private:
  void add(std::string name, const PickleTensor& tensor) {
    const auto [known, is_new] = numbers_.emplace(tensor.storage.key, storages_.size());
    if (is_new) storages_.push_back(tensor.storage);
    WEFT_CHECK(is_utf8(name), "{}: refused: the name of tensor '{}' is not UTF-8", parts_.path, printable(name));
    parts_.tensors.push_back(
        {std::move(name), tensor.storage.type, tensor.shape, known->second, tensor.offset, tensor.strides});
  }

  void remove_prefix(std::string_view prefix) {
    const auto has_prefix = [&](const WeightsEntry& entry) { return entry.name.starts_with(prefix); };
    if (!std::all_of(parts_.tensors.begin(), parts_.tensors.end(), has_prefix)) return;
    for (WeightsEntry& entry : parts_.tensors) entry.name.erase(0, prefix.size());
    parts_.notes.push_back(fmt::format("removed the prefix '{}'", prefix));
  }

  WeightsParts& parts_;
  std::vector<PickleStorage> storages_;
  std::map<std::string_view, std::size_t> numbers_;
};

std::uint64_t storage_bytes(const PickleStorage& storage, const std::string& file) {
  const auto bytes = byte_count(storage.type, std::span(&storage.count, 1));
  WEFT_CHECK(bytes, "{}: refused: storage '{}' of {} numbers", file, printable(storage.key), storage.count);
  return *bytes;
}

/// Tensors may share storages, so that a small file could ask for any amount of memory.
void check_sharing(const WeightsParts& parts, const std::vector<PickleStorage>& storages) {
  std::uint64_t stored = 0, wanted = 0;
  for (const PickleStorage& storage : storages) stored += storage_bytes(storage, parts.path);
  for (const WeightsEntry& entry : parts.tensors) wanted += byte_count(entry.type, entry.shape).value();
  WEFT_CHECK(wanted / max_sharing <= stored, "{}: refused: its tensors share storages so often that {} bytes become {}",
             parts.path, stored, wanted);
}

/// NAME/ of the entry NAME/data.pkl.
std::string root_folder(const ZipFile& zip) {
  const std::string ending = "/data.pkl";
  std::string root;
  for (const ZipEntry& entry : zip.entries()) {
    if (!entry.name.ends_with(ending) || entry.name.find('/') != entry.name.size() - ending.size()) continue;
    WEFT_CHECK(root.empty(), "{}: refused: two entries are called data.pkl", zip.path());
    root = entry.name.substr(0, entry.name.size() - ending.size() + 1);
  }
  WEFT_CHECK(!root.empty(), "{}: a zip file without NAME/data.pkl, so torch.save did not write it", zip.path());
  return root;
}

void check_byte_order(const ZipFile& zip, const std::string& root) {
  const ZipEntry* entry = zip.find(root + "byteorder");
  if (!entry) return;
  WEFT_CHECK(entry->size < 100, "{}: its byteorder entry has {} bytes", zip.path(), entry->size);
  std::vector<std::byte> buffer;
  const std::span<const std::byte> bytes = zip.read(*entry, buffer);
  const std::string_view order(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  WEFT_CHECK(order == "little", "{}: its numbers are '{}'-endian; weft reads little-endian files", zip.path(),
             printable(order));
}

/// A legacy stream: pickles one after the other.
class LegacyStream {
 public:
  explicit LegacyStream(const FileBytes& file) : file_(file) { position_ = legacy_magic.size(); }

  Pickle pickle(const char* part) {
    const std::span<const std::byte> rest = file_.bytes().subspan(position_);
    Pickle result(rest.first(std::min<std::size_t>(rest.size(), max_pickle_bytes)), file_.name(), part);
    position_ += result.length();
    return result;
  }
  std::span<const std::byte> take(std::uint64_t bytes, const std::string& what) {
    const std::uint64_t left = file_.size() - position_;
    WEFT_CHECK(bytes <= left, "{}: refused: {} has {} bytes, the file only {} more", file_.name(), what, bytes, left);
    const std::span<const std::byte> taken = file_.bytes().subspan(position_, bytes);
    position_ += bytes;
    return taken;
  }
  std::size_t left() const { return file_.size() - position_; }

 private:
  const FileBytes& file_;
  std::size_t position_;
};

void check_legacy_header(LegacyStream& stream, const std::string& file) {
  const Pickle protocol = stream.pickle("the protocol");
  const auto* version = protocol.root().as<std::int64_t>();
  WEFT_CHECK(version && *version == 1001, "{}: an unknown version of PyTorch's legacy format", file);
  const Pickle system = stream.pickle("the system's description");
  const auto* dict = system.root().as<PickleDict>();
  const PickleValue* little = dict ? find_item(*dict, "little_endian") : nullptr;
  const auto* yes = little ? little->as<bool>() : nullptr;
  WEFT_CHECK(yes && *yes, "{}: its numbers are not marked as little-endian", file);
}

/// The storages' bytes, by key. All that the pickle names are there, those of an optimizer too, in the order of `keys`;
/// each is a count of numbers, then the numbers.
std::map<std::string_view, std::span<const std::byte>> read_legacy_storages(LegacyStream& stream, const Pickle& keys,
                                                                            const Pickle& object,
                                                                            const std::string& file) {
  const auto* list = keys.root().as<PickleList>();
  WEFT_CHECK(list, "{}: the keys of its storages are {}", file, keys.root().kind());
  std::map<std::string_view, std::span<const std::byte>> bytes_of_key;
  for (const PickleValue* item : list->items) {
    const auto* key = item->as<std::string_view>();
    WEFT_CHECK(key, "{}: the key of a storage is {}", file, item->kind());
    const auto known = object.storages().find(*key);
    WEFT_CHECK(known != object.storages().end(), "{}: storage '{}' has no type", file, printable(*key));
    const std::string what = fmt::format("storage '{}'", printable(*key));
    std::int64_t count = 0;
    std::memcpy(&count, stream.take(sizeof(count), what).data(), sizeof(count));
    WEFT_CHECK(count == known->second.count, "{}: refused: {} has {} numbers, its data {}", file, what,
               known->second.count, count);
    const auto bytes = stream.take(storage_bytes(known->second, file), what);
    WEFT_CHECK(bytes_of_key.emplace(*key, bytes).second, "{}: refused: {} appears twice", file, what);
  }
  WEFT_CHECK(stream.left() == 0, "{}: {} bytes follow its last storage", file, stream.left());
  return bytes_of_key;
}

}  // namespace

bool is_torch_legacy(std::string_view text) { return text.starts_with(legacy_magic); }

WeightsFile open_torch_zip(FileBytes file) {
  WeightsParts parts;
  parts.path = file.name();
  parts.format = "PyTorch zip";
  parts.zip = std::make_unique<ZipFile>(file);
  parts.files.push_back(std::move(file));
  const ZipFile& zip = *parts.zip;
  const std::string root = root_folder(zip);
  check_byte_order(zip, root);

  const ZipEntry& entry = *zip.find(root + "data.pkl");
  WEFT_CHECK(entry.size <= max_pickle_bytes, "{}: refused: data.pkl has {} bytes", parts.path, entry.size);
  std::vector<std::byte> buffer;
  const Pickle pickle(zip.read(entry, buffer), parts.path, "data.pkl");
  Collector collector(parts);
  collector.collect(find_state_dict(pickle.root(), parts));

  for (const PickleStorage& storage : collector.storages()) {
    const ZipEntry* data = zip.find(root + "data/" + std::string(storage.key));
    WEFT_CHECK(data, "{}: it has no entry for storage '{}'", parts.path, printable(storage.key));
    const std::uint64_t bytes = storage_bytes(storage, parts.path);
    WEFT_CHECK(bytes == data->size, "{}: refused: storage '{}' takes {} bytes, its entry has {}", parts.path,
               printable(storage.key), bytes, data->size);
    parts.storages.push_back({{}, data, {}});
  }
  check_sharing(parts, collector.storages());
  return WeightsFile(std::move(parts));
}

WeightsFile open_torch_legacy(FileBytes file) {
  LegacyStream stream(file);
  check_legacy_header(stream, file.name());
  const Pickle object = stream.pickle("its object");
  const Pickle keys = stream.pickle("its list of storages");
  const auto bytes_of_key = read_legacy_storages(stream, keys, object, file.name());

  WeightsParts parts;
  parts.path = file.name();
  parts.format = "PyTorch legacy stream";
  Collector collector(parts);
  collector.collect(find_state_dict(object.root(), parts));
  for (const PickleStorage& storage : collector.storages()) {
    const auto found = bytes_of_key.find(storage.key);
    WEFT_CHECK(found != bytes_of_key.end(), "{}: it has no data for storage '{}'", parts.path, printable(storage.key));
    parts.storages.push_back({found->second, nullptr, {}});
  }
  check_sharing(parts, collector.storages());
  parts.files.push_back(std::move(file));
  return WeightsFile(std::move(parts));
}

}  // namespace weft
