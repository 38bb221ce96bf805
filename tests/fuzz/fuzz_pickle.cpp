// The bytes as a pickle, alone and as the data.pkl of an archive with three small storages.

#include "core/formats/pickle.h"
#include "core/formats/weights_file.h"
#include "tests/core/formats/pickle_bytes.h"
#include "tests/fuzz/reader.h"

using namespace weft;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes = fuzz::as_string(data, size);
  fuzz::read_any(bytes, [](const FileBytes& file) { Pickle(file.bytes(), "f", "data.pkl").root().kind(); });
  const std::string archive =
      test::torch_zip(bytes, {std::string(24, '\1'), std::string(8, '\2'), std::string(2, '\3')});
  fuzz::read_any(archive, [](FileBytes file) {
    const WeightsFile weights = open_weights(std::move(file));
    for (const WeightsEntry& entry : weights.tensors()) weights.read_f32(entry);
  });
  return 0;
}
