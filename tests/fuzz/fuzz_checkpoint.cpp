// The bytes as the parts of a checkpoint (checkpoint_input.h).

#include "tests/fuzz/checkpoint_input.h"
#include "tests/fuzz/memory_file.h"
#include "tests/fuzz/reader.h"
#include "train/checkpoint.h"

using namespace weft;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::MemoryFile file(fuzz::build_checkpoint(fuzz::as_string(data, size)));
  const std::string path = file.path().string();
  try {
    const Checkpoint checkpoint = load_checkpoint(path);
    if (!differences(checkpoint.config, checkpoint.config).empty()) std::abort();
  } catch (const Error& error) {
    if (!fuzz::is_clear(error.what(), path)) std::abort();
  }
  return 0;
}
