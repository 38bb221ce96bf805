#include "api/weft_c.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <string>

#include "core/check.h"
#include "core/parallel.h"
#include "models/cutter.h"

using namespace weft;

struct weft_model {
  std::optional<Cutter> cutter;
  std::string error;
};

struct weft_result {
  std::int32_t width = 0, height = 0;
  Image mask, classes, cutout;
  std::vector<float> probability;
  std::string error;
};

namespace {

/// A new handle, filled by `work`; an exception becomes its error. Null where there is no memory for the handle.
template <class Handle, class Work>
Handle* handle_of(Work&& work) noexcept {
  std::unique_ptr<Handle> handle;
  const auto say = [&](const char* text) {
    try {
      handle->error = text;
    } catch (...) {
      handle.reset();
    }
  };
  try {
    handle = std::make_unique<Handle>();
    work(*handle);
  } catch (const std::bad_alloc&) {
    if (handle) say("out of memory");
  } catch (const std::exception& error) {
    say(error.what());
  } catch (...) {
    say("an error of an unknown kind");
  }
  return handle.release();
}

template <class Handle>
const char* error_of(const Handle* handle) {
  if (handle == nullptr) return "out of memory";
  return handle->error.empty() ? nullptr : handle->error.c_str();
}

/// What a caller of any version has set. Of a later one's options this version knows the first; the rest must be zero.
weft_options known_options(const weft_options* given) {
  constexpr std::size_t first_version = 32;
  static_assert(sizeof(weft_options) == first_version);
  weft_options options{};
  if (given == nullptr) return options;
  const std::size_t size = given->struct_size == 0 ? first_version : given->struct_size;
  WEFT_CHECK(size >= first_version, "[weft_open] expected struct_size {} or more, got {}", first_version, size);
  const auto* bytes = reinterpret_cast<const unsigned char*>(given);
  std::memcpy(&options, bytes, std::min(size, sizeof(options)));
  for (std::size_t i = sizeof(options); i < size; ++i)
    WEFT_CHECK(bytes[i] == 0, "[weft_open] an option is set that weft {} does not know", WEFT_VERSION);
  return options;
}

CutterOptions options_from(const weft_options* given) {
  const weft_options known = known_options(given);
  CutterOptions options;
  if (known.threshold != 0) options.threshold = known.threshold;
  if (known.height != 0 || known.width != 0) options.size = std::array{known.height, known.width};
  options.mirror = known.mirror != 0;
  return options;
}

/// A copy of the caller's picture. Each thread keeps its last one's memory, as long as that is not much: in fresh memory
/// the copy took 2.4 ms for 512 x 512, beside 46 of the run, on a virtual machine where a page fault takes microseconds.
class Copy {
 public:
  Copy(const std::uint8_t* rgb, std::int32_t width, std::int32_t height, std::ptrdiff_t stride) {
    WEFT_CHECK(rgb != nullptr, "[weft_run] expected a picture, got NULL");
    WEFT_CHECK(width > 0 && height > 0, "[weft_run] expected a width and a height, got {} x {}", width, height);
    const std::ptrdiff_t row = 3 * static_cast<std::ptrdiff_t>(width);
    WEFT_CHECK(stride >= row, "[weft_run] expected a stride of {} bytes or more for {} pixels, got {}", row, width,
               stride);
    if (kept.width != width || kept.height != height) kept = Image(width, height, 3);
    for (int y = 0; y < height; ++y) std::memcpy(kept.at(y, 0), rgb + y * stride, static_cast<std::size_t>(row));
  }
  ~Copy() {
    if (kept.pixels.size() > most_bytes) kept = Image();
  }
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;

  const Image& picture() const { return kept; }

 private:
  static constexpr std::size_t most_bytes = std::size_t{16} << 20;
  static thread_local Image kept;
};
thread_local Image Copy::kept;

Image ids_of(const Image& mask) {
  Image ids = mask;
  for (std::uint8_t& id : ids.pixels) id = id != 0;
  return ids;
}

void run(weft_result& result, const weft_model* model, const Image& picture, unsigned outputs) {
  WEFT_CHECK(model != nullptr && model->cutter, "[weft_run] the model was not opened: {}",
             model == nullptr ? "NULL" : model->error);
  constexpr unsigned known = WEFT_MASK | WEFT_PROBABILITY | WEFT_CUTOUT | WEFT_CLASSES;
  WEFT_CHECK(outputs != 0 && (outputs & ~known) == 0, "[weft_run] expected a sum of WEFT_MASK, ..., got {}", outputs);
  Cut cut = model->cutter->cut(picture, {.cutout = (outputs & WEFT_CUTOUT) != 0,
                                         .probabilities = (outputs & WEFT_PROBABILITY) != 0});
  if ((outputs & WEFT_CLASSES) != 0) result.classes = ids_of(cut.mask);
  if ((outputs & WEFT_MASK) != 0) result.mask = std::move(cut.mask);
  result.cutout = std::move(cut.cutout);
  result.probability = std::move(cut.probabilities);
  result.width = picture.width;
  result.height = picture.height;
}

const std::uint8_t* pixels_of(const weft_result* result, Image weft_result::*image) {
  return result == nullptr || (result->*image).pixels.empty() ? nullptr : (result->*image).pixels.data();
}

}  // namespace

const char* weft_version(void) { return WEFT_VERSION; }

int weft_set_threads(int count) {
  try {
    set_num_threads(count);
  } catch (...) {
    return -1;
  }
  return 0;
}

int weft_threads(void) {
  try {
    return num_threads();
  } catch (...) {
    return 1;
  }
}

weft_model* weft_open(const char* path, const weft_options* options) {
  return handle_of<weft_model>([&](weft_model& model) {
    model.cutter = Cutter::open(path == nullptr ? "" : path, options_from(options));
  });
}

void weft_model_free(weft_model* model) { delete model; }
const char* weft_model_error(const weft_model* model) { return error_of(model); }

weft_result* weft_run(const weft_model* model, const std::uint8_t* rgb, std::int32_t width, std::int32_t height,
                      std::ptrdiff_t stride, unsigned outputs) {
  return handle_of<weft_result>(
      [&](weft_result& result) { run(result, model, Copy(rgb, width, height, stride).picture(), outputs); });
}

void weft_result_free(weft_result* result) { delete result; }
const char* weft_result_error(const weft_result* result) { return error_of(result); }
std::int32_t weft_result_width(const weft_result* result) { return result == nullptr ? 0 : result->width; }
std::int32_t weft_result_height(const weft_result* result) { return result == nullptr ? 0 : result->height; }
const std::uint8_t* weft_result_mask(const weft_result* result) { return pixels_of(result, &weft_result::mask); }
const std::uint8_t* weft_result_cutout(const weft_result* result) { return pixels_of(result, &weft_result::cutout); }
const std::uint8_t* weft_result_classes(const weft_result* result) { return pixels_of(result, &weft_result::classes); }
const float* weft_result_probability(const weft_result* result) {
  return result == nullptr || result->probability.empty() ? nullptr : result->probability.data();
}
