#include "train/checkpoint.h"

#include <nlohmann/json.hpp>

#include "core/formats/about_file.h"
#include "core/formats/json.h"
#include "models/model_file.h"

namespace weft {
namespace {

using nlohmann::json;

constexpr const char* format_key = "weft.format";
constexpr const char* format_name = "checkpoint";
constexpr const char* model_prefix = "model.";
constexpr const char* optimizer_prefix = "optimizer.";
constexpr const char* average_prefix = "average.";

template <class P, class Visit>
void for_each_field(P& p, Visit&& visit) {
  visit("epochs_done", p.epochs_done);
  visit("steps_in_epoch", p.steps_in_epoch);
  visit("steps", p.steps);
  visit("best_miou", p.best_mean_iou);
  visit("best_epoch", p.best_epoch);
  visit("epochs_without_gain", p.epochs_without_gain);
  visit("schedule_halvings", p.schedule.halvings);
  visit("schedule_best_score", p.schedule.best_score);
  visit("schedule_validations_without_gain", p.schedule.validations_without_gain);
  visit("average_updates", p.average_updates);
  visit("data", p.data_digest);
}

void add(nn::StateDict& all, const char* prefix, const nn::StateDict& part) {
  for (const auto& [name, tensor] : part) all.push_back({prefix + name, tensor});
}

/// Moves the tensor to `part` under its name without the prefix, if it has that.
bool take(const nn::NamedTensor& t, std::string_view prefix, nn::StateDict& part) {
  if (!t.name.starts_with(prefix)) return false;
  part.push_back({t.name.substr(prefix.size()), t.tensor});
  return true;
}

const std::string& metadata(const SafetensorsFile& file, const char* key) {
  const auto found = file.metadata().find(key);
  WEFT_CHECK(found != file.metadata().end(), "{}: not a checkpoint of weft: its metadata lack '{}'", file.path(), key);
  return found->second;
}

Progress progress_from(const json& fields, const std::string& file) {
  Progress progress;
  for_each_field(progress, [&](const char* name, auto& value) {
    try {
      if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::int64_t>) {
        value = whole_number(fields.at(name));
      } else {
        fields.at(name).get_to(value);
      }
    } catch (const json::exception&) {
      fail("{}: the progress lacks a valid '{}'", file, name);
    }
  });
  progress.data_sizes = fields.value("data_sizes", "");
  WEFT_CHECK(progress.epochs_done >= 0 && progress.steps_in_epoch >= 0 && progress.steps >= 0,
             "{}: the progress counts below 0", file);
  return progress;
}

}  // namespace

void save_checkpoint(const std::filesystem::path& path, const Checkpoint& checkpoint) {
  json progress = json::object();
  for_each_field(checkpoint.progress, [&](const char* name, const auto& value) { progress[name] = value; });
  progress["data_sizes"] = checkpoint.progress.data_sizes;
  nn::StateDict all;
  add(all, model_prefix, checkpoint.model);
  add(all, optimizer_prefix, checkpoint.optimizer);
  add(all, average_prefix, checkpoint.average);
  save_safetensors(path,
                   {{format_key, format_name},
                    {"weft.version", WEFT_VERSION},
                    {"config", to_json(checkpoint.config).dump()},
                    {"progress", progress.dump()}},
                   tensors_to_save(all));
}

namespace {

Checkpoint read_checkpoint(const SafetensorsFile& file) {
  WEFT_CHECK(metadata(file, format_key) == format_name, "{}: not a checkpoint of weft: it holds a '{}'", file.path(),
             metadata(file, format_key));
  file.verify_checksum();

  Checkpoint checkpoint;
  checkpoint.config = config_from_json(parse_json(metadata(file, "config"), file.path()), file.path());
  checkpoint.progress = progress_from(parse_json(metadata(file, "progress"), file.path()), file.path());
  for (const auto& tensor : read_state_dict(file)) {
    const bool taken = take(tensor, model_prefix, checkpoint.model) ||
                       take(tensor, optimizer_prefix, checkpoint.optimizer) ||
                       take(tensor, average_prefix, checkpoint.average);
    WEFT_CHECK(taken, "{}: unexpected tensor {}", file.path(), tensor.name);
  }
  return checkpoint;
}

}  // namespace

Checkpoint load_checkpoint(const std::filesystem::path& path) {
  return about_file(path.string(), [&] { return read_checkpoint(SafetensorsFile(path)); });
}

}  // namespace weft
