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

}  // namespace weft
