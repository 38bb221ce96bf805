// What a reader of the networks is sent to includes nothing of how they are made fast: no header of core/kernels/ or
// core/plan/, directly or by way of others.

#include <map>
#include <regex>

#include "tests/docs_blocks.h"

using namespace weft::test;

namespace {

/// The headers that `file` includes, directly or not, each with the one that brought it in.
void walk(const std::string& file, std::map<std::string, std::string>& included_by) {
  static const std::regex include(R"re(#include "(.*)")re");
  std::smatch match;
  for (const std::string& line : trimmed_lines(file)) {
    if (!std::regex_match(line, match, include)) continue;
    if (included_by.emplace(match[1], file).second) walk(match[1], included_by);
  }
}

std::map<std::string, std::string> includes_of(const std::string& file) {
  std::map<std::string, std::string> included_by;
  walk(file, included_by);
  return included_by;
}

bool is_about_speed(const std::string& header) {
  return header.starts_with("core/kernels/") || header.starts_with("core/plan/");
}

}  // namespace

TEST_CASE("the headers of networks, layers and operations know no kernel and no plan", "[docs]") {
  for (const char* header : {"models/unet.h", "models/encoder.h", "models/mobilenet_v2.h", "models/resnet.h",
                             "models/registry.h", "nn/layers.h", "nn/module.h", "nn/module_list.h", "nn/init.h",
                             "core/ops.h", "core/autograd.h", "core/tensor.h"}) {
    for (const auto& [included, by] : includes_of(header)) {
      INFO(header << ": " << by << " includes " << included);
      CHECK_FALSE(is_about_speed(included));
    }
  }
}

TEST_CASE("nor do the sources of the networks and layers", "[docs]") {
  for (const char* source : {"models/unet.cpp", "models/mobilenet_v2.cpp", "models/resnet.cpp", "nn/layers.cpp",
                             "nn/init.cpp", "nn/module.cpp"}) {
    for (const auto& [included, by] : includes_of(source)) {
      INFO(source << ": " << by << " includes " << included);
      CHECK_FALSE(is_about_speed(included));
    }
  }
}

TEST_CASE("the walk finds what is included by way of others", "[docs]") {
  const auto found = includes_of("models/predictor.h");
  CHECK(found.contains("core/plan/plan.h"));
  CHECK(found.contains("core/plan/arena.h"));
  CHECK(found.at("core/tensor.h") != "models/predictor.h");
}
