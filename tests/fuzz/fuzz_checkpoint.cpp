// A checkpoint from four parts of the input, cut at line breaks: settings, progress, the header's tensors, and the
// numbers. The checksum is right, so that nothing stands between the input and the reader but the reader's own checks.

#include "tests/fuzz/memory_file.h"
#include "tests/fuzz/reader.h"
#include "tests/fuzz/safetensors_builder.h"
#include "train/checkpoint.h"

using namespace weft;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string input = fuzz::as_string(data, size);
  std::string_view rest = input;
  const std::string config = fuzz::take_line(rest), progress = fuzz::take_line(rest), tensors = fuzz::take_line(rest);
  const fuzz::MemoryFile file(fuzz::build_safetensors(R"(,"weft.format":"checkpoint","config":)" +
                                                          fuzz::quoted(config) + R"(,"progress":)" +
                                                          fuzz::quoted(progress),
                                                      tensors, rest));
  const std::string path = file.path().string();
  try {
    const Checkpoint checkpoint = load_checkpoint(path);
    if (!differences(checkpoint.config, checkpoint.config).empty()) std::abort();
  } catch (const Error& error) {
    if (!fuzz::is_clear(error.what(), path)) std::abort();
  }
  return 0;
}
