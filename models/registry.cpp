#include "models/registry.h"

#include <fmt/ranges.h>

#include <functional>

#include "models/mobilenet_v2.h"
#include "models/resnet.h"

namespace weft {
namespace {

constexpr std::array<int, 4> resnet18_blocks = {2, 2, 2, 2}, resnet34_blocks = {3, 4, 6, 3};

struct Architecture {
  std::string name;
  std::function<std::unique_ptr<Encoder>()> encoder;
  std::function<std::unique_ptr<Classifier>()> classifier;
};

const std::vector<Architecture>& table() {
  static const std::vector<Architecture> entries = {
      {"mobilenet_v2", [] { return std::make_unique<MobileNetV2>(); },
       [] { return std::make_unique<MobileNetV2Classifier>(); }},
      {"resnet18", [] { return std::make_unique<ResNet>(resnet18_blocks); },
       [] { return std::make_unique<ResNetClassifier>(resnet18_blocks); }},
      {"resnet34", [] { return std::make_unique<ResNet>(resnet34_blocks); },
       [] { return std::make_unique<ResNetClassifier>(resnet34_blocks); }},
  };
  return entries;
}

const Architecture& find(const std::string& arch) {
  for (const Architecture& entry : table()) {
    if (entry.name == arch) return entry;
  }
  fail("unknown architecture '{}'; there are {}", arch, fmt::join(architectures(), ", "));
}

}  // namespace

std::vector<std::string> architectures() {
  std::vector<std::string> names;
  for (const Architecture& entry : table()) names.push_back(entry.name);
  return names;
}

std::unique_ptr<Encoder> make_encoder(const std::string& arch) { return find(arch).encoder(); }
std::unique_ptr<Classifier> make_classifier(const std::string& arch) { return find(arch).classifier(); }

}  // namespace weft
