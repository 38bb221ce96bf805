#include "models/default_model.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/check.h"

namespace weft {

namespace fs = std::filesystem;

namespace {

constexpr const char* file_name = "clothing-mobilenet_v2.safetensors";

/// PREFIX/share/weft/ for a file in PREFIX/bin, PREFIX/lib or PREFIX/lib/x86_64-linux-gnu.
void add_places_beside(const fs::path& file, std::vector<fs::path>& places) {
  const fs::path folder = file.parent_path();
  for (const fs::path& prefix : {folder / "..", folder / ".." / ".."})
    places.push_back((prefix / "share" / "weft").lexically_normal() / file_name);
}

std::vector<fs::path> places_to_look_at() {
  std::vector<fs::path> places;
  std::error_code error;
  if (const fs::path program = fs::read_symlink("/proc/self/exe", error); !error) add_places_beside(program, places);
  Dl_info library{};
  if (::dladdr(reinterpret_cast<const void*>(&default_model), &library) != 0 && library.dli_fname != nullptr) {
    if (const fs::path file = fs::canonical(library.dli_fname, error); !error) add_places_beside(file, places);
  }
  places.push_back(fs::path(WEFT_INSTALLED_DATA) / file_name);
#ifdef WEFT_BUILT_DATA
  places.push_back(fs::path(WEFT_BUILT_DATA) / file_name);
#endif
  std::vector<fs::path> distinct;
  for (const fs::path& place : places)
    if (std::find(distinct.begin(), distinct.end(), place) == distinct.end()) distinct.push_back(place);
  return distinct;
}

}  // namespace

fs::path default_model() {
  std::error_code error;
  if (const char* named = std::getenv("WEFT_MODEL"); named != nullptr && *named != '\0') {
    if (!fs::exists(named, error)) fail("the environment variable WEFT_MODEL names {}, which is not there", named);
    return named;
  }
  const std::vector<fs::path> places = places_to_look_at();
  for (const fs::path& place : places)
    if (fs::exists(place, error)) return place;
  std::string list;
  for (const fs::path& place : places) list += (list.empty() ? "" : ", ") + place.string();
  fail("no model given, and the one that comes with weft is in none of these places: {}; give --model FILE, or set "
       "WEFT_MODEL", list);
}

}  // namespace weft
