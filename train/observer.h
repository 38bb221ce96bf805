#pragma once

#include <string>

#include "train/metrics_log.h"

namespace weft {

/// What a training tells while it runs, and how it is asked to stop. Every function may be left as it is.
class TrainObserver {
 public:
  virtual ~TrainObserver() = default;

  /// One line for the user.
  virtual void note(const std::string&) {}
  /// Before the first step: so many of the data set's files have been looked at.
  virtual void checking_advanced(std::int64_t /*pictures_done*/, std::int64_t /*pictures*/) {}
  /// Epoch `epoch` (from 1) of `epochs` begins; a continued one has `pictures_done` of its `pictures` behind it.
  virtual void epoch_begins(std::int64_t /*epoch*/, std::int64_t /*epochs*/, std::int64_t /*pictures_done*/,
                            std::int64_t /*pictures*/) {}
  virtual void step_ended(const StepRecord&, std::int64_t /*pictures_done_in_epoch*/) {}
  virtual void epoch_stepped() {}  ///< all its steps are done, or the run stops
  virtual void validation_advanced(std::int64_t /*pictures_done*/, std::int64_t /*pictures*/) {}
  virtual void validated(const ValidationRecord&, bool /*is_best*/) {}

  /// Asked after every step and every checked or validated picture; true ends the run with a checkpoint, without a
  /// validation.
  virtual bool wants_stop() { return false; }
};

}  // namespace weft
