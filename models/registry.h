#pragma once
// The architectures by name. To add one: its file beside this one, and an entry in registry.cpp.

#include <memory>
#include <string>
#include <vector>

#include "models/encoder.h"

namespace weft {

/// "mobilenet_v2", "resnet18", "resnet34".
std::vector<std::string> architectures();
/// Throws Error for an unknown name, listing those that there are.
std::unique_ptr<Encoder> make_encoder(const std::string& arch);
/// The same network with its ImageNet head of 1000 classes.
std::unique_ptr<Classifier> make_classifier(const std::string& arch);

}  // namespace weft
