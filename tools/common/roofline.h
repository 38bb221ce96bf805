#pragma once
// The roofline (Williams, Waterman, Patterson 2009): no layer can be faster than its arithmetic at the machine's peak
// rate, nor than its data at the memory's. How near each comes, and where most time is lost.
//
// Arithmetic is counted as the plain convolution's: an algorithm that saves multiplications can so exceed 100%, and so
// can a layer whose data never leave the caches.

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "core/profile.h"
#include "tools/common/machine.h"

namespace weft::tools {

/// All calls of one pass of one layer shape.
struct RooflineRow {
  std::string op;     // "conv2d"
  std::string layer;  // "conv2d [1, 64, 64, 32] -> [1, 64, 64, 16], 3x3"
  std::string pass;   // "forward", "input gradient", "weight gradient", "both gradients"
  std::string algorithm;
  int calls = 0;
  double ms = 0, bound_ms = 0;  // of all calls together
  bool is_memory_bound = false;
  std::int64_t macs = 0, bytes = 0;

  double gflops() const { return ms > 0 ? 2e-6 * static_cast<double>(macs) / ms : 0; }
  double share_of_bound() const { return ms > 0 ? bound_ms / ms : 0; }
  double lost_ms() const { return ms > bound_ms ? ms - bound_ms : 0; }
};

/// In order of first execution. Operations that end in " dx", " dskip", " dw" and " dx+dw" are gradients of the layer
/// before.
std::vector<RooflineRow> roofline(const std::vector<ProfileEntry>& entries, const Machine& machine);

/// Three tables: every convolution with its passes side by side, the passes over data alone by kind, and the ten rows
/// that lose most time. `step_ms` is the whole run's time: what the profile does not cover is named, too.
std::string roofline_text(const std::vector<RooflineRow>& rows, const Machine& machine, double step_ms);
nlohmann::ordered_json roofline_json(const std::vector<RooflineRow>& rows, const Machine& machine);

}  // namespace weft::tools
