#include "train/initial_network.h"

#include <fmt/ranges.h>

#include "models/encoder_weights.h"
#include "models/model_file.h"

namespace weft {
namespace {

/// "a, b, c and 17 more".
std::string first_names(const std::vector<std::string>& names) {
  constexpr std::size_t shown = 3;
  const std::vector<std::string> head(names.begin(),
                                      names.begin() + static_cast<std::ptrdiff_t>(std::min(shown, names.size())));
  std::string text = fmt::format("{}", fmt::join(head, ", "));
  if (names.size() > shown) text += fmt::format(" and {} more", names.size() - shown);
  return text;
}

void check_classes(const UNetConfig& network, const std::string& path) {
  WEFT_CHECK(network.classes == 1, "{}: the model has {} classes; train_unet trains one, clothing or not", path,
             network.classes);
}

EncoderWeightsReport load_weights(const Encoder& encoder, const TrainConfig& config) {
  try {
    return load_encoder_weights(encoder, config.encoder_weights, config.allow_missing_encoder_weights);
  } catch (const Error& error) {
    const std::string message = error.what();
    const bool lacks_some = message.find("; missing ") != std::string::npos;
    fail("{}{}", message, lacks_some ? "; to start those from random values: --allow-missing-encoder-weights" : "");
  }
}

}  // namespace

std::unique_ptr<UNet> make_initial_network(const TrainConfig& config,
                                           const std::function<void(const std::string&)>& note) {
  auto network = std::make_unique<UNet>(config.network);
  network->initialise(static_cast<std::uint64_t>(config.seed));
  if (!config.init.empty()) {
    const Model model = load_model(config.init);
    check_classes(model.info.network, config.init);
    WEFT_CHECK(model.info.network == config.network,
               "{}: the model is a {} with decoder {} ({} upsampling), the run's settings say {} with {} ({})",
               config.init, model.info.network.arch, fmt::join(model.info.network.decoder_channels, ","),
               to_string(model.info.network.upsample), config.network.arch,
               fmt::join(config.network.decoder_channels, ","), to_string(config.network.upsample));
    network->load_state_dict(model.network->state_dict(), config.init);
    note(fmt::format("the network starts from {}: {} at {} x {}, {}, threshold {}", config.init, config.network.arch,
                     config.size, config.size, config.fit, config.threshold));
  } else if (config.encoder_weights != "none") {
    const EncoderWeightsReport report = load_weights(network->encoder(), config);
    note(fmt::format("the encoder starts from {}", config.encoder_weights));
    if (!report.dropped.empty()) {
      note(fmt::format("  {} tensors of its classifier are not used: {}", report.dropped.size(),
                       first_names(report.dropped)));
    }
    if (!report.missing.empty()) {
      note(fmt::format("  {} tensors are not in it and start from random values: {}", report.missing.size(),
                       first_names(report.missing)));
    }
  } else {
    note(
        "the encoder starts from random values; --encoder-weights FILE gives it ImageNet's, which saves most of the "
        "training");
  }
  return network;
}

void take_over_model(TrainConfig& config, const GivenSettings& given) {
  const auto [info, is_described] = load_description(config.init);
  check_classes(info.network, config.init);
  if (!given.arch) config.network.arch = info.network.arch;
  if (!given.decoder_channels) config.network.decoder_channels = info.network.decoder_channels;
  if (!given.upsample) config.network.upsample = info.network.upsample;
  if (!is_described) return;
  WEFT_CHECK(given.size || info.height == info.width,
             "{}: the model is for pictures of {} x {}; a run has one size, give --size", config.init, info.width,
             info.height);
  if (!given.size) config.size = info.height;
  if (!given.fit) config.fit = info.fit;
  if (!given.threshold) config.threshold = info.threshold;
}

}  // namespace weft
