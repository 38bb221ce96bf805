#include "train/checkpoint.h"

#include "tests/fuzz/checkpoint_input.h"
#include "tests/gradcheck.h"
#include "tests/temporary_folder.h"

using namespace weft;
using namespace weft::test;

namespace {
Checkpoint example() {
  Checkpoint c;
  c.config.data = "photos \"quoted\"";
  c.config.network.decoder_channels = {5, 4, 3, 2, 1};
  c.config.optimizer.kind = OptimizerKind::sgd;
  c.config.learning_rate = 0.1;  // no finite binary fraction: must come back to the bit
  c.progress = {3, 17, 1234, 1.0 / 3, 2, 1, {4, 0.1, 2}, 99, "12 pictures", "5e1f0a77"};
  c.model = {{"w", random_f32({2, 3})}, {"count", Tensor::full({}, 7, DType::i64)}};
  c.optimizer = {{"w.m", random_f32({2, 3})}, {"w.step", Tensor::full({}, 1234, DType::i64)}};
  c.average = {{"w", random_f32({2, 3})}};
  return c;
}
}  // namespace

TEST_CASE("a checkpoint comes back to the bit", "[train]") {
  const TemporaryFolder folder;
  const Checkpoint saved = example();
  save_checkpoint(folder / "c", saved);
  const Checkpoint loaded = load_checkpoint(folder / "c");
  CHECK(differences(loaded.config, saved.config).empty());
  CHECK(loaded.config.data == saved.config.data);
  CHECK(loaded.progress == saved.progress);
  REQUIRE(loaded.model.size() == 2);
  for (const auto& [name, tensor] : loaded.model) {
    if (name == "w") CHECK(equal(tensor, saved.model[0].tensor));
    if (name == "count") CHECK(tensor.item() == 7);
  }
  REQUIRE(loaded.optimizer.size() == 2);
  REQUIRE(loaded.average.size() == 1);
  CHECK(equal(loaded.average[0].tensor, saved.average[0].tensor));

  save_checkpoint(folder / "again", loaded);
  CHECK(read_text(folder / "c") == read_text(folder / "again"));
}

TEST_CASE("a damaged checkpoint is refused, wherever the damage is", "[train]") {
  const TemporaryFolder folder;
  save_checkpoint(folder / "c", example());
  const std::string good = read_text(folder / "c");
  for (std::size_t at = 0; at < good.size(); at += good.size() / 61) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 4);
    write_text(folder / "bad", bad);
    CHECK_THROWS_AS(load_checkpoint(folder / "bad"), Error);
    write_text(folder / "bad", good.substr(0, at));
    CHECK_THROWS_AS(load_checkpoint(folder / "bad"), Error);
  }
  CHECK_THROWS_WITH(load_checkpoint(folder / "nothing"), Contains("nothing"));
}

TEST_CASE("a failed save leaves the old checkpoint", "[train]") {
  const TemporaryFolder folder;
  save_checkpoint(folder / "c", example());
  const std::string good = read_text(folder / "c");
  Checkpoint doubled = example();
  doubled.model.push_back(doubled.model[0]);
  CHECK_THROWS_WITH(save_checkpoint(folder / "c", doubled), Contains("model.w"));
  CHECK(read_text(folder / "c") == good);
}

TEST_CASE("the fuzzer's seeds are checkpoints", "[train]") {
  const TemporaryFolder folder;
  for (const char* seed : {"average", "empty", "model_and_optimizer"}) {
    INFO(seed);
    const std::string input = read_text(std::string("tests/fuzz/corpus/checkpoint/") + seed);
    CHECK_NOTHROW(load_checkpoint(folder.write(seed, fuzz::build_checkpoint(input))));
  }
}
