// golden.h must make the numbers that golden.py made, or no golden test means anything.

#include "tests/golden/golden.h"

#include <bit>

#include "tests/catch.h"

using namespace weft::test;
using Sizes = std::vector<std::int64_t>;

TEST_CASE("golden numbers: the published parts", "[golden]") {
  CHECK(golden_hash("") == 0xcbf29ce484222325u);
  CHECK(golden_hash("a") == 0xaf63dc4c8601ec8cu);
  CHECK(golden_hash("foobar") == 0x85944171f73967e8u);
  CHECK(golden_uniform(0, 0) == static_cast<double>(0xE220A8397B1DCDAFu >> 11) * 0x1.0p-53);  // SplitMix64, seed 0
}

TEST_CASE("golden numbers: equal to Python's, bit for bit", "[golden]") {
  const auto input = golden_fill("input", 2 * 64 * 96 * 3, -2, 2);
  CHECK(input[0] == -1.60872662f);
  CHECK(input[1] == 0.609441698f);
  CHECK(input[999] == 0.377385676f);
  CHECK(golden_probe("input", std::span<const float>(input)) == Approx(-157.31059343434953).epsilon(1e-12));
  CHECK(golden_norm(std::span<const float>(input)) == Approx(221.28813041204572).epsilon(1e-12));

  // A sum of the bit patterns: one wrong rounding among a million shows.
  std::uint64_t bits = 0;
  for (float x : golden_weight("encoder.layer4.0.conv1.weight", Sizes{512, 256, 3, 3}))
    bits += std::bit_cast<std::uint32_t>(x);
  CHECK(bits == 2463116558272004u);

  const auto mask = golden_mask("mask", 10000);
  CHECK(std::vector<float>(mask.begin(), mask.begin() + 10) == std::vector<float>{1, 0, 0, 0, 1, 0, 1, 0, 1, 0});
  CHECK(std::count(mask.begin(), mask.end(), 1.0f) == 4002);
}

TEST_CASE("golden weights: ranges by key and rank", "[golden]") {
  CHECK(golden_weight("fc.weight", Sizes{1000, 512}).back() == -0.0439706072f);
  CHECK(golden_weight("encoder.layer1.0.conv1.weight", Sizes{64, 64, 3, 3})[1] == -0.0566543676f);
  CHECK(golden_weight("bn1.weight", Sizes{64})[63] == 0.984512508f);
  CHECK(golden_weight("bn1.bias", Sizes{64})[63] == -0.0884657204f);
  CHECK(golden_weight("bn1.running_mean", Sizes{64})[63] == -0.214560732f);
  CHECK(golden_weight("bn1.running_var", Sizes{64})[63] == 1.25628078f);
  CHECK(golden_weight("bn1.num_batches_tracked", Sizes{}) == std::vector<float>{0});
  CHECK_THROWS_WITH(golden_weight("scale", Sizes{4}), Contains("no rule for scale of rank 1"));
}

TEST_CASE("golden files: read, and compared as a whole", "[golden]") {
  const auto cases = golden_file("unets.json");
  CHECK(cases.at(0)["arch"] == "mobilenet_v2");
  CHECK(cases.at(0)["logits"]["values"].size() == 200);
  CHECK_THROWS_WITH(golden_file("absent.json"), Contains("absent.json: cannot be opened"));

  const nlohmann::json summary = {{"shape", {2, 2}},         {"mean", 1.0},    {"std", std::sqrt(5.0)},
                                  {"norm", std::sqrt(24.0)}, {"largest", 4.0}, {"indices", {1, 2}},
                                  {"values", {4.0, 0.0}}};
  const auto deviation = [&](std::vector<double> values) {
    return golden_deviation(std::span<const double>(values), summary);
  };
  CHECK(deviation({2, 4, 0, -2}) < 1e-15);
  CHECK(deviation({2, 4, 0.5, -2}) == Approx(0.5 / 4));
  CHECK(deviation({2, 4, 0, -2.8}) > 0.01);  // not among the samples, but in the moments
  CHECK_FALSE(deviation({2, std::nan(""), 0, -2}) < 1);
  CHECK_THROWS_WITH(deviation({1}), Contains("expected 4 values, got 1"));
}
