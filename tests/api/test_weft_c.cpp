#include "api/weft_c.h"

#include <cstring>
#include <filesystem>
#include <memory>
#include <thread>
#include <vector>

#include "models/cutter.h"
#include "tests/catch.h"

using namespace weft;

namespace {

struct FreeModel {
  void operator()(weft_model* model) const { weft_model_free(model); }
};
struct FreeResult {
  void operator()(weft_result* result) const { weft_result_free(result); }
};
using ModelHandle = std::unique_ptr<weft_model, FreeModel>;
using ResultHandle = std::unique_ptr<weft_result, FreeResult>;

Image gradient(int width, int height) {
  Image picture(width, height, 3);
  for (std::size_t i = 0; i < picture.pixels.size(); ++i) picture.pixels[i] = static_cast<std::uint8_t>(i * 7 / 5);
  return picture;
}

bool says(const char* error, const char* what) { return error != nullptr && std::strstr(error, what) != nullptr; }

}  // namespace

TEST_CASE("the C interface gives what the C++ one gives", "[c]") {
  const Image picture = gradient(61, 47);
  const Cut cut = Cutter::open().cut(picture);
  const ModelHandle model(weft_open(nullptr, nullptr));
  REQUIRE(weft_model_error(model.get()) == nullptr);

  // Rows with a gap between them.
  const std::size_t row = 61 * 3, stride = row + 13;
  std::vector<std::uint8_t> spread(stride * 47, 99);
  for (int y = 0; y < 47; ++y) std::memcpy(&spread[static_cast<std::size_t>(y) * stride], picture.at(y, 0), row);
  const ResultHandle result(weft_run(model.get(), spread.data(), 61, 47, static_cast<std::ptrdiff_t>(stride),
                                     WEFT_MASK | WEFT_PROBABILITY | WEFT_CUTOUT | WEFT_CLASSES));
  REQUIRE(weft_result_error(result.get()) == nullptr);
  CHECK(weft_result_width(result.get()) == 61);
  CHECK(weft_result_height(result.get()) == 47);
  const std::size_t pixels = 61 * 47;
  CHECK(std::equal(cut.mask.pixels.begin(), cut.mask.pixels.end(), weft_result_mask(result.get())));
  CHECK(std::equal(cut.cutout.pixels.begin(), cut.cutout.pixels.end(), weft_result_cutout(result.get())));
  CHECK(std::equal(cut.probabilities.begin(), cut.probabilities.end(), weft_result_probability(result.get())));
  for (std::size_t i = 0; i < pixels; ++i)
    REQUIRE(weft_result_classes(result.get())[i] == (cut.mask.pixels[i] == 255 ? 1 : 0));

  const ResultHandle only_mask(weft_run(model.get(), picture.pixels.data(), 61, 47, 61 * 3, WEFT_MASK));
  CHECK(weft_result_mask(only_mask.get()) != nullptr);
  CHECK(weft_result_cutout(only_mask.get()) == nullptr);
  CHECK(weft_result_probability(only_mask.get()) == nullptr);
  CHECK(weft_result_classes(only_mask.get()) == nullptr);
}

TEST_CASE("options of the C interface are the cutter's", "[c]") {
  const Image picture = gradient(61, 47);
  weft_options options{};
  options.threshold = 0.9;
  options.height = 64;
  options.width = 96;
  options.mirror = 1;
  const Cutter cutter = Cutter::open({}, {.threshold = 0.9, .size = {{64, 96}}, .mirror = true});
  for (const std::size_t size : {std::size_t{0}, sizeof(options)}) {
    options.struct_size = size;
    const ModelHandle model(weft_open(nullptr, &options));
    REQUIRE(weft_model_error(model.get()) == nullptr);
    const ResultHandle result(weft_run(model.get(), picture.pixels.data(), 61, 47, 61 * 3, WEFT_PROBABILITY));
    const std::vector<float> expected = cutter.probabilities(picture);
    CHECK(std::equal(expected.begin(), expected.end(), weft_result_probability(result.get())));
  }
  // Options of a later version: fine as long as what this one does not know is zero.
  struct {
    weft_options known{};
    std::uint64_t unknown = 0;
  } later;
  later.known.struct_size = sizeof(later);
  CHECK(weft_model_error(ModelHandle(weft_open(nullptr, &later.known)).get()) == nullptr);
  later.unknown = 1;
  CHECK(says(weft_model_error(ModelHandle(weft_open(nullptr, &later.known)).get()), "does not know"));
  options.struct_size = 8;
  CHECK(says(weft_model_error(ModelHandle(weft_open(nullptr, &options)).get()), "struct_size"));
}

TEST_CASE("errors of the C interface stay with their handles", "[c]") {
  const ModelHandle missing(weft_open("/not/there", nullptr));
  CHECK(says(weft_model_error(missing.get()), "/not/there"));
  const std::uint8_t pixel[3] = {1, 2, 3};
  const ResultHandle of_missing(weft_run(missing.get(), pixel, 1, 1, 3, WEFT_MASK));
  CHECK(says(weft_result_error(of_missing.get()), "/not/there"));
  CHECK(weft_result_mask(of_missing.get()) == nullptr);

  const ModelHandle model(weft_open(nullptr, nullptr));
  const auto error_of = [&](const std::uint8_t* rgb, int width, int height, std::ptrdiff_t stride, unsigned outputs) {
    const ResultHandle result(weft_run(model.get(), rgb, width, height, stride, outputs));
    const char* error = weft_result_error(result.get());
    return std::string(error == nullptr ? "" : error);
  };
  CHECK(error_of(pixel, 1, 1, 3, WEFT_MASK).empty());
  CHECK(error_of(nullptr, 1, 1, 3, WEFT_MASK).find("NULL") != std::string::npos);
  CHECK(error_of(pixel, 0, 1, 3, WEFT_MASK).find("0 x 1") != std::string::npos);
  CHECK(error_of(pixel, 1, -1, 3, WEFT_MASK).find("1 x -1") != std::string::npos);
  CHECK(error_of(pixel, 1, 1, 2, WEFT_MASK).find("stride") != std::string::npos);
  CHECK(error_of(pixel, 1, 1, 3, 0).find("WEFT_MASK") != std::string::npos);
  CHECK(error_of(pixel, 1, 1, 3, 64).find("WEFT_MASK") != std::string::npos);

  // NULL handles.
  CHECK(says(weft_model_error(nullptr), "memory"));
  CHECK(says(weft_result_error(nullptr), "memory"));
  CHECK(says(weft_result_error(ResultHandle(weft_run(nullptr, pixel, 1, 1, 3, WEFT_MASK)).get()), "not opened"));
  CHECK(weft_result_mask(nullptr) == nullptr);
  weft_model_free(nullptr);
  weft_result_free(nullptr);
}

TEST_CASE("one model of the C interface serves many threads", "[c]") {
  const ModelHandle model(weft_open(nullptr, nullptr));
  const Image picture = gradient(61, 47);
  const Image expected = Cutter::open().mask(picture);
  std::vector<std::thread> threads;
  std::vector<int> right(4);
  for (int& count : right) {
    threads.emplace_back([&] {
      for (int i = 0; i < 3; ++i) {
        const ResultHandle result(weft_run(model.get(), picture.pixels.data(), 61, 47, 61 * 3, WEFT_MASK));
        count += std::equal(expected.pixels.begin(), expected.pixels.end(), weft_result_mask(result.get()));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int count : right) CHECK(count == 3);
}

TEST_CASE("the number of threads is set from C", "[c]") {
  const int before = weft_threads();
  CHECK(weft_set_threads(3) == 0);
  CHECK(weft_threads() == 3);
  CHECK(weft_set_threads(0) == -1);
  CHECK(weft_threads() == 3);
  weft_set_threads(before);
  CHECK(std::string(weft_version()) == WEFT_VERSION);
}
