// The bytes as a zip archive, whose entries are all read. A wrong CRC does not end the run: hardly any input has a
// right one.

#include "core/formats/zip.h"
#include "tests/fuzz/reader.h"

using namespace weft;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::read_any(fuzz::as_string(data, size), [](const FileBytes& bytes) {
    const ZipFile file(bytes);
    for (const ZipEntry& entry : file.entries()) {
      fuzz::read_any("", [&](const FileBytes&) {
        std::vector<std::byte> buffer;
        if (file.read(entry, buffer).size() != entry.size) std::abort();
      });
    }
  });
  return 0;
}
