#include "models/encoder_weights.h"

#include <set>

#include "models/model_file.h"

namespace weft {

EncoderWeightsReport load_encoder_weights(const Encoder& encoder, const std::filesystem::path& path,
                                          bool allow_missing) {
  constexpr std::string_view prefix = "encoder.";
  EncoderWeightsReport report;
  nn::StateDict state;
  std::set<std::string> given;
  for (auto& [name, tensor] : read_state_dict(open_safetensors(path))) {
    if (name.starts_with("fc.") || name.starts_with("classifier.")) {
      report.dropped.push_back(name);
      continue;
    }
    if (name.starts_with(prefix)) name = name.substr(prefix.size());
    given.insert(name);
    state.push_back({name, tensor});
  }
  if (allow_missing) {
    for (const auto& [name, tensor] : encoder.state_dict()) {
      if (given.contains(name)) continue;
      report.missing.push_back(name);
      state.push_back({name, tensor.clone()});
    }
  }
  encoder.load_state_dict(state, path.string());
  return report;
}

}  // namespace weft
