#!/usr/bin/env bash
# try.sh BUILD: installs a build into a folder of its own and uses it as others would: by find_package and pkg-config,
# from C++, C and Python, and by add_subdirectory.
set -euo pipefail
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
say() { printf '== %s\n' "$*"; }
fails() { printf 'error: %s\n' "$*" >&2; exit 1; }
export CMAKE_BUILD_PARALLEL_LEVEL=2

say "install"
cmake --install "$build" --prefix "$prefix" >"$work/install.log" || { cat "$work/install.log"; exit 1; }
for file in bin/infer_unet share/weft/clothing-mobilenet_v2.safetensors include/weft/weft.h include/weft/weft_c.h \
            lib/libweft.so lib/libweft.a lib/cmake/weft/weftConfig.cmake lib/pkgconfig/weft.pc \
            share/bash-completion/completions/infer_unet share/zsh/site-functions/_weft share/doc/weft/LICENSE; do
  [ -e "$prefix/$file" ] || fails "$file was not installed"
done
[ -z "$(grep -rl "$root" "$prefix/include" "$prefix/lib/cmake" "$prefix/lib/pkgconfig")" ] || fails "an installed file names the sources' folder"
! grep -rn '#include "' "$prefix/include" || fails "a public header includes another by a name that is not weft/..."

say "the shared library shows weft and nothing else"
others=$(nm -D --defined-only "$prefix/lib/libweft.so" | awk '{print $3}' | sed 's/@.*//' | c++filt |
         grep -vE '^weft_|^weft::|^(vtable|typeinfo|typeinfo name|VTT) for weft::|^void weft::fail<|^fmt::v[0-9]+::formatter<weft::' || true)
[ -z "$others" ] || fails "libweft.so shows: $others"
hidden=$(nm -DC --defined-only "$prefix/lib/libweft.so" | grep -E ' weft::kernels::| weft::(Pickle|Zip|png_|jpeg_)' || true)
[ -z "$hidden" ] || fails "libweft.so shows what is not public: $hidden"

say "find_package, and the examples of the book"
cmake -S "$root/docs/examples" -B "$work/examples" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_BUILD_TYPE=Release >/dev/null
cmake --build "$work/examples" >"$work/build.log" || { cat "$work/build.log"; exit 1; }
(cd "$work" && for example in small_network cut_out own_operation own_rule; do "$work/examples/examples/$example" >/dev/null; done)

say "C"
{ printf 'P6\n6 4\n255\n'; head -c 72 /dev/zero; } >"$work/in.ppm"
"$work/examples/examples/cut_out_c" <"$work/in.ppm" >"$work/mask.pgm"
[ "$(head -n 2 "$work/mask.pgm" | tr '\n' ' ')" = "P5 6 4 " ] || fails "the C program wrote no mask"
! WEFT_MODEL=/not/there "$work/examples/examples/cut_out_c" <"$work/in.ppm" 2>"$work/message" || fails "a missing model is no error"
grep -q "WEFT_MODEL names /not/there" "$work/message" || fails "the message does not say which model: $(cat "$work/message")"

say "pkg-config"
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
# shellcheck disable=SC2046
c++ -O1 "$root/docs/examples/cut_out.cpp" -o "$work/by_pkg_config" $(pkg-config --cflags --libs weft) -Wl,-rpath,"$prefix/lib"
"$work/by_pkg_config" >/dev/null

if python3 -c 'import numpy' 2>/dev/null; then
  say "Python"
  WEFT_LIBRARY=$prefix/lib/libweft.so python3 - "$root/docs/examples" <<'PYTHON'
import sys
sys.path.insert(0, sys.argv[1])
import cut_out, numpy
rgba = cut_out.Model().cutout(numpy.full((40, 30, 3), 128, numpy.uint8))
assert rgba.shape == (40, 30, 4), rgba.shape
try:
    cut_out.Model("/not/there")
except RuntimeError as error:
    assert "/not/there" in str(error), error
else:
    sys.exit("a missing model is no error")
PYTHON
else
  say "skipped: Python has no numpy"
fi

say "add_subdirectory"
mkdir "$work/project"
cat >"$work/project/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.22)
project(other LANGUAGES CXX)
add_subdirectory(${WEFT} weft EXCLUDE_FROM_ALL)
add_executable(other other.cpp)
target_link_libraries(other PRIVATE weft::weft)
CMAKE
cp "$root/docs/examples/small_network.cpp" "$root/docs/examples/example.h" "$work/project/"
mv "$work/project/small_network.cpp" "$work/project/other.cpp"
cmake -S "$work/project" -B "$work/project/build" -DWEFT="$root" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
# Building all of weft once more would take minutes; that the project is generated shows that nothing is looked for in
# the other project's folders.

say "a build that is not finished is not installed"
mkdir "$work/empty"
cmake -S "$root" -B "$work/empty" -DWEFT_BUILD_TESTS=OFF >/dev/null
! cmake --install "$work/empty" --prefix "$work/nothing" 2>"$work/message" || fails "an unfinished build was installed"
tr -s "\n " " " <"$work/message" | grep -q "not built yet: .*infer_unet" || fails "the message does not say what is missing: $(cat "$work/message")"
[ ! -e "$work/nothing" ] || fails "an unfinished build touched the prefix"
say "all is well"
