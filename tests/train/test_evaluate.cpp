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

TEST_CASE("the loss and its gradient are as if ignored pixels were not there", "[train]") {
  // Twelve pixels, of which four are ignored; and the other eight alone.
  const std::vector<double> all = {0.3, -2, 5, 80, -0.7, 1.5, -90, 0, 2.5, -0.1, 4, -3};
  const std::vector<double> truth = {1, 0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 1}, known = {1, 1, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1};
  std::vector<double> kept, kept_truth;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (known[i] == 0) continue;
    kept.push_back(all[i]);
    kept_truth.push_back(truth[i]);
  }
  const LossWeights weights{0.25, 2};
  const Tensor z = Tensor::from({1, 3, 4, 1}, all).set_requires_grad(true),
               few = Tensor::from({1, 2, 4, 1}, kept).set_requires_grad(true);
  const Loss masked =
                 segmentation_loss(z, Tensor::from({1, 3, 4, 1}, truth), Tensor::from({1, 3, 4, 1}, known), weights),
             alone = segmentation_loss(few, Tensor::from({1, 2, 4, 1}, kept_truth), weights);
  CHECK(masked.total.item() == Approx(alone.total.item()).epsilon(1e-12));
  CHECK(masked.dice.item() == Approx(alone.dice.item()).epsilon(1e-12));
  CHECK(masked.bce.item() == Approx(alone.bce.item()).epsilon(1e-12));
  masked.total.backward();
  alone.total.backward();
  std::size_t next = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const double gradient = z.grad().values<double>()[i];
    if (known[i] == 0)
      CHECK(gradient == 0);
    else
      CHECK(gradient == Approx(few.grad().values<double>()[next++]).epsilon(1e-12));
  }

  // Nothing known: nothing to learn. All known: the bits of the plain loss.
  const Tensor zeros = Tensor::zeros({1, 3, 4, 1}), ones = Tensor::full({1, 3, 4, 1}, 1),
               logits = random_f32({1, 3, 4, 1});
  CHECK(segmentation_loss(logits, zeros, zeros, weights).total.item() == 0);
  CHECK(segmentation_loss(logits, ones, ones, weights).total.item() ==
        segmentation_loss(logits, ones, weights).total.item());
}

TEST_CASE("evaluation does not look at ignored pixels", "[train]") {
  const TemporaryFolder folder;
  make_tiny_data(folder / "data", 2);
  const LabelMap labels = LabelMap::parse(R"({"name": "partial", "labels": [
      {"id": 0, "name": "ground", "clothing": false}, {"id": 4, "name": "coat", "clothing": true},
      {"id": 11, "name": "face", "ignore": true}]})",
                                          "partial.json");
  const Dataset data({(folder / "data").string(), "", ""}, labels);
  std::int64_t coat = 0, ground = 0;
  for (std::size_t i = 0; i < 2; ++i) {
    const auto ids = data.load(i).ids.pixels;
    coat += std::count(ids.begin(), ids.end(), 4);
    ground += std::count(ids.begin(), ids.end(), 0);
  }
  ModelInfo info;
  info.height = info.width = 32;
  const Evaluation all = evaluate(*constant_network(0.1), info, data);
  CHECK(all.metrics.total() == Confusion{coat, ground, 0, 0});
  CHECK(evaluate(*constant_network(0), info, data, {{0, 1}}).loss == Approx(std::log(2.0)));
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
