// The bytes as what follows the magic number of PyTorch's legacy stream.

#include "core/formats/torch_file.h"
#include "tests/fuzz/reader.h"

using namespace weft;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string magic = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e";
  fuzz::read_any(magic + fuzz::as_string(data, size), [](FileBytes file) {
    const WeightsFile weights = open_torch_legacy(std::move(file));
    for (const WeightsEntry& entry : weights.tensors()) weights.read_f32(entry);
  });
  return 0;
}
