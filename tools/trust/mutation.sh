#!/usr/bin/env bash
# Mutants of kernels and gradients (tools/trust/mutation.py): 100, or TRUST_MUTANTS, drawn with the seed TRUST_SEED; at
# least 95% must be caught by test_core. Skipped in the smoke version: each mutant is compiled, linked and tested.
set -euo pipefail
cd "$(dirname "$0")/../.."

[ "$TRUST_SMOKE" = 0 ] || { echo "mutants of kernels and gradients | about ten seconds each | skipped: smoke"; exit 0; }
python3 tools/trust/mutation.py "$TRUST_BUILD" --mutants "${TRUST_MUTANTS:-100}" --seed "${TRUST_SEED:-1}" \
  --work "$TRUST_WORK" > "$TRUST_WORK/log"
cat "$TRUST_WORK/log" >&2
awk '$1 == "total" { printf "mutants of kernels and gradients | %d, %d caught | %s\n", $3, $2,
                     ($3 > 0 && 100 * $2 >= 95 * $3) ? "0" : "below 95%" }' "$TRUST_WORK/log"
