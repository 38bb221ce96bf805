#pragma once

#include "core/formats/weights_file.h"

namespace weft::tools {

/// Compares two files tensor by tensor, by name, and prints a line for each difference: a tensor that only one of them
/// holds, shapes that differ, and values that do, with the largest |a - b|, also relative to the largest |a|. Types may
/// differ (F16 and F32): values are compared. Returns 0 where everything is equal, else 1.
int diff_weights(const WeightsFile& a, const WeightsFile& b);

}  // namespace weft::tools
