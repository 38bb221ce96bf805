// The bytes as a run's config.json: what is accepted is written back as it was read.

#include <nlohmann/json.hpp>

#include "core/formats/json.h"
#include "tests/fuzz/reader.h"
#include "train/config.h"

using namespace weft;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::read_any(fuzz::as_string(data, size), [](const FileBytes& file) {
    const nlohmann::json json = parse_json(file.text(), file.name());
    const TrainConfig config = config_from_json(json, file.name());
    const nlohmann::json again = to_json(config);
    if (to_json(config_from_json(again, "again")) != again || !differences(config, config).empty()) std::abort();
  });
  return 0;
}
