#include "models/cutter.h"

#include "data/render.h"
#include "models/answer.h"
#include "models/default_model.h"
#include "models/predict.h"

namespace weft {

struct Cutter::State {
  State(Model opened, const CutterOptions& options)
      : model(std::move(opened)),
        predictor(*model.network, Predictor::Weights::released),
        threshold(options.threshold.value_or(model.info.threshold)),
        predict{.size = options.size, .mirror = options.mirror} {}

  /// Where the picture lies on the network's input, and what the network says of it.
  std::pair<Placement, Tensor> run(const Image& picture) const {
    const auto pixels = static_cast<std::size_t>(picture.width) * static_cast<std::size_t>(picture.height);
    WEFT_CHECK(picture.width > 0 && picture.height > 0 && picture.channels == 3 && picture.pixels.size() == 3 * pixels,
               "[cutter] expected an RGB picture, got {} x {} pixels of {} channels in {} bytes", picture.width,
               picture.height, picture.channels, picture.pixels.size());
    const NetworkInput input = prepare_input(model.info, picture, predict);
    return {input.placement, canvas_logits(predictor, input, predict.mirror)};
  }

  Answer answer(const Image& picture, const AnswerParts& parts) const {
    const auto [placement, logits] = run(picture);
    return answer_for(placement, logits, threshold, parts);
  }

  const Model model;
  const Predictor predictor;
  const double threshold;
  const PredictOptions predict;
};

Cutter::Cutter(std::unique_ptr<const State> state) : state_(std::move(state)) {}
Cutter::Cutter(Cutter&&) noexcept = default;
Cutter& Cutter::operator=(Cutter&&) noexcept = default;
Cutter::~Cutter() = default;

Cutter Cutter::open(const std::filesystem::path& path, const CutterOptions& options) {
  if (options.threshold) {
    WEFT_CHECK(*options.threshold >= 0 && *options.threshold <= 1, "[cutter] expected a threshold in [0, 1], got {}",
               *options.threshold);
  }
  if (options.size) {
    const auto [height, width] = *options.size;
    WEFT_CHECK(is_canvas_side(height) && is_canvas_side(width),
               "[cutter] expected a size in multiples of {} up to 16384, got {} x {}", int{UNet::stride}, height, width);
  }
  const std::filesystem::path file = path.empty() ? default_model() : path;
  Model model = load_model(file);
  WEFT_CHECK(model.info.network.classes == 1, "{}: expected a model with one class, this one has {}", file.string(),
             model.info.network.classes);
  return Cutter(std::make_unique<const State>(std::move(model), options));
}

const ModelInfo& Cutter::info() const { return state_->model.info; }

Image Cutter::mask(const Image& picture) const { return render_mask(state_->answer(picture, {}).mask); }

Image Cutter::cutout(const Image& picture) const {
  return render_cutout(picture, state_->answer(picture, {.alpha = true}).alpha);
}

std::vector<float> Cutter::probabilities(const Image& picture) const {
  const auto [placement, logits] = state_->run(picture);
  return to_prediction(placement, logits).probabilities();
}

Cut Cutter::cut(const Image& picture, const CutParts& parts) const {
  Answer answer = state_->answer(picture, {.alpha = parts.cutout, .values = parts.probabilities});
  Cut cut;
  cut.mask = render_mask(answer.mask);
  cut.clothing = answer.clothing;
  if (parts.cutout) cut.cutout = render_cutout(picture, answer.alpha);
  cut.probabilities = std::move(answer.values);
  return cut;
}

}  // namespace weft
