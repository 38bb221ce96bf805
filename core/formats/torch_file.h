#pragma once
// The two containers of torch.save, from which a state dict is read (docs/formats.md has both to the byte):
//
//   zip     (since 1.6)  NAME/data.pkl, a pickle that refers to storages by key; NAME/data/KEY, their bytes
//   legacy               five pickles in a row (magic, protocol, system, object, keys), then the storages' bytes
//
// The state dict may be the object itself or lie under one of the keys that training programs use ('state_dict',
// 'model', 'ema', ...: docs/formats.md); the prefix 'module.' that DataParallel puts before every name is removed.

#include <string_view>

#include "core/formats/file_bytes.h"
#include "core/formats/weights_file.h"

namespace weft {

/// True where the file begins with the legacy stream's magic number.
bool is_torch_legacy(std::string_view text);

/// Both throw Error for a damaged file, for any import or opcode that a state dict does not need, for tensors that
/// leave their storage and storages that leave the file, and where there is no tensor.
WeightsFile open_torch_zip(FileBytes file);
WeightsFile open_torch_legacy(FileBytes file);

}  // namespace weft
