#include "tools/training/training_display.h"

#include <fmt/format.h>

#include <cstdio>

#include "tools/common/interrupt.h"
#include "tools/common/message.h"

namespace weft::tools {

std::string standing_text(const Progress& progress, std::int64_t epoch, std::int64_t early_stop) {
  if (epoch == 0) return "the starting model";
  if (progress.best_epoch == epoch) return "the best so far";
  std::string text = progress.best_epoch == 0
                         ? fmt::format("best so far: {:.4f}, the starting model's", progress.best_mean_iou)
                         : fmt::format("best so far: {:.4f} in epoch {}", progress.best_mean_iou, progress.best_epoch);
  if (early_stop > 0)
    text += fmt::format("; {} of {} epochs without a better one", progress.epochs_without_gain, early_stop);
  return text;
}

void TrainingDisplay::note(const std::string& line) { say(line); }

void TrainingDisplay::checking_advanced(std::int64_t done, std::int64_t pictures) {
  if (!progress_) progress_ = std::make_unique<ProgressBar>("looking at masks", pictures, "pictures");
  progress_->update(done);
  if (done == pictures) progress_.reset();
}

void TrainingDisplay::epoch_begins(std::int64_t epoch, std::int64_t epochs, std::int64_t pictures_done,
                                   std::int64_t pictures) {
  label_ = fmt::format("epoch {}/{}", epoch, epochs);
  progress_ = std::make_unique<ProgressBar>(label_, pictures, "pictures", pictures_done);
  epoch_began_ = Clock::now();
  loss_ = 0;
  steps_ = pixels_in_both_ = pixels_in_either_ = 0;
}

void TrainingDisplay::step_ended(const StepRecord& record, std::int64_t pictures_done) {
  loss_ += (record.loss - loss_) / static_cast<double>(++steps_);
  pixels_in_both_ += record.pixels_in_both;
  pixels_in_either_ += record.pixels_in_either;
  const double iou =
      pixels_in_either_ == 0 ? 1 : static_cast<double>(pixels_in_both_) / static_cast<double>(pixels_in_either_);
  progress_->update(pictures_done, fmt::format("loss {:.4f}, mean {:.4f}, IoU {:.4f}", record.loss, loss_, iou));
}

void TrainingDisplay::validation_advanced(std::int64_t done, std::int64_t pictures) {
  if (!progress_) progress_ = std::make_unique<ProgressBar>(label_ + " validation", pictures, "pictures");
  progress_->update(done);
}

void TrainingDisplay::validated(const ValidationRecord& record, bool) {
  progress_.reset();
  if (!has_head_) {
    note(fmt::format("{:>9} {:>9} {:>9} {:>8} {:>8} {:>8} {:>9}", "epoch", "loss", "val loss", "mIoU", "IoU", "Dice",
                     "time"));
  }
  has_head_ = true;
  const double seconds = std::chrono::duration<double>(Clock::now() - epoch_began_).count();
  // Continued after an epoch's last step, a run sees none of its steps.
  note(fmt::format("{:>9} {:>9} {:>9.4f} {:>8.4f} {:>8.4f} {:>8.4f} {:>9}  {}",
                   fmt::format("{}/{}", record.epoch, config_.epochs), steps_ > 0 ? fmt::format("{:.4f}", loss_) : "-",
                   record.loss, record.mean_iou, record.iou, record.dice, duration_text(seconds),
                   trainer_ ? standing_text(trainer_->progress(), record.epoch, config_.early_stop) : ""));
}

bool TrainingDisplay::wants_stop() { return interrupted(); }

}  // namespace weft::tools
