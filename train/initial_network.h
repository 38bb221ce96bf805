#pragma once

#include <functional>
#include <memory>
#include <string>

#include "models/unet.h"
#include "train/config.h"

namespace weft {

/// The network that a run starts from: random values drawn from the seed, then the encoder's ImageNet weights or a
/// whole model's where the settings name a file. What was left out of a file or kept its random values is told to
/// `note`, one line each. Throws Error, with the path, for files that do not fit.
std::unique_ptr<UNet> make_initial_network(const TrainConfig& config,
                                           const std::function<void(const std::string&)>& note);

/// Which settings somebody asked for, so that no model's take their place.
struct GivenSettings {
  bool arch = false, decoder_channels = false, upsample = false, size = false, fit = false, threshold = false;
};

/// What a run that starts from the model `config.init` takes over from it where it was not asked for anything else:
/// architecture, widths, upsampling, size, fit and threshold. Files that do not describe their use tell the network
/// alone. Throws Error, with the path, where the file is no model, is one of several classes, or has another width than
/// height and no size is given.
void take_over_model(TrainConfig& config, const GivenSettings& given);

}  // namespace weft
