#!/usr/bin/env bash
# Which lines of the parsers the fuzz targets reach with the inputs that they have (llvm-cov): one line for each target and
# source file, "target | file | lines reached | of". Needs clang and llvm, and a build folder of its own beside BUILD.
#   tools/fuzz_lines.sh [--build BUILD] [--found FOLDER] [target...]
# FOLDER holds what earlier fuzzing found (TRUST_FUZZ_KEEP of tools/trust/fuzz.sh; default BUILD-fuzz/found).
set -euo pipefail
cd "$(dirname "$0")/.."

usage() { sed -n '2,5s/^# \{0,1\}//p' "$0"; }
build=build found='' targets=()
while [ $# -gt 0 ]; do
  case "$1" in
    --build | --found)
      [ $# -ge 2 ] || { echo "fuzz_lines.sh: $1 needs a folder" >&2; exit 2; }
      if [ "$1" = --build ]; then build=$2; else found=$2; fi
      shift
      ;;
    -h | --help) usage; exit 0 ;;
    -*) echo "fuzz_lines.sh: unknown option $1" >&2; usage >&2; exit 2 ;;
    *) targets+=("$1") ;;
  esac
  shift
done
found=${found:-$build-fuzz/found}
llvm_tool() { command -v "$1" || compgen -c "$1-" | grep -E "^$1-[0-9]+$" | sort -V | tail -1; }
cov=$(llvm_tool llvm-cov) profdata=$(llvm_tool llvm-profdata)
[ -n "$cov" ] && [ -n "$profdata" ] && command -v clang++ > /dev/null ||
  { echo "fuzz_lines.sh: needs clang++, llvm-cov and llvm-profdata" >&2; exit 1; }

if [ ${#targets[@]} -eq 0 ]; then
  for file in tests/fuzz/fuzz_*.cpp; do name=$(basename "$file" .cpp); targets+=("${name#fuzz_}"); done
fi
cmake -S . -B "$build-fuzz-lines" -G Ninja -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_BUILD_TYPE=RelWithDebInfo \
  -DWEFT_FUZZ=ON -DWEFT_FUZZ_LINES=ON ${TRUST_CMAKE:-} >&2
ninja -C "$build-fuzz-lines" "${targets[@]/#/fuzz_}" >&2

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for name in "${targets[@]}"; do
  program=$build-fuzz-lines/fuzz/fuzz_$name
  folders=("tests/fuzz/corpus/$name")
  [ -d "$found/$name" ] && folders+=("$found/$name")
  find "${folders[@]}" -type f -print0 |
    TMPDIR=$work LLVM_PROFILE_FILE=$work/$name.%p.raw xargs -0 -n 2000 "$program" > "$work/log" 2>&1 ||
    { tail -3 "$work/log" >&2; echo "fuzz_lines.sh: $name breaks a promise" >&2; exit 1; }
  "$profdata" merge -o "$work/$name.profile" "$work/$name".*.raw
  "$cov" export -summary-only -instr-profile="$work/$name.profile" "$program" |
    python3 -c '
import json, os, sys
for file in json.load(sys.stdin)["data"][0]["files"]:
    lines, name = file["summary"]["lines"], os.path.relpath(file["filename"])
    if lines["covered"] and name.split("/")[0] in ("core", "data", "models", "train"):
        print(sys.argv[1], name, lines["covered"], lines["count"], sep=" | ")' "$name"
done
