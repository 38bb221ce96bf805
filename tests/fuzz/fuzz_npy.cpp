// The bytes as a .npy file.

#include "core/formats/npy.h"
#include "tests/fuzz/reader.h"

using namespace weft;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::read_any(fuzz::as_string(data, size), [&](FileBytes bytes) {
    const NpyFile file(std::move(bytes));
    if (file.read_f32().size() != file.read_f64().size() || file.read_f32().size() > size) std::abort();
  });
  return 0;
}
