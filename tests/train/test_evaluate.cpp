#include "train/evaluate.h"

#include "tests/gradcheck.h"
#include "tests/train/tiny_data.h"
#include "train/training_data.h"

using namespace weft;
using namespace weft::test;

namespace {

/// A network that answers `logit` everywhere: no weights but the head's bias.
std::unique_ptr<UNet> constant_network(double logit) {
  auto network = std::make_unique<UNet>(UNetConfig{.decoder_channels = {4, 4, 4, 4, 4}});
  for (const auto& [name, tensor] : network->named_parameters()) {
    if (name == "segmentation_head.0.bias") tensor.fill(logit);
  }
  network->eval();
  return network;
}

}  // namespace

TEST_CASE("evaluation counts pixels at the pictures' own size", "[train]") {
  const TemporaryFolder folder;
  make_tiny_data(folder / "data", 3);
  const Dataset data({(folder / "data").string(), "", ""}, LabelMap::load("atr"));
  std::int64_t pixels = 0, clothing = 0;
  double mean_share = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    const Sample sample = data.load(i);
    const auto n = static_cast<std::int64_t>(sample.ids.pixels.size());
    const auto c = std::count(sample.ids.pixels.begin(), sample.ids.pixels.end(), 4);
    pixels += n;
    clothing += c;
    mean_share += static_cast<double>(c) / static_cast<double>(n) / 3;
  }

  for (const char* fit : {"stretch", "letterbox", "area"}) {
    ModelInfo info;
    info.height = info.width = 32;
    info.fit = fit;
    std::size_t calls = 0;
    const Evaluation all =
        evaluate(*constant_network(0.1), info, data, {}, [&](const EvaluatedPicture& p) { CHECK(p.index == calls++); });
    CHECK(calls == 3);
    CHECK(all.metrics.total() == Confusion{clothing, pixels - clothing, 0, 0});
    CHECK(all.metrics.mean_iou() == Approx(mean_share));
    CHECK(all.metrics.labels()[4].predicted == clothing);

    const Evaluation none = evaluate(*constant_network(-0.1), info, data);
    CHECK(none.metrics.total() == Confusion{0, 0, clothing, pixels - clothing});
    CHECK(evaluate(*constant_network(0), info, data, {{0, 1}}).loss == Approx(std::log(2.0)));

    info.threshold = 0.6;  // logit 0.405: above 0.1
    CHECK(evaluate(*constant_network(0.1), info, data).metrics.total().true_positive == 0);
    CHECK(evaluate(*constant_network(0.5), info, data).metrics.total().true_positive == clothing);
  }

  auto training = constant_network(0);
  training->train();
  CHECK_THROWS_WITH(evaluate(*training, {}, data), Contains("evaluation mode"));
}

TEST_CASE("the loss is the weighted sum of its parts", "[train]") {
  const Tensor z = random_f32({1, 4, 4, 1}), t = Tensor::full({1, 4, 4, 1}, 1);
  const Loss loss = segmentation_loss(z, t, {0.25, 2});
  CHECK(loss.total.item() == Approx(0.25 * loss.dice.item() + 2 * loss.bce.item()));
}

TEST_CASE("the pictures of a run have a digest that notices every change", "[train]") {
  const TemporaryFolder folder;
  make_tiny_data(folder / "data", 4);
  const auto digest = [&](const std::string& training, const std::string& validation) {
    write_text(folder / "t", training);
    write_text(folder / "v", validation);
    TrainConfig config = tiny_config(folder / "data");
    config.train_list = (folder / "t").string();
    config.val_list = (folder / "v").string();
    return find_training_data(config).digest();
  };
  const std::string first = digest("p0\np1\n", "p2\n");
  CHECK_THAT(first, Contains("training 2 (") && Contains("validation 1 ("));
  CHECK(digest("p0\r\np1", "p2") == first);
  CHECK(digest("p1\np0\n", "p2\n") != first);
  CHECK(digest("p0\np1\n", "p3\n") != first);

  TrainConfig config = tiny_config(folder / "data");
  config.train_list = (folder / "t").string();
  config.val_list = (folder / "t").string();
  CHECK(pictures_in_both(find_training_data(config)) == 2);
  config.train_list = config.val_list = "";
  config.val_fraction = 0.5;
  CHECK(pictures_in_both(find_training_data(config)) == 0);
}
