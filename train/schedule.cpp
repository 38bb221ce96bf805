#include "train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/check.h"

namespace weft {

std::string to_string(ScheduleKind kind) {
  switch (kind) {
    case ScheduleKind::constant:
      return "constant";
    case ScheduleKind::cosine:
      return "cosine";
    case ScheduleKind::step:
      return "step";
    default:
      return "plateau";
  }
}

ScheduleKind schedule_from(const std::string& name) {
  for (ScheduleKind kind : {ScheduleKind::constant, ScheduleKind::cosine, ScheduleKind::step, ScheduleKind::plateau}) {
    if (to_string(kind) == name) return kind;
  }
  fail("unknown schedule '{}'; there are constant, cosine, step, plateau", name);
}

Schedule::Schedule(const ScheduleOptions& options) : options_(options) {
  WEFT_CHECK(options.base_rate > 0 && std::isfinite(options.base_rate),
             "[schedule] expected a learning rate above 0, got {}", options.base_rate);
  WEFT_CHECK(options.warmup_steps >= 0, "[schedule] expected a warm-up of 0 or more steps, got {}",
             options.warmup_steps);
  WEFT_CHECK(options.total_steps >= 1, "[schedule] expected at least one step, got {}", options.total_steps);
}

double Schedule::rate(std::int64_t step) const {
  const double base = options_.base_rate;
  const std::int64_t warmup = options_.warmup_steps, total = options_.total_steps;
  if (step < warmup) return base * static_cast<double>(step + 1) / static_cast<double>(warmup);
  switch (options_.kind) {
    case ScheduleKind::constant:
      return base;
    case ScheduleKind::cosine: {
      const double done =
          static_cast<double>(step - warmup) / static_cast<double>(std::max<std::int64_t>(total - warmup, 1));
      return base * (1 + std::cos(std::numbers::pi * std::min(done, 1.0))) / 2;
    }
    case ScheduleKind::step:
      return base * std::pow(0.1, static_cast<double>(std::min<std::int64_t>(3 * step / total, 2)));
    default:
      return base * std::pow(0.5, static_cast<double>(state_.halvings));
  }
}

void Schedule::after_validation(double score) {
  if (options_.kind != ScheduleKind::plateau) return;
  if (score > state_.best_score + 1e-4 * std::abs(state_.best_score)) {
    state_.best_score = score;
    state_.validations_without_gain = 0;
  } else if (++state_.validations_without_gain == patience) {
    ++state_.halvings;
    state_.validations_without_gain = 0;
  }
}

}  // namespace weft
