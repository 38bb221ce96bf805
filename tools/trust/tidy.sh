#!/usr/bin/env bash
# clang-tidy with the set that .clang-tidy argues for, over all sources of core, nn, models, data, train and tools.
# Skipped in the smoke version (a quarter of an hour). TRUST_TIDY_FILES="data/*.cpp" limits it.
set -euo pipefail
cd "$(dirname "$0")/../.."

[ "$TRUST_SMOKE" = 0 ] || { echo "clang-tidy | all sources | skipped: smoke"; exit 0; }
command -v clang-tidy > /dev/null || { echo "clang-tidy | all sources | skipped: no clang-tidy"; exit 0; }
# clang++ does not know all of gcc's options; those that it warns of are dropped.
mkdir -p "$TRUST_WORK/commands"
sed 's/ccache //; s/-Wno-restrict//; s/-Werror//' "$TRUST_BUILD/compile_commands.json" \
  > "$TRUST_WORK/commands/compile_commands.json"
# shellcheck disable=SC2086
git ls-files ${TRUST_TIDY_FILES:-'core/*.cpp' 'nn/*.cpp' 'models/*.cpp' 'data/*.cpp' 'train/*.cpp' 'tools/*.cpp'} |
  grep -v '^tools/peers/' > "$TRUST_WORK/files"
xargs -P "${TRUST_JOBS:-2}" -n 1 clang-tidy --quiet -p "$TRUST_WORK/commands" < "$TRUST_WORK/files" \
  > "$TRUST_WORK/log" 2> /dev/null || true
grep -E '(warning|error):' "$TRUST_WORK/log" | sort -u >&2 || true
found=$(grep -cE '(warning|error):' "$TRUST_WORK/log" || true)
echo "clang-tidy | $(wc -l < "$TRUST_WORK/files") files | $([ "$found" = 0 ] && echo 0 || echo "$found warnings")"
