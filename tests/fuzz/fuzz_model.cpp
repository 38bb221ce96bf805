// A model file from a stranger, from three parts of the input, cut at line breaks: the description, the header's
// tensors, and the numbers. A network is built only where the tensors of its widths are there.

#include "models/model_file.h"
#include "tests/fuzz/memory_file.h"
#include "tests/fuzz/reader.h"
#include "tests/fuzz/safetensors_builder.h"

using namespace weft;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input = fuzz::as_string(data, size);
  std::string_view rest = input;
  const std::string metadata = fuzz::take_line(rest), tensors = fuzz::take_line(rest);
  const fuzz::MemoryFile file(fuzz::build_safetensors(metadata, tensors, rest));
  const std::string path = file.path().string();
  try {
    load_model(path);
  } catch (const Error& error) {
    if (!fuzz::is_clear(error.what(), path)) std::abort();
  }
  return 0;
}
