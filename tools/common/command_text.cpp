#include "tools/common/command_text.h"

#include <filesystem>

namespace weft::tools {
namespace {

std::string quoted(const std::string& word) {
  const char* plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./,:@%";
  if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
  std::string result = "'";
  for (const char c : word) result += c == '\'' ? "'\\''" : std::string(1, c);
  return result + "'";
}

}  // namespace

std::string command_text(int argc, const char* const* argv, const std::string& left_out) {
  std::string text = std::filesystem::path(argv[0]).filename().string();
  for (int i = 1; i < argc; ++i) {
    if (left_out.empty() || argv[i] != left_out) text += " " + quoted(argv[i]);
  }
  return text;
}

}  // namespace weft::tools
