#include "models/encoder.h"

#include "nn/init.h"

namespace weft {

void Encoder::initialise(std::uint64_t seed) const {
  for (const auto& [name, tensor] : named_parameters()) {
    // Batch norm's scale and shift keep their 1 and 0.
    if (tensor.rank() == 4) nn::kaiming_normal_fan_out(tensor, nn::parameter_stream(seed, "encoder." + name));
  }
}

}  // namespace weft
