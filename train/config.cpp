#include "train/config.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "core/formats/about_file.h"
#include "core/formats/json.h"
#include "core/formats/printable.h"
#include "models/registry.h"

namespace weft {
namespace {

using nlohmann::json;

enum class OnResume { must_agree, may_be_allowed, is_free };

/// Calls visit(name, value, rule) for each setting: the one list of them that everything below goes through.
template <class Config, class Visit>
void for_each_setting(Config& c, Visit&& visit) {
  using enum OnResume;
  visit("data", c.data, is_free);  // the list of pictures is compared instead
  visit("images", c.images, is_free);
  visit("masks", c.masks, is_free);
  visit("mask_suffix", c.mask_rules.suffix, is_free);
  visit("mask_ext", c.mask_rules.extension, is_free);
  visit("mask_threshold", c.mask_rules.threshold, must_agree);
  visit("labels", c.labels, must_agree);
  visit("train_list", c.train_list, is_free);
  visit("val_list", c.val_list, is_free);
  visit("val_fraction", c.val_fraction, must_agree);
  visit("arch", c.network.arch, must_agree);
  visit("decoder_channels", c.network.decoder_channels, must_agree);
  visit("upsample", c.network.upsample, must_agree);
  visit("encoder_weights", c.encoder_weights, must_agree);
  visit("allow_missing_encoder_weights", c.allow_missing_encoder_weights, must_agree);
  visit("init", c.init, must_agree);
  visit("size", c.size, must_agree);
  visit("fit", c.fit, must_agree);
  visit("threshold", c.threshold, must_agree);
  visit("epochs", c.epochs, is_free);  // upwards
  visit("max_steps", c.max_steps, is_free);
  visit("batch", c.batch, must_agree);
  visit("accumulate", c.accumulate, must_agree);
  visit("shuffle", c.shuffle, must_agree);
  visit("optimizer", c.optimizer.kind, must_agree);
  visit("momentum", c.optimizer.momentum, may_be_allowed);
  visit("lr", c.learning_rate, may_be_allowed);
  visit("encoder_rate", c.encoder_rate, may_be_allowed);
  visit("weight_decay", c.optimizer.weight_decay, may_be_allowed);
  visit("schedule", c.schedule, may_be_allowed);
  visit("warmup", c.warmup, may_be_allowed);
  visit("augment", c.augment, may_be_allowed);
  visit("freeze_encoder", c.freeze_encoder, must_agree);
  visit("ema", c.ema, must_agree);
  visit("early_stop", c.early_stop, may_be_allowed);
  visit("dice_weight", c.dice_weight, may_be_allowed);
  visit("bce_weight", c.bce_weight, may_be_allowed);
  visit("seed", c.seed, must_agree);
  visit("checkpoint_steps", c.checkpoint_steps, is_free);
  visit("checkpoint_minutes", c.checkpoint_minutes, is_free);
}

/// Settings that files of earlier versions lack. Their defaults are what those versions did.
bool is_new(std::string_view setting) {
  constexpr std::string_view names[] = {"mask_suffix", "mask_ext", "mask_threshold", "threshold"};
  return std::find(std::begin(names), std::end(names), setting) != std::end(names);
}

template <class T>
json value_to_json(const T& value) {
  return value;
}
json value_to_json(Upsample value) { return to_string(value); }
json value_to_json(OptimizerKind value) { return to_string(value); }
json value_to_json(ScheduleKind value) { return to_string(value); }

template <class T>
void value_from_json(const json& j, T& value) {
  value = j.get<T>();
}
void value_from_json(const json& j, std::int64_t& value) { value = whole_number(j); }
void value_from_json(const json& j, int& value) {
  value = static_cast<int>(std::clamp<std::int64_t>(whole_number(j), INT32_MIN, INT32_MAX));
}
void value_from_json(const json& j, std::vector<std::int64_t>& value) {
  value.clear();
  for (const json& element : j.get_ref<const json::array_t&>()) value.push_back(whole_number(element));
}
void value_from_json(const json& j, Upsample& value) { value = upsample_from(j.get<std::string>()); }
void value_from_json(const json& j, OptimizerKind& value) { value = optimizer_from(j.get<std::string>()); }
void value_from_json(const json& j, ScheduleKind& value) { value = schedule_from(j.get<std::string>()); }

void check_choice(const char* setting, const std::string& value, std::initializer_list<const char*> choices) {
  std::string list;
  for (const char* choice : choices) {
    if (value == choice) return;
    list += (list.empty() ? "" : ", ") + std::string(choice);
  }
  fail("{}: expected one of {}, got '{}'", setting, list, value);
}

void check_range(const char* setting, std::int64_t value, std::int64_t low, std::int64_t high) {
  WEFT_CHECK(value >= low && value <= high, "{}: expected a whole number from {} to {}, got {}", setting, low, high,
             value);
}

TrainConfig read_settings(const json& settings, const std::string& file) {
  WEFT_CHECK(settings.is_object(), "{}: the settings are not a json object", file);
  TrainConfig config;
  std::set<std::string> known;
  for_each_setting(config, [&](const char* name, auto& value, OnResume) {
    known.insert(name);
    if (is_new(name) && !settings.contains(name)) return;
    WEFT_CHECK(settings.contains(name), "{}: setting '{}' is missing; was it written by another version of weft?", file,
               name);
    try {
      value_from_json(settings.at(name), value);
    } catch (const nlohmann::json::exception&) {
      fail("{}: setting '{}' has the wrong type", file, name);
    }
  });
  for (const auto& [name, value] : settings.items()) {
    WEFT_CHECK(known.contains(name), "{}: unknown setting '{}'; was it written by another version of weft?", file,
               name);
  }
  return config;
}

}  // namespace

void check_config(const TrainConfig& c) {
  constexpr std::int64_t many = 1'000'000'000;
  WEFT_CHECK(c.val_fraction >= 0 && c.val_fraction < 1, "--val-fraction: expected at least 0 and below 1, got {}",
             c.val_fraction);
  WEFT_CHECK(c.val_list.empty() || !c.train_list.empty(),
             "--val-list: give --train-list too, so that no picture is in both");
  check_mask_rules(c.mask_rules, c.labels);
  const auto names = architectures();
  WEFT_CHECK(std::find(names.begin(), names.end(), c.network.arch) != names.end(),
             "--arch: expected one of {}, got '{}'", fmt::join(names, ", "), c.network.arch);
  constexpr std::size_t stages = 5;  // of every architecture in models/registry.h
  WEFT_CHECK(c.network.decoder_channels.size() == stages, "--decoder-channels: expected {} numbers, got {}", stages,
             c.network.decoder_channels.size());
  for (const std::int64_t width : c.network.decoder_channels) check_range("--decoder-channels", width, 1, 65536);
  WEFT_CHECK(c.init.empty() || c.encoder_weights == "none",
             "--init: the model brings an encoder of its own; leave --encoder-weights out");
  check_range("--size", c.size, UNet::stride, 16384);
  WEFT_CHECK(c.size % UNet::stride == 0, "--size: expected a multiple of {}, got {}; the nearest are {} and {}",
             UNet::stride, c.size, c.size / UNet::stride * UNet::stride, (c.size / UNet::stride + 1) * UNet::stride);
  check_choice("--fit", c.fit, {"stretch", "letterbox", "area"});
  WEFT_CHECK(c.threshold > 0 && c.threshold < 1, "--threshold: expected a probability between 0 and 1, got {}",
             c.threshold);
  check_choice("--augment", c.augment, {"default", "strong", "robust", "none"});
  check_range("--epochs", c.epochs, 1, many);
  check_range("--max-steps", c.max_steps, 0, many);
  check_range("--batch", c.batch, 1, 65536);
  check_range("--accumulate", c.accumulate, 1, 65536);
  check_range("--warmup", c.warmup, 0, many);
  check_range("--freeze-encoder", c.freeze_encoder, 0, many);
  check_range("--early-stop", c.early_stop, 0, many);
  check_range("--seed", c.seed, 0, INT64_MAX);
  check_range("--checkpoint-steps", c.checkpoint_steps, 0, many);
  WEFT_CHECK(c.checkpoint_minutes >= 0 && std::isfinite(c.checkpoint_minutes),
             "--checkpoint-minutes: expected 0 or more, got {}", c.checkpoint_minutes);
  WEFT_CHECK(c.learning_rate > 0 && std::isfinite(c.learning_rate), "--lr: expected above 0, got {}", c.learning_rate);
  WEFT_CHECK(c.encoder_rate > 0 && std::isfinite(c.encoder_rate),
             "--encoder-rate: expected above 0, got {}; --freeze-encoder keeps the encoder as it is", c.encoder_rate);
  WEFT_CHECK(c.optimizer.momentum >= 0 && c.optimizer.momentum < 1,
             "--momentum: expected at least 0 and below 1, got {}", c.optimizer.momentum);
  WEFT_CHECK(c.optimizer.weight_decay >= 0 && std::isfinite(c.optimizer.weight_decay),
             "--weight-decay: expected 0 or more, got {}", c.optimizer.weight_decay);
  WEFT_CHECK(c.ema >= 0 && c.ema < 1, "--ema: expected a decay between 0 (none) and 1, got {}", c.ema);
  for (const double weight : {c.dice_weight, c.bce_weight}) {
    WEFT_CHECK(weight >= 0 && std::isfinite(weight), "--dice-weight and --bce-weight: expected 0 or more, got {}",
               weight);
  }
  WEFT_CHECK(c.dice_weight + c.bce_weight > 0, "--dice-weight and --bce-weight: one of them must be above 0");
}

void check_mask_rules(const MaskRules& rules, const std::string& labels) {
  for (const std::string* part : {&rules.suffix, &rules.extension}) {
    WEFT_CHECK(part->find_first_of("/\\") == std::string::npos, "--mask-{}: '{}' is no part of a file's name",
               part == &rules.suffix ? "suffix" : "ext", printable(*part));
  }
  check_range("--mask-threshold", rules.threshold, 0, 255);
  WEFT_CHECK(rules.threshold == 0 || labels == "binary" || labels.ends_with(".json"),
             "--mask-threshold: makes ids 0 and 1 of grey; label map '{}' means others by them, use --labels binary",
             labels);
}

json to_json(const TrainConfig& config) {
  json result = json::object();
  for_each_setting(config, [&](const char* name, const auto& value, OnResume) { result[name] = value_to_json(value); });
  return result;
}

TrainConfig config_from_json(const json& json, const std::string& file) {
  return about_file(file, [&] { return read_settings(json, file); });
}

std::vector<std::string> differences(const TrainConfig& continuation, const TrainConfig& run, bool allow_change) {
  std::vector<std::string> result;
  const json now = to_json(continuation), then = to_json(run);
  for_each_setting(run, [&](const char* name, const auto&, OnResume rule) {
    if (rule == OnResume::is_free || now.at(name) == then.at(name)) return;
    if (rule == OnResume::may_be_allowed && allow_change) return;
    result.push_back(fmt::format("{} is {}, the run was started with {}{}", name, now.at(name).dump(),
                                 then.at(name).dump(),
                                 rule == OnResume::may_be_allowed ? " (--allow-change permits it)" : ""));
  });
  if (continuation.epochs < run.epochs && !allow_change) {
    result.push_back(
        fmt::format("epochs is {}, the run was started with {} (it may be raised; --allow-change permits to "
                    "lower it)",
                    continuation.epochs, run.epochs));
  }
  return result;
}

json changes(const TrainConfig& continuation, const TrainConfig& run) {
  json result = json::object();
  const json now = to_json(continuation), then = to_json(run);
  for_each_setting(run, [&](const char* name, const auto&, OnResume rule) {
    const bool matters = rule == OnResume::may_be_allowed || std::string_view(name) == "epochs";
    if (matters && now.at(name) != then.at(name)) result[name] = json::array({then.at(name), now.at(name)});
  });
  return result;
}

}  // namespace weft
