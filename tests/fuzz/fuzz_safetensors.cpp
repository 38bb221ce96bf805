// The bytes as a safetensors file: its tensors lie in the file, without overlap, and all of them can be read.

#include "core/formats/safetensors.h"
#include "tests/fuzz/reader.h"

using namespace weft;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::read_any(fuzz::as_string(data, size), [&](FileBytes bytes) {
    const SafetensorsFile file(std::move(bytes));
    std::size_t total = 0;
    for (const SafetensorsEntry& entry : file.tensors()) {
      total += entry.bytes.size();
      if (file.find(entry.name) != &entry) std::abort();
      if (bits_of(entry.type) >= 8 && entry.type < ElementType::C64) file.read_f32(entry);
    }
    if (total > size) std::abort();
    file.verify_checksum();
  });
  return 0;
}
