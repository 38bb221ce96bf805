#pragma once

#include <string>

#include "train/metrics_log.h"

namespace weft {

/// The figures of a run's course as HTML: loss, its parts, what the validations said, learning rate, time. Empty for
/// an empty history. Over epochs where at least one is complete, else over steps.
std::string curves_html(const MetricsHistory& history);

}  // namespace weft
