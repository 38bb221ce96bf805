#include "train/trainer.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/atomic_file.h"
#include "core/formats/file_bytes.h"
#include "core/formats/json.h"
#include "core/ops.h"
#include "data/image_io.h"
#include "train/initial_network.h"
#include "train/report/review.h"
#include "train/sample_panel.h"

namespace weft {
namespace {

namespace fs = std::filesystem;

constexpr const char* checkpoint_file = "checkpoint.safetensors";
constexpr const char* last_file = "last.safetensors";
constexpr const char* best_file = "best.safetensors";
constexpr const char* log_file = "metrics.jsonl";
constexpr const char* samples_folder = "samples";

TrainConfig checked(const TrainConfig& config) {
  check_config(config);
  return config;
}

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  WEFT_CHECK(!error, "{}: cannot make the folder: {}", folder.string(), error.message());
  WEFT_CHECK(fs::is_directory(folder), "{}: is not a folder", folder.string());
}

/// Where a run writes: its folder, samples/, and the folders in there.
std::vector<fs::path> folders_of_a_run(const fs::path& folder) {
  std::vector<fs::path> folders{folder, folder / samples_folder};
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder / samples_folder, ignored)) {
    if (entry.is_directory(ignored)) folders.push_back(entry.path());
  }
  return folders;
}

bool holds_models(const fs::path& folder) { return fs::exists(folder / last_file) || fs::exists(folder / best_file); }

bool holds_a_run(const fs::path& folder) {
  return fs::exists(folder / checkpoint_file) || holds_models(folder) ||
         (fs::exists(folder / log_file) && fs::file_size(folder / log_file) > 0);
}

/// How many pictures a batch must have. Batch norm in training divides by a spread, and the deepest map of one picture
/// of the smallest size is a single pixel, which has none. (A frozen encoder normalises with ImageNet's.)
int smallest_batch(const TrainConfig& config) {
  return config.size == UNet::stride && config.freeze_encoder < config.epochs ? 2 : 1;
}

/// The folder, where a run may begin or go on.
fs::path checked_folder(const fs::path& folder, bool resume) {
  const bool continues = resume && fs::exists(folder / checkpoint_file);
  WEFT_CHECK(resume || !holds_a_run(folder),
             "{}: holds a run already; continue it with --resume, or choose another folder", folder.string());
  // Killed before its first checkpoint a run starts again, but nobody's models are overwritten by a new one.
  WEFT_CHECK(!resume || continues || !holds_models(folder),
             "{}: holds models, but no checkpoint to continue from; choose another folder", folder.string());
  return folder;
}

LoaderOptions loader_options(const TrainConfig& config) {
  LoaderOptions options;
  options.width = options.height = static_cast<int>(config.size);
  options.fit = fit_from(config.fit);
  options.augment = AugmentOptions::named(config.augment);
  options.batch = static_cast<int>(config.batch);
  options.smallest_batch = smallest_batch(config);
  options.shuffle = config.shuffle;
  options.seed = static_cast<std::uint64_t>(config.seed);
  return options;
}

/// The encoder's parameters, which may have a rate of their own, and the others.
std::vector<ParameterGroup> parameter_groups(const UNet& network, double encoder_rate) {
  std::vector<ParameterGroup> groups{{{}, encoder_rate}, {{}, 1}};
  for (const auto& entry : network.named_parameters()) {
    groups[entry.name.starts_with("encoder.") ? 0 : 1].parameters.push_back(entry);
  }
  return groups;
}

void check_batches(const TrainConfig& config, std::int64_t pictures) {
  const std::int64_t smallest = smallest_batch(config);
  WEFT_CHECK(
      std::min(pictures, config.batch) >= smallest,
      "--size {}: the deepest map of a picture is 1 x 1, and batch norm needs {} pictures at once; there {}; use "
      "--size {}{}",
      config.size, smallest, pictures < smallest ? "is one to train on" : "is one a batch", 2 * config.size,
      pictures < smallest ? "" : " or --batch 2");
}

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// How a run stands that has come to this end.
std::string state_text(TrainResult::End end, const Progress& progress, const TrainConfig& config) {
  switch (end) {
    case TrainResult::End::early_stop:
      return fmt::format("stopped early: no better mIoU in the {} epochs after epoch {}", progress.epochs_without_gain,
                         progress.best_epoch);
    case TrainResult::End::max_steps:
      return fmt::format("stopped by --max-steps {}", config.max_steps);
    case TrainResult::End::asked_to:
      return fmt::format("interrupted after step {}; --resume goes on from there", progress.steps);
    case TrainResult::End::all_epochs:
      break;
  }
  return "all epochs are done";
}

/// Counts into `record` where prediction (probability at least 1/2: logit at least 0) and truth are clothing.
void count_overlap(const Tensor& logits, const Batch& batch, StepRecord& record) {
  const auto z = logits.values<float>();
  for (std::size_t i = 0; i < batch.masks.size(); ++i) {
    if (!batch.known.empty() && batch.known[i] == 0) continue;
    const bool is_clothing = batch.masks[i] > 0.5f, is_predicted = z[i] >= 0;
    record.pixels_in_both += is_clothing && is_predicted;
    record.pixels_in_either += is_clothing || is_predicted;
  }
}

bool is_finite(const Tensor& tensor) {
  const auto values = tensor.values<float>();
  return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
}

}  // namespace

Trainer::Trainer(const TrainConfig& config, const fs::path& folder, bool resume, TrainObserver& observer,
                 RunDescription description, bool allow_change, std::int64_t memory_bytes)
    : config_(checked(config)),
      folder_(checked_folder(folder, resume)),
      observer_(observer),
      description_(std::move(description)),
      data_(find_and_check_training_data(config_, observer_)),
      loader_(data_.training, loader_options(config_)),
      steps_per_epoch_((static_cast<std::int64_t>(loader_.batches()) + config_.accumulate - 1) / config_.accumulate),
      schedule_({.kind = config_.schedule,
                 .base_rate = config_.learning_rate,
                 .warmup_steps = config_.warmup,
                 .total_steps = config_.epochs * steps_per_epoch_}) {
  const fs::path checkpoint = folder_ / checkpoint_file;
  const bool continues = resume && fs::exists(checkpoint);

  const auto note = [&](const std::string& line) { observer_.note(line); };
  note(fmt::format("{} pictures to train on, {} to validate", data_.training.size(), data_.validation.size()));
  if (const std::size_t shared = pictures_in_both(data_)) {
    note(fmt::format("warning: {} pictures are in both lists; the validation says little about new ones", shared));
  }
  check_batches(config_, static_cast<std::int64_t>(data_.training.size()));
  if (data_.training.size() > loader_.batches() * static_cast<std::size_t>(config_.batch)) {
    note(fmt::format(
        "the last batch of an epoch has {} pictures: the one left over joins it, as batch norm can't take the "
        "1 x 1 map of one alone",
        config_.batch + 1));
  }
  network_ = continues ? std::make_unique<UNet>(config_.network) : make_initial_network(config_, note);
  optimizer_ = make_optimizer(config_.optimizer, parameter_groups(*network_, config_.encoder_rate));
  if (config_.ema > 0) average_.emplace(*network_, config_.ema);
  const std::int64_t average_bytes = average_ ? 4 * network_->parameter_count() : 0;
  plans_.emplace(*network_, LossWeights{config_.dice_weight, config_.bce_weight},
                 PlanOptions{.memory_bytes = memory_bytes, .other_bytes = optimizer_->state_bytes() + average_bytes});
  if (memory_bytes > 0) {  // what does not fit is refused before the first step
    network_->train();
    const Plan& plan = plans_->plan({config_.batch, config_.size, config_.size, 3}, false);
    note(fmt::format("a step takes {:.0f} MB in tensors, the optimizer's among them",
                     static_cast<double>(plan.peak_bytes()) / (1024 * 1024)));
  }
  progress_.data_digest = data_.digest();
  progress_.data_sizes = data_.size_digest();

  // The folder is touched only now, when all that the settings name has been found and read.
  make_folder(folder_);
  lock_.emplace(folder_);
  for (const fs::path& place : folders_of_a_run(folder_)) remove_stale_temporaries(place);
  const nlohmann::json changed = continues ? restore(checkpoint, allow_change) : nlohmann::json::object();

  info_.network = config_.network;
  info_.height = info_.width = config_.size;
  info_.fit = config_.fit;
  info_.label_map = data_.training.labels().name();
  info_.threshold = config_.threshold;
  // A validation of epoch 0 that did not reach the checkpoint comes again.
  log_.emplace(folder_ / log_file, progress_.steps, is_start_to_be_judged() ? -1 : progress_.epochs_done);
  if (!changed.empty()) {
    note(fmt::format("going on with other settings: {}", changed.dump()));
    log_->write_change(progress_.epochs_done, progress_.steps, changed);
    // From here on the run is one of these settings, whatever becomes of this process.
    if (allow_change) keep_checkpoint();
  }
  write_file(folder_ / "config.json", to_json(config_).dump(2) + "\n");
  write_file(folder_ / "train.txt", stem_list(data_.training));
  write_file(folder_ / "val.txt", stem_list(data_.validation));
}

/// What is changed; see changes().
nlohmann::json Trainer::restore(const fs::path& path, bool allow_change) {
  const Checkpoint checkpoint = load_checkpoint(path);
  const auto refused = differences(config_, checkpoint.config, allow_change);
  WEFT_CHECK(refused.empty(), "{}: the run can't go on with other settings: {}", path.string(),
             fmt::join(refused, "; "));
  WEFT_CHECK(checkpoint.progress.data_digest == progress_.data_digest,
             "{}: the run can't go on with other pictures: it was started with {}, there are now {} (number and "
             "checksum of the stems); --train-list {} --val-list {} names those that it was started with",
             path.string(), checkpoint.progress.data_digest, progress_.data_digest, (folder_ / "train.txt").string(),
             (folder_ / "val.txt").string());
  WEFT_CHECK(checkpoint.progress.steps_in_epoch <= steps_per_epoch_, "{}: the progress says step {} of an epoch of {}",
             path.string(), checkpoint.progress.steps_in_epoch, steps_per_epoch_);
  network_->load_state_dict(checkpoint.model, path.string());
  optimizer_->load_state(checkpoint.optimizer, path.string());
  if (average_) average_->load_state(checkpoint.average, checkpoint.progress.average_updates, path.string());
  if (const std::string sizes = std::exchange(progress_, checkpoint.progress).data_sizes;
      sizes != progress_.data_sizes) {
    if (!progress_.data_sizes.empty())
      observer_.note("warning: pictures or masks have changed since the checkpoint; the run goes on with those of now");
    progress_.data_sizes = sizes;
  }
  schedule_.load_state(progress_.schedule);
  checkpointed_steps_ = progress_.steps;
  observer_.note(fmt::format("continuing after step {} ({} epochs and {} of {} steps)", progress_.steps,
                             progress_.epochs_done, progress_.steps_in_epoch, steps_per_epoch_));
  return changes(config_, checkpoint.config);
}

std::optional<TrainConfig> settings_of_run(const fs::path& folder) {
  if (const fs::path file = folder / checkpoint_file; fs::exists(file)) return load_checkpoint(file).config;
  const fs::path file = folder / "config.json";
  if (!fs::exists(file)) return std::nullopt;
  return config_from_json(parse_json(FileBytes::read(file).text(), file.string()), file.string());
}

std::optional<TrainResult::End> Trainer::reason_to_end() const {
  if (progress_.epochs_done >= config_.epochs) return TrainResult::End::all_epochs;
  if (config_.early_stop > 0 && progress_.epochs_without_gain >= config_.early_stop)
    return TrainResult::End::early_stop;
  if (config_.max_steps > 0 && progress_.steps >= config_.max_steps && progress_.steps_in_epoch < steps_per_epoch_) {
    return TrainResult::End::max_steps;
  }
  return std::nullopt;
}

TrainResult Trainer::run() {
  std::optional<TrainResult::End> end;
  if (is_start_to_be_judged() && !judge_start()) end = TrainResult::End::asked_to;
  while (!end && !(end = reason_to_end())) {
    if (!run_steps()) {
      end = TrainResult::End::asked_to;
    } else if (progress_.steps_in_epoch == steps_per_epoch_) {
      if (!finish_epoch()) end = TrainResult::End::asked_to;
    }
  }
  const bool ends_in_epoch = *end == TrainResult::End::max_steps && progress_.steps_in_epoch > 0;
  if (*end == TrainResult::End::asked_to || ends_in_epoch) keep_checkpoint();
  // After the checkpoint, and also where a continued run had nothing left to do: a kill may have come between the two.
  if (ends_in_epoch) save_model_as(last_file);
  write_report(state_text(*end, progress_, config_));
  return {*end, progress_, median(step_ms_)};
}

/// A run that starts from a model says how good that one is, and keeps nothing worse as its best.
bool Trainer::is_start_to_be_judged() const {
  return !config_.init.empty() && progress_.steps == 0 && progress_.best_mean_iou < 0 && data_.validation.size() > 0;
}

/// False where the observer asked to stop meanwhile.
bool Trainer::judge_start() {
  keep_checkpoint();  // a run that is killed after its first model, but before its checkpoint, could not go on
  if (!validate(0)) return false;
  keep_checkpoint();
  return true;
}

/// Steps to the end of the epoch or to max_steps; false where the observer wants to stop.
bool Trainer::run_steps() {
  info_.notes.clear();
  network_->train();
  network_->encoder().set_frozen(progress_.epochs_done < config_.freeze_encoder);
  observer_.epoch_begins(progress_.epochs_done + 1, config_.epochs, pictures_after(progress_.steps_in_epoch),
                         static_cast<std::int64_t>(data_.training.size()));
  const auto first = static_cast<std::size_t>(progress_.steps_in_epoch * config_.accumulate);
  const auto batches = loader_.epoch(static_cast<std::uint64_t>(progress_.epochs_done),
                                     std::min(first, loader_.batches()));  // the last step may be short of batches
  bool goes_on = true;
  while (goes_on && progress_.steps_in_epoch < steps_per_epoch_ &&
         (config_.max_steps == 0 || progress_.steps < config_.max_steps)) {
    const auto start = Clock::now();
    StepRecord record = train_step(*batches);
    record.milliseconds = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
    step_ms_.push_back(record.milliseconds);
    log_->write(record);
    observer_.step_ended(record, pictures_after(progress_.steps_in_epoch));
    goes_on = !observer_.wants_stop();
    if (goes_on && is_checkpoint_due()) keep_checkpoint();
  }
  observer_.epoch_stepped();
  return goes_on;
}

/// Pictures of an epoch that its first `steps` steps have seen.
std::int64_t Trainer::pictures_after(std::int64_t steps) const {
  if (steps >= steps_per_epoch_) return static_cast<std::int64_t>(data_.training.size());
  return steps * config_.accumulate * config_.batch;
}

StepRecord Trainer::train_step(Loader::Batches& batches) {
  StepRecord record;
  record.epoch = progress_.epochs_done + 1;
  record.step = progress_.steps + 1;
  record.learning_rate = schedule_.rate(progress_.steps);
  const auto pictures =
      static_cast<double>(pictures_after(progress_.steps_in_epoch + 1) - pictures_after(progress_.steps_in_epoch));
  nn::StateDict sums;  // of several batches' gradients
  for (std::int64_t i = 0; i < config_.accumulate && batches.remaining() > 0; ++i) {
    const Batch batch = batches.next();
    set_gradients(batch, batch.n / pictures, record);
    if (config_.accumulate > 1) add_gradients(sums);
  }
  for (const auto& [name, parameter] : network_->named_parameters()) {
    for (const auto& sum : sums) {
      if (sum.name == name) parameter.grad().copy_from(sum.tensor);
    }
  }

  optimizer_->step(record.learning_rate);
  network_->zero_grad();  // gradients lie among all that the step computed: a validation gets that memory
  if (average_) average_->update();
  ++progress_.steps;
  ++progress_.steps_in_epoch;
  return record;
}

/// Sets the parameters' gradients to those of a batch, which is this share of the step's pictures, and adds to the
/// record's losses. (Its batch norm sees the batch alone, and so does Dice: many small batches are not quite a large
/// one.)
void Trainer::set_gradients(const Batch& batch, double share, StepRecord& record) {
  const Tensor pictures = Tensor::from({batch.n, batch.h, batch.w, 3}, batch.images);
  const Tensor masks = Tensor::from({batch.n, batch.h, batch.w, 1}, batch.masks);
  const Tensor known = batch.known.empty() ? Tensor() : Tensor::from(masks.shape(), batch.known);
  const StepPlans::Step step = plans_->run(pictures, masks, known, share);
  check_loss(record, step, batch);
  record.loss += share * step.loss;
  record.dice += share * step.dice;
  record.bce += share * step.bce;
  count_overlap(step.logits, batch, record);
}

/// sums += the parameters' gradients
void Trainer::add_gradients(nn::StateDict& sums) const {
  const bool is_first = sums.empty();
  std::size_t next = 0;
  for (const auto& [name, parameter] : network_->named_parameters()) {
    const Tensor gradient = parameter.grad();
    if (!gradient.defined()) continue;
    if (is_first) {
      sums.push_back({name, gradient.clone()});
    } else {
      Tensor& sum = sums[next++].tensor;
      sum = add(sum, gradient);
    }
  }
}

void Trainer::check_loss(const StepRecord& record, const StepPlans::Step& step, const Batch& batch) const {
  if (std::isfinite(step.loss)) return;
  std::vector<std::string> files;
  for (const std::size_t i : batch.indices) files.push_back(data_.training.files(i).picture.string());
  fail("step {}: the loss is {} (dice {}, bce {}) on {}; lower the learning rate (--lr {}) or add --warmup; {}",
       record.step, step.loss, step.dice, step.bce, fmt::join(files, ", "), config_.learning_rate, checkpoint_text());
}

std::string Trainer::checkpoint_text() const {
  return checkpointed_steps_ > 0 ? fmt::format("the checkpoint of step {} is intact", checkpointed_steps_)
                                 : "there is no checkpoint yet";
}

/// False where the observer asked to stop before the epoch's validation was over; it then comes again.
bool Trainer::finish_epoch() {
  check_state();
  // A run that is killed after its first model, but before its checkpoint, could not go on.
  if (checkpointed_steps_ == 0) keep_checkpoint();
  if (data_.validation.size() > 0 && !validate(progress_.epochs_done + 1)) return false;
  ++progress_.epochs_done;
  progress_.steps_in_epoch = 0;
  save_model_as(last_file);
  keep_checkpoint();
  write_report("in progress");
  return true;
}

/// False where the observer asked to stop meanwhile.
bool Trainer::validate(std::int64_t epoch) {
  struct Abandoned {};
  std::optional<Ema::Applied> applied;
  if (average_) applied.emplace(*average_);
  network_->eval();
  fs::create_directories(folder_ / samples_folder);
  Reviewer reviewer;
  const auto each = [&](const EvaluatedPicture& picture) {
    if (observer_.wants_stop()) throw Abandoned();
    const std::string& stem = data_.validation.files(picture.index).stem;
    observer_.validation_advanced(static_cast<std::int64_t>(picture.index + 1),
                                  static_cast<std::int64_t>(data_.validation.size()));
    reviewer.add(stem, picture);
    if (picture.index >= samples_in_review) return;
    save_png(folder_ / samples_folder / (stem + ".png"),
             sample_panel(picture.sample.picture, picture.sample.clothing, picture.prediction));
  };
  std::optional<Evaluation> evaluation;
  try {
    evaluation = evaluate(*network_, info_, data_.validation, {{config_.dice_weight, config_.bce_weight}}, each);
  } catch (const Abandoned&) {
    return false;
  }
  applied.reset();
  save_review(folder_, reviewer.finish(epoch, *evaluation, data_.validation.labels()));
  keep_validation(epoch, *evaluation);
  return true;
}

void Trainer::keep_validation(std::int64_t epoch, const Evaluation& evaluation) {
  WEFT_CHECK(std::isfinite(evaluation.loss),
             "epoch {}: the validation loss is {}; lower the learning rate (--lr {}) or add --warmup; {}", epoch,
             evaluation.loss, config_.learning_rate, checkpoint_text());

  const ValidationRecord record{epoch,
                                progress_.steps,
                                evaluation.metrics.mean_iou(),
                                evaluation.metrics.total().iou(),
                                evaluation.metrics.total().dice(),
                                evaluation.loss};
  log_->write(record);
  schedule_.after_validation(record.mean_iou);
  info_.notes = {{"epoch", std::to_string(record.epoch)},
                 {"miou", fmt::format("{:.6f}", record.mean_iou)},
                 {"iou", fmt::format("{:.6f}", record.iou)},
                 {"validation_pictures", std::to_string(data_.validation.size())}};
  const bool is_best = record.mean_iou > progress_.best_mean_iou;
  if (is_best) {
    progress_.best_mean_iou = record.mean_iou;
    progress_.best_epoch = record.epoch;
    save_model_as(best_file);
  }
  progress_.epochs_without_gain = is_best ? 0 : progress_.epochs_without_gain + 1;
  observer_.validated(record, is_best);
}

bool Trainer::is_checkpoint_due() const {
  const std::int64_t steps = progress_.steps - checkpointed_steps_;
  if (config_.checkpoint_steps > 0 && steps >= config_.checkpoint_steps) return true;
  return config_.checkpoint_minutes > 0 &&
         Clock::now() - checkpointed_at_ >= std::chrono::duration<double>(60 * config_.checkpoint_minutes);
}

/// Weights or moments that stopped being numbers must not replace files that hold good ones.
void Trainer::check_state() const {
  for (const nn::StateDict& state : {network_->state_dict(), optimizer_->state()}) {
    for (const auto& [name, tensor] : state) {
      WEFT_CHECK(
          tensor.dtype() != DType::f32 || is_finite(tensor),
          "after step {} the values of {} are no longer finite; lower the learning rate (--lr {}) or add --warmup; {}",
          progress_.steps, name, config_.learning_rate, checkpoint_text());
    }
  }
}

void Trainer::keep_checkpoint() {
  check_state();
  progress_.schedule = schedule_.state();
  progress_.average_updates = average_ ? average_->updates() : 0;
  save_checkpoint(folder_ / checkpoint_file, {config_, progress_, network_->state_dict(), optimizer_->state(),
                                              average_ ? average_->average() : nn::StateDict()});
  checkpointed_steps_ = progress_.steps;
  checkpointed_at_ = Clock::now();
}

void Trainer::write_report(const std::string& state) const {
  write_run_report(folder_, config_, progress_, description_, state);
}

void Trainer::save_model_as(const char* file) {
  std::optional<Ema::Applied> applied;
  if (average_) applied.emplace(*average_);
  save_model(folder_ / file, *network_, info_);
}

}  // namespace weft
