#pragma once
// An exponential moving average of the weights (Polyak & Juditsky 1992), whose noise is lower than that of
// the last step's weights:
//
//   d_t = min(decay, (1 + t) / (10 + t))         average <- d_t average + (1 - d_t) theta
//
// The smaller d_t at the start lets the average forget the untrained weights. Running statistics are
// averaged like weights; counters are copied.

#include "nn/module.h"

namespace weft {

class Ema {
 public:
  /// Starts from the module's values. Throws Error unless 0 < decay < 1. The module must live as long.
  Ema(const nn::Module& module, double decay);

  /// After each step.
  void update();

  /// Puts the average into the module for as long as it lives, then the module's own values back.
  class Applied {
   public:
    explicit Applied(Ema& ema) : ema_(ema) { ema_.exchange(); }
    ~Applied() { ema_.exchange(); }
    Applied(const Applied&) = delete;
    Applied& operator=(const Applied&) = delete;

   private:
    Ema& ema_;
  };

  /// The averages under the module's names, sharing their buffers.
  const nn::StateDict& average() const { return average_; }
  std::int64_t updates() const { return updates_; }
  /// Takes over a copy. Throws Error where a name or shape differs from average()'s; `context` begins the message.
  void load_state(const nn::StateDict& average, std::int64_t updates, const std::string& context = "average");

 private:
  void exchange();

  const nn::StateDict own_;
  nn::StateDict average_;
  const double decay_;
  std::int64_t updates_ = 0;
};

}  // namespace weft
